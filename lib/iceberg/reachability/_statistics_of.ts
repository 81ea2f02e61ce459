/** Statistics files of snapshots. */
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { ReachableFile } from "./reachable_file.ts";

/** Statistics of tables and partitions that belong to these snapshots. */
export function statisticsOf(
  { statistics, partitionStatistics }: Pick<TableMetadata, "statistics" | "partitionStatistics">,
  snapshotIds: ReadonlySet<bigint>,
): readonly ReachableFile[] {
  return [...statistics, ...partitionStatistics]
    .filter(({ snapshotId }) => snapshotIds.has(snapshotId))
    .map(({ statisticsPath, fileSizeInBytes }) => ({
      kind: "statistics",
      location: statisticsPath,
      sizeBytes: fileSizeInBytes,
    }));
}
