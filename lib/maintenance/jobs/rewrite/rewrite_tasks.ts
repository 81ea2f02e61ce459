/**
 * The tasks that a compaction hands to other isolates, and the form in which files and tables cross:
 * plain data, without the metrics that nobody needs for reading rows.
 */
import { z } from "zod";
import { TableLocationSchema } from "../../../catalog/load/mod.ts";
import type { TableLocation } from "../../../catalog/mod.ts";
import type { EncodedRowGroup } from "../../../columnar/parquet/mod.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import { alwaysTrue } from "../../../iceberg/expression/expression.ts";
import { referencedDataFile } from "../../../iceberg/scan/delete_index.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../../iceberg/spec/types.ts";
import { defineJob } from "../../../jobs/mod.ts";
import type { OutputSizes } from "../../plan/output_sizes.ts";
import type { RowOrder } from "../compaction/row_order.ts";

/** A file to rewrite, with its deletes. */
export type SentTask = Pick<FileScanTask, "dataFile" | "sequenceNumber" | "deletes">;

/** Row groups of a file that belong together. */
export interface SentInput {
  readonly task: SentTask;
  /** Numbers of row groups; null for all of them. */
  readonly rowGroups: readonly number[] | null;
}

/** Checked by their types alone: both sides are this program, and the sender has checked the rest. */
const inputs = z.custom<readonly SentInput[]>(Array.isArray);
const outputs = z.custom<OutputSizes>(isObject);
const order = z.custom<RowOrder>(isObject);
const partition = z.custom<readonly IcebergValue[] | null>((value) =>
  value === null || Array.isArray(value)
);

const table = {
  location: TableLocationSchema.transform(withoutAnswer),
  /** Metadata without snapshots, as the rows are read and written by. */
  metadata: z.string(),
};

/** Parameters of {@linkcode encodePartTask}. */
export const EncodePartParams = z.object({ ...table, inputs });
export type EncodePartParams = z.infer<typeof EncodePartParams>;

/** Reads the live rows of some inputs and encodes them as row groups, in their order. */
export const encodePartTask = defineJob({
  name: "compact.encode-part",
  params: EncodePartParams,
  result: z.object({
    rowGroups: z.custom<readonly EncodedRowGroup[]>(Array.isArray),
  }),
});

/** Parameters of {@linkcode rewriteGroupTask}. */
export const RewriteGroupParams = z.object({
  ...table,
  inputs,
  order,
  outputs,
  outputSpecId: z.int(),
  /** The partition of all rows; null where they are to be told apart. */
  partition,
  /** Part of the names of new files. */
  taskId: z.int(),
});
export type RewriteGroupParams = z.infer<typeof RewriteGroupParams>;

/** Rewrites a whole group, and writes its files. */
export const rewriteGroupTask = defineJob({
  name: "compact.rewrite-group",
  params: RewriteGroupParams,
  result: z.object({ files: z.custom<readonly DataFile[]>(Array.isArray) }),
});

/** A scan task as it is sent: a copy, as bytes that are sent are gone for the sender. */
export function sentTask(task: FileScanTask): SentTask {
  return structuredClone({
    dataFile: sentFile(task.dataFile),
    sequenceNumber: task.sequenceNumber,
    deletes: task.deletes.map(({ dataFile, sequenceNumber }) => ({
      // Bounds tell which file a delete is for; they stay behind.
      dataFile: { ...sentFile(dataFile), referencedDataFile: referencedDataFile(dataFile) },
      sequenceNumber,
    })),
  });
}

/** The scan task again, in a table with this metadata. */
export function receivedTask(sent: SentTask, metadata: TableMetadata): FileScanTask {
  const { specId } = sent.dataFile;
  const spec = metadata.partitionSpecs.find((one) => one.specId === specId);
  if (spec === undefined) throw new TypeError(`Cannot find partition spec ${specId}`);
  return { ...sent, spec, fileSequenceNumber: null, snapshotId: null, residual: alwaysTrue };
}

function sentFile(file: DataFile): DataFile {
  const { content, filePath, fileFormat, specId, partition, recordCount, fileSizeInBytes } = file;
  const { equalityIds, sortOrderId, firstRowId, referencedDataFile } = file;
  const { contentOffset, contentSizeInBytes, splitOffsets } = file;
  return {
    content,
    filePath,
    fileFormat,
    specId,
    partition,
    recordCount,
    fileSizeInBytes,
    equalityIds,
    sortOrderId,
    firstRowId,
    referencedDataFile,
    contentOffset,
    contentSizeInBytes,
    splitOffsets,
    columnSizes: null,
    valueCounts: null,
    nullValueCounts: null,
    nanValueCounts: null,
    lowerBounds: null,
    upperBounds: null,
    keyMetadata: null,
  };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/**
 * Byte arrays move with a task, and the job goes on with its location. A task asks the catalog
 * itself.
 */
function withoutAnswer(location: TableLocation): TableLocation {
  return location.kind === "rest" ? { ...location, response: new Uint8Array() } : location;
}
