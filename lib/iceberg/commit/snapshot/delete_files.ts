/** Removes whole data files, named or matched by a filter. */
import type { Expression } from "../../expression/expression.ts";
import { MergingSnapshot } from "./_merging_snapshot.ts";
import { NO_REMOVAL, type RemovedFile } from "./_removal.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
} from "./snapshot_producer.ts";

/** Options of {@linkcode deleteFiles}. */
export interface DeleteFilesOptions extends SnapshotOptions {
  /** Data files with their partitions: only manifests that may list them are read. */
  readonly files?: readonly RemovedFile[];
  /** Locations of data files of which no more is known: every manifest is read. */
  readonly paths?: readonly string[];
  /** As in `overwriteFiles`. */
  readonly where?: Expression;
  /** Whether every named file must be there still; true by default. */
  readonly requireAll?: boolean;
}

/** Errors when committed: `conflict`, code `files_missing`. Changes nothing where nothing matches. */
export function deleteFiles(options: DeleteFilesOptions): SnapshotAction {
  const { files: data = [], paths = [], where = null, requireAll = true } = options;
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "delete",
      removal: { ...NO_REMOVAL, data, paths, where },
      operation: () => "delete",
      ...(requireAll ? {} : { verify: () => {} }),
    }),
    options,
  );
}
