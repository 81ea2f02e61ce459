/** The table that a pipeline makes of its first rows. */
import { AppError } from "../errors.ts";
import { type DefinedTable, defineTable } from "../iceberg/ddl/define_table.ts";
import type { PipelineOptions } from "./contract/options.ts";
import type { SinkColumn } from "./contract/tick_job.ts";

/** Fields of a table's definition, as the request of a pipeline calls them. */
const FIELDS: Readonly<Record<string, string>> = {
  schema: "transform",
  partition_by: "sink_partition_by",
  properties: "sink_properties",
  format_version: "sink_format_version",
};

/**
 * The definition of a sink with these columns. Errors are those of `defineTable`, with the fields of
 * the pipeline's request.
 */
export function defineSink(
  columns: readonly SinkColumn[],
  options: Pick<
    PipelineOptions,
    "sink_partition_by" | "sink_properties" | "sink_format_version"
  >,
): DefinedTable {
  try {
    return defineTable({
      schema: columns.map((column) => ({ ...column, default: null })),
      partition_by: options.sink_partition_by ?? [],
      sort_order: [],
      identifier_columns: [],
      properties: options.sink_properties ?? {},
      format_version: options.sink_format_version ?? 2,
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.issues.length === 0) throw error;
    const issues = error.issues.map(({ path, message }) => {
      const [field = "", ...rest] = path.split(".");
      return { path: [FIELDS[field] ?? field, ...rest].join("."), message };
    });
    throw new AppError(error.kind, error.code, error.message, { issues, cause: error });
  }
}
