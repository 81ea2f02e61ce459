/** Statistics files (spec: "Table Statistics", "Partition Statistics"). */
import type { JsonObject } from "../../json.ts";
/** One blob of a Puffin statistics file, as the metadata describes it. */
export interface BlobMetadata {
  readonly type: string;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly fields: readonly number[];
  readonly properties: Readonly<Record<string, string>>;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A Puffin file with statistics for one snapshot. */
export interface StatisticsFile {
  readonly snapshotId: bigint;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: number;
  readonly fileFooterSizeInBytes: number;
  readonly keyMetadata: string | null;
  readonly blobMetadata: readonly BlobMetadata[];
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A file with per-partition statistics for one snapshot. */
export interface PartitionStatisticsFile {
  readonly snapshotId: bigint;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: number;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}
