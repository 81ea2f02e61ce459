/** Appends data files without touching a manifest of the table. */
import type { DataFile } from "../../manifest/data_file.ts";
import { MergingSnapshot } from "./_merging_snapshot.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
} from "./snapshot_producer.ts";

/** Options of {@linkcode fastAppend} and `mergeAppend`. */
export interface AppendOptions extends SnapshotOptions {
  /** New data files; none make a snapshot that only carries `properties`. */
  readonly files: readonly DataFile[];
}

/**
 * Appends in the time that writing one manifest takes, and leaves the merging of manifests to
 * others. Never conflicts with other writers.
 */
export function fastAppend(options: AppendOptions): SnapshotAction {
  const added = options.files.map((file) => ({ file }));
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "append",
      addedData: added,
      mergeManifests: false,
      operation: () => "append",
    }),
    options,
  );
}
