/**
 * The task that encodes rows of one file in another isolate: rows that a job makes in its own would
 * otherwise be encoded there, too, and it could not go on meanwhile.
 */
import { type RecordBatch, RecordBatchReader, RecordBatchStreamWriter } from "apache-arrow";
import { z } from "zod";
import { parseTableMetadata } from "../../iceberg/spec/parse_table_metadata.ts";
import { serializeWithoutHistory } from "../../iceberg/spec/serialize_without_history.ts";
import { currentSchema, type TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import { defineJob, installJob, type JobHost } from "../../jobs/mod.ts";
import { releaseBytes } from "../../release_bytes.ts";
import { batchBytes } from "../arrow/batch_bytes.ts";
import {
  type EncodedRowGroup,
  encodeRowGroup,
  metricsConfig,
  writeSettings,
} from "../parquet/mod.ts";

/** Fewer bytes of rows are encoded on the spot: sending them would take as long. */
const MIN_SENT_BYTES = 1024 * 1024;

/** Encodes an Arrow stream of the table's rows as one row group. */
const encodeRowsTask = defineJob({
  name: "encode-rows",
  params: z.object({ metadata: z.string(), stream: z.instanceof(Uint8Array) }),
  result: z.custom<EncodedRowGroup>((value) => typeof value === "object" && value !== null),
});

/** The task. */
export const installedEncodeRowsTask = installJob(
  encodeRowsTask,
  ({ metadata: text, stream }) => {
    const bytes = new TextEncoder().encode(text);
    const metadata = parseTableMetadata(bytes, { location: "metadata of a task" });
    const group = encodeHere([...RecordBatchReader.from(stream)], metadata);
    releaseBytes(stream);
    return Promise.resolve(group);
  },
);

/** Encodes rows of a job as row groups: many of them on whichever isolate is free. */
export function rowEncoder(
  metadata: TableMetadata,
  { tasks, signal }: Pick<JobHost, "tasks" | "signal">,
): (batches: readonly RecordBatch[]) => Promise<EncodedRowGroup> {
  const sent = serializeWithoutHistory(metadata);
  return async (batches) => {
    const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
    if (bytes < MIN_SENT_BYTES || tasks.width < 2) return encodeHere(batches, metadata);
    const stream = RecordBatchStreamWriter.writeAll(batches).toUint8Array(true);
    return await tasks.run(encodeRowsTask, { metadata: sent, stream }, signal);
  };
}

function encodeHere(batches: readonly RecordBatch[], metadata: TableMetadata): EncodedRowGroup {
  const schema = currentSchema(metadata);
  const { properties } = metadata;
  return encodeRowGroup(batches, {
    schema,
    settings: writeSettings(properties),
    metrics: metricsConfig({ schema, properties }),
  });
}
