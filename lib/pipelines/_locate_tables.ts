/** Where the two tables of a pipeline are now, and the sink that it makes where there is none. */
import { type Catalog, identifierOfNew, type TableLocation } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import type { PipelineRow } from "./_row.ts";
import type { SinkColumn } from "./contract/tick_job.ts";
import { defineSink } from "./sink_definition.ts";

/** Both tables. */
export interface LocatedTables {
  readonly source: TableLocation;
  /** Null where it does not exist. */
  readonly sink: TableLocation | null;
}

/** Locates both; `not_found`/`source_dropped` where the source is not there any more. */
export async function locateTables(
  catalog: Catalog,
  { source_table: source, sink_table: sink }: PipelineRow,
  signal: AbortSignal,
): Promise<LocatedTables> {
  const [from, to] = await Promise.all([
    catalog.locate(source, { signal }).catch((error: unknown) => {
      throw isNotFound(error) ? dropped(source, error) : error;
    }),
    catalog.locate(sink, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    }),
  ]);
  return { source: from, sink: to };
}

/** Creates the sink; `already_exists` where something has its name. */
export async function createSink(
  catalog: Catalog,
  { row: { sink_table: sink, options }, columns }: {
    readonly row: PipelineRow;
    readonly columns: readonly SinkColumn[];
  },
): Promise<void> {
  const definition = defineSink(columns, options);
  await catalog.createTable({ identifier: identifierOfNew(catalog, sink), ...definition });
}

/** Whether an error says that a table is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.kind === "not_found";
}

/** What to do about a source that is not there any more. */
function dropped(table: string, cause: unknown): AppError {
  const message =
    `Cannot go on: the source table "${table}" is not there any more. Bring it back ` +
    "under its name, or start a pipeline on another source";
  return new AppError("not_found", "source_dropped", message, { cause });
}
