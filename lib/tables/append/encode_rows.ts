/**
 * The task that encodes rows of one partition in another isolate: rows of partitions come together in
 * the job's own, and would all be encoded there.
 */
import { serializeWithoutHistory } from "../../iceberg/spec/serialize_without_history.ts";
import { type RecordBatch, RecordBatchStreamWriter } from "apache-arrow";
import { z } from "zod";
import { batchBytes } from "../../columnar/mod.ts";
import {
  type EncodedRowGroup,
  encodeRowGroup,
  metricsConfig,
  writeSettings,
} from "../../columnar/parquet/mod.ts";
import { parseTableMetadata } from "../../iceberg/spec/parse_table_metadata.ts";
import { currentSchema, type TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import { defineJob, installJob, type JobHost } from "../../jobs/mod.ts";
import { releaseBytes } from "../../release_bytes.ts";
import { receivedBatches } from "./encode_block.ts";

/** Fewer bytes of rows are encoded on the spot: sending them would take as long. */
const MIN_SENT_BYTES = 1024 * 1024;

/** Encodes an Arrow stream of the table's rows as one row group. */
export const encodeRowsTask = defineJob({
  name: "append.encode-rows",
  params: z.object({ metadata: z.string(), stream: z.instanceof(Uint8Array) }),
  result: z.custom<EncodedRowGroup>((value) => typeof value === "object" && value !== null),
});

/** The task. */
export const installedEncodeRowsTask = installJob(
  encodeRowsTask,
  ({ metadata: text, stream }) => {
    const bytes = new TextEncoder().encode(text);
    const metadata = parseTableMetadata(bytes, { location: "metadata of a task" });
    const group = encodeHere(receivedBatches(stream), metadata);
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
