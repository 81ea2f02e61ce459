/** Appends data files, and merges small manifests as the table's properties ask. */
import { MergingSnapshot } from "./_merging_snapshot.ts";
import type { AppendOptions } from "./fast_append.ts";
import { type SnapshotAction, SnapshotProducer } from "./snapshot_producer.ts";

/**
 * The append to use unless there is a reason not to: once in a while it costs the merging of
 * manifests, and keeps their number small. Never conflicts with other writers.
 */
export function mergeAppend(options: AppendOptions): SnapshotAction {
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "append",
      addedData: options.files.map((file) => ({ file })),
      operation: () => "append",
    }),
    options,
  );
}
