/** Where the two tables of a pipeline are now, and the sink that it makes where there is none. */
import { type Catalog, identifierOfNew, type TableLocation } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import type { PipelineRow } from "./_row.ts";
import { stateKey } from "./_source_watch.ts";
import type { SinkColumn } from "./contract/tick_job.ts";
import { defineSink } from "./sink_definition.ts";

/** Both tables. */
export interface LocatedTables {
  readonly source: TableLocation;
  /** Null where it does not exist. */
  readonly sink: TableLocation | null;
}

/** Options of {@linkcode locateTables}. */
export interface LocateTablesOptions {
  /** The state of the source in which nobody wants to know of the sink; null for none. */
  readonly seenKey: string | null;
  readonly signal: AbortSignal;
}

/**
 * Locates both, or where the source is as it was seen, none; `not_found`/`source_dropped` where it is not
 * there any more.
 */
export async function locateTables(
  catalog: Catalog,
  row: PipelineRow,
  options: LocateTablesOptions,
): Promise<LocatedTables | null> {
  const { seenKey } = options;
  if (seenKey === null) {
    const both = [locateSource(catalog, row, options), locateSink(catalog, row, options)] as const;
    const [source, sink] = await Promise.all(both);
    return { source, sink };
  }
  // Pipelines that wait look again and again.
  const source = await locateSource(catalog, row, options);
  if (stateKey(source) === seenKey) return null;
  return { source, sink: await locateSink(catalog, row, options) };
}

type LocateOptions = Pick<LocateTablesOptions, "signal">;

async function locateSource(
  catalog: Catalog,
  { source_table: source }: PipelineRow,
  { signal }: LocateOptions,
): Promise<TableLocation> {
  try {
    return await catalog.locate(source, { signal });
  } catch (error) {
    throw isNotFound(error) ? dropped(source, error) : error;
  }
}

async function locateSink(
  catalog: Catalog,
  { sink_table: sink }: PipelineRow,
  { signal }: LocateOptions,
): Promise<TableLocation | null> {
  try {
    return await catalog.locate(sink, { signal });
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
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
