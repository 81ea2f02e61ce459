/** Metadata for those who read and write rows by it: other isolates that do a part of a job. */
import { serializeTableMetadata } from "./serialize_table_metadata.ts";
import type { TableMetadata } from "./table_metadata.ts";

/** Metadata as JSON text, without snapshots and all that speaks of them, which may be megabytes. */
export function serializeWithoutHistory(metadata: TableMetadata): string {
  return serializeTableMetadata({
    ...metadata,
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
  });
}
