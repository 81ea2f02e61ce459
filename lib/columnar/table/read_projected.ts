/** Reads a file's rows as rows of other fields: opens it, projects it, and tracks positions. */
import type { RecordBatch } from "apache-arrow";
import type { NestedField } from "../../iceberg/spec/types.ts";
import { compileProjection, type ProjectionOptions } from "./project_batch.ts";
import type { ReadRowsOptions, RowSource } from "./row_source.ts";

/** Options of {@linkcode readProjected}. */
export interface ReadProjectedOptions extends ProjectionOptions {
  /** Which rows, and how many at a time. */
  readonly read: Omit<ReadRowsOptions, "columns">;
}

/** Rows of the fields, in the order of the file, with the position of the first. */
export async function* readProjected(
  source: RowSource,
  fields: readonly NestedField[],
  options: ReadProjectedOptions,
): AsyncGenerator<{ readonly batch: RecordBatch; readonly firstPosition: number }> {
  const projection = compileProjection(source.schema, fields, options);
  for await (const placed of source.read({ ...options.read, columns: projection.filePlaces })) {
    yield {
      batch: projection.project(placed.batch, placed),
      firstPosition: placed.firstPosition,
    };
  }
}
