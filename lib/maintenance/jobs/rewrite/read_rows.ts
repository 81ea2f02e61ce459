/** The live rows of what is rewritten, in order, with what identifies them. */
import type { RecordBatch } from "apache-arrow";
import { DeleteLoader, readTask } from "../../../columnar/mod.ts";
import { nameMappingOf } from "../../../iceberg/spec/name_mapping.ts";
import { currentSchema } from "../../../iceberg/spec/table_metadata.ts";
import { receivedTask, type SentInput } from "./rewrite_tasks.ts";
import type { TableContext } from "./table_context.ts";

/** Options of {@linkcode readRows}. */
export interface ReadInputsOptions {
  /** Decoded bytes at a time. */
  readonly windowBytes: number;
  readonly signal: AbortSignal;
}

/** Batches in the Arrow form of `table.schema`. Errors are those of `readTask`. */
export async function* readRows(
  inputs: readonly SentInput[],
  table: TableContext,
  { windowBytes, signal }: ReadInputsOptions,
): AsyncGenerator<RecordBatch> {
  const { io, metadata, schema } = table;
  const deletes = new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  for (const { task, rowGroups } of inputs) {
    yield* readTask(receivedTask(task, metadata), {
      io,
      metadata,
      schema: currentSchema(metadata),
      fields: schema.fields,
      deletes,
      ...(rowGroups === null ? {} : { rowGroups }),
      windowBytes,
      signal,
    });
  }
}
