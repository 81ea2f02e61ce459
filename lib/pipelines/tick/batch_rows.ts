/** The rows of a planned batch, filtered and transformed, as they go into the sink. */
import type { RecordBatch } from "apache-arrow";
import { DeleteLoader, readAhead, readTask } from "../../columnar/mod.ts";
import { bind } from "../../iceberg/expression/bind.ts";
import { alwaysTrue } from "../../iceberg/expression/expression.ts";
import { metricsMayMatch } from "../../iceberg/expression/match_metrics.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField } from "../../iceberg/spec/types.ts";
import type { Transform } from "../../sql/mod.ts";

/** Options of {@linkcode batchRows}. */
export interface BatchRowsOptions {
  readonly source: LoadedTable;
  /** The schema that rows are read with. */
  readonly schema: Schema;
  /** Null where rows go through as they are. */
  readonly transform: Transform | null;
  readonly signal: AbortSignal;
}

/** Reads files that were added, and makes of them what the sink gets. */
export async function* batchRows(
  tasks: readonly FileScanTask[],
  options: BatchRowsOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { transform, signal } = options;
  const rows = sourceRows(tasks, options);
  if (transform === null || transform.filterSuffices) yield* rows;
  else yield* transform.run(rows, signal);
}

/** Rows of the source that the transform reads, with the columns that it reads. */
async function* sourceRows(
  tasks: readonly FileScanTask[],
  { source, schema, transform, signal }: BatchRowsOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { metadata, io } = source;
  const deletes = new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  const fields = transform === null ? schema.fields : columnsOf(schema, transform.columns);
  const filter = transform === null ? alwaysTrue : bind(transform.filter, schema);
  const mayMatch = filter.kind === "constant" ? () => filter.value : metricsMayMatch(filter);
  // An engine tests all rows, whoever has done so before.
  const residual = transform === null || transform.filterSuffices ? "rows" : "most_rows";
  const reading = { io, metadata, schema, fields, deletes, residual, signal } as const;
  yield* readAhead(wanted(tasks, mayMatch), {
    read: (task) => readTask({ ...task, residual: filter }, reading),
    bytesOf: ({ dataFile }) => dataFile.fileSizeInBytes,
  });
}

async function* wanted(
  tasks: readonly FileScanTask[],
  mayMatch: (file: FileScanTask["dataFile"]) => boolean,
): AsyncGenerator<FileScanTask> {
  for (const task of tasks) if (mayMatch(task.dataFile)) yield task;
}

function columnsOf(schema: Schema, names: readonly string[]): readonly NestedField[] {
  return schema.fields.filter(({ name }) => names.includes(name));
}
