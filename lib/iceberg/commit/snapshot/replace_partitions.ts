/** Replaces whole partitions: those that new files lie in hold nothing but them afterwards. */
import type { DataFile } from "../../manifest/data_file.ts";
import { MergingSnapshot } from "./_merging_snapshot.ts";
import { NO_REMOVAL } from "./_removal.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
} from "./snapshot_producer.ts";

/** Options of {@linkcode replacePartitions}. */
export interface ReplacePartitionsOptions extends SnapshotOptions {
  /** New data files; with none, nothing changes. */
  readonly files: readonly DataFile[];
}

/**
 * Adds files, and removes every other file of the partitions that they lie in, as dynamic overwrites
 * of Spark do; files of a spec without partitions replace the whole table. What is removed is looked
 * up in each attempt: whoever changes those partitions in between, compaction too, is overwritten.
 * Deletes of removed files go with them, except that those for several partitions stay.
 *
 * Errors when committed: `unsupported`, code `partition_spec_mismatch`, where a file of another spec
 * may hold rows of the partitions, and others; those of appends.
 */
export function replacePartitions(options: ReplacePartitionsOptions): SnapshotAction {
  const { files } = options;
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "replace partitions",
      addedData: files.map((file) => ({ file })),
      removal: { ...NO_REMOVAL, partitionsOf: files },
      operation: ({ removesData }) => removesData ? "overwrite" : "append",
      summary: { "replace-partitions": "true" },
      check: ({ writer }) => {
        // An expiry may have taken a spec that nothing used until now.
        for (const { specId } of files) writer.specOf(specId);
        return Promise.resolve();
      },
    }),
    options,
  );
}
