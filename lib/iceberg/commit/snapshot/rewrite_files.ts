/**
 * Replaces files by others that hold the same rows: compaction (operation `replace`).
 *
 * Rows that others deleted while files were being rewritten must not come back. So every replaced
 * file must still be live, and no delete that came after the *planning* snapshot may apply to one.
 * Equality deletes are the exception where rewritten files keep the planning snapshot's sequence
 * number: such deletes are newer, and go on applying to them. That holds only for rows that stay
 * within their reach: not for those that move to another partition spec, nor where the column that
 * tells them apart is gone from the schema, and from rewritten files with it.
 */
import { AppError } from "../../../errors.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { DeleteFile } from "../../scan/delete_index.ts";
import { currentSchema, snapshotById, type TableMetadata } from "../../spec/table_metadata.ts";
import { newDeletesFor } from "./_conflicts.ts";
import { MergingSnapshot, type RemovedFiles } from "./_merging_snapshot.ts";
import type { AddedFile } from "./_new_manifests.ts";
import { NO_REMOVAL, type RemovedFile } from "./_removal.ts";
import { Since } from "./_since.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
  type SnapshotWork,
} from "./snapshot_producer.ts";

export type { AddedFile, RemovedFile };

/** Data files, and those that come in their place. */
export interface ReplacedFiles {
  /** Data files that go. In v3 their deletion vectors go with them. */
  readonly replaced?: readonly RemovedFile[];
  /** Data files that come in their place. */
  readonly added?: readonly DataFile[];
}

/** Options of {@linkcode rewriteFiles}. */
export interface RewriteOptions extends SnapshotOptions, ReplacedFiles {
  /**
   * The same of rows that move to another partition spec. Their files get the commit's own sequence
   * number: equality deletes of partitions would lose such rows, or find rows they are not for.
   */
  readonly moved?: ReplacedFiles;
  /** Delete files that go. */
  readonly replacedDeletes?: readonly RemovedFile[];
  /** Delete files that come in their place, each with its data sequence number. */
  readonly addedDeletes?: readonly AddedFile[];
  /** The snapshot that the replaced files were planned and read in. */
  readonly startingSnapshotId: bigint;
  /**
   * Data sequence number of added data files, moved ones excepted: that of the starting snapshot, so
   * that concurrent equality deletes do not conflict. By default they get the commit's own.
   */
  readonly dataSequenceNumber?: bigint;
}

/** Why one replaced file cannot be replaced any more. */
export interface RewriteConflict {
  /** Location of the replaced file. */
  readonly filePath: string;
  /**
   * `removed`: the file is gone. `deleted`: rows of it have been deleted. `identified`: its rows had
   * no ids when they were read, as before an upgrade to v3, and have got some.
   */
  readonly reason: "removed" | "deleted" | "identified";
  /** The deletes that came; none but for `deleted`. */
  readonly deletes: readonly DeleteFile[];
}

/** Others changed replaced files: kind `conflict`, code `rewrite_conflict`. Redo only those named. */
export class RewriteConflictError extends AppError {
  /** Every replaced file that was touched. Those not named can be committed without the others. */
  readonly conflicts: readonly RewriteConflict[];

  constructor(conflicts: readonly RewriteConflict[]) {
    super(
      "conflict",
      "rewrite_conflict",
      `Cannot replace ${conflicts.length} of the files: rows of them have been deleted or given ` +
        "ids, or they have been removed, since they were read; rewrite them anew",
      {
        context: {
          conflicts: conflicts.map(({ filePath, reason, deletes }) => ({
            filePath,
            reason,
            deletes: deletes.map(({ dataFile }) => dataFile.filePath),
          })),
        },
      },
    );
    this.conflicts = conflicts;
  }
}

/**
 * Errors when committed: {@linkcode RewriteConflictError}; `conflict`, code `starting_snapshot_lost`,
 * where the starting snapshot is not behind the branch's head any more; a `RangeError` for a data
 * sequence number that would make deletes miss rows, or hit others.
 */
export function rewriteFiles(options: RewriteOptions): SnapshotAction {
  const { replacedDeletes = [], addedDeletes = [], moved = {} } = options;
  const replaced = [...options.replaced ?? [], ...moved.replaced ?? []];
  if (replaced.length + replacedDeletes.length === 0) {
    throw new TypeError("Cannot rewrite without a file to replace");
  }
  checkReplaced(options);
  checkReplaced(moved);
  checkSpecs(options);
  const sequenceNumber = options.dataSequenceNumber ?? null;
  const deletesFound: { latest: readonly RewriteConflict[] } = { latest: [] };
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "replace",
      addedData: [
        ...(options.added ?? []).map((file) => ({ file, sequenceNumber })),
        ...(moved.added ?? []).map((file) => ({ file })),
      ],
      addedDeletes,
      removal: { ...NO_REMOVAL, data: replaced, deletes: replacedDeletes },
      operation: () => "replace",
      check: async (work) => {
        deletesFound.latest = await deletedConflicts(options, work);
      },
      verify: (removed, work) => verify(options, { removed, work, found: deletesFound.latest }),
    }),
    options,
  );
}

/** Replaced files that have got deletes. They are reported along with those that are gone. */
async function deletedConflicts(
  { replaced = [], moved = {}, startingSnapshotId, dataSequenceNumber }: RewriteOptions,
  work: SnapshotWork,
): Promise<readonly RewriteConflict[]> {
  const { metadata } = work;
  const since = new Since(work, startingSnapshotId);
  if (dataSequenceNumber !== undefined && dataSequenceNumber > since.sequenceNumber) {
    throw new RangeError(
      `Cannot give rewritten files sequence number ${dataSequenceNumber}: the snapshot that they ` +
        `were read in has ${since.sequenceNumber}, and later deletes must apply to them`,
    );
  }
  const all = await since.newDeletes();
  const deletes = dataSequenceNumber === undefined
    ? all
    : all.filter((one) => !goesOnApplying(one, metadata));
  const filesOf = (files: readonly RemovedFile[]) => files.map(({ dataFile }) => dataFile);
  return [
    ...newDeletesFor(filesOf(replaced), { deletes, metadata }),
    ...newDeletesFor(filesOf(moved.replaced ?? []), { deletes: all, metadata }),
  ].map((one) => ({ filePath: one.dataFile.filePath, reason: "deleted", deletes: one.deletes }));
}

/** Whether a delete reaches rows of files that keep their age and their spec as it did before. */
function goesOnApplying({ dataFile }: DeleteFile, metadata: TableMetadata): boolean {
  if (dataFile.content !== "equality_deletes") return false;
  const schema = currentSchema(metadata);
  return (dataFile.equalityIds ?? []).every((id) => schema.findById(id) !== undefined);
}

function verify(
  options: RewriteOptions,
  { removed, work, found }: {
    readonly removed: RemovedFiles;
    readonly work: SnapshotWork;
    readonly found: readonly RewriteConflict[];
  },
): void {
  const since = new Since(work, options.startingSnapshotId);
  // A file that left and came back under its name is not the one that was read.
  const renewed = removed.data.filter((entry) => since.isNew(entry))
    .map((entry) => entry.dataFile.filePath);
  const gone = new Set([...removed.missing, ...renewed]);
  const deleted = found.filter(({ filePath }) => !gone.has(filePath));
  const touched = new Set([...gone, ...deleted.map(({ filePath }) => filePath)]);
  const identified = identifiedSince(options, removed.data, work).filter((path) =>
    !touched.has(path)
  );
  const conflicts = [
    ...[...gone].map((filePath) => withoutDeletes(filePath, "removed")),
    ...deleted,
    ...identified.map((filePath) => withoutDeletes(filePath, "identified")),
  ];
  if (conflicts.length > 0) throw new RewriteConflictError(conflicts);
  const moved = new Set(options.moved?.replaced?.map(({ dataFile }) => dataFile.filePath));
  checkAge(
    options.dataSequenceNumber,
    removed.data.filter(({ dataFile }) => !moved.has(dataFile.filePath)),
  );
}

function withoutDeletes(filePath: string, reason: RewriteConflict["reason"]): RewriteConflict {
  return { filePath, reason, deletes: [] };
}

/**
 * Locations of files whose rows have got ids since. A starting snapshot from before an upgrade to v3
 * gave them none, so that new files know of none: their rows would get others.
 */
function identifiedSince(
  { startingSnapshotId }: RewriteOptions,
  removed: readonly ManifestEntry[],
  { metadata }: SnapshotWork,
): readonly string[] {
  const start = snapshotById(metadata, startingSnapshotId);
  if (start === undefined || start.firstRowId !== null) return [];
  return removed.filter(({ dataFile }) => dataFile.firstRowId !== null)
    .map(({ dataFile }) => dataFile.filePath);
}

/** Younger rows must not come within reach of deletes that were before them. */
function checkAge(sequenceNumber: bigint | undefined, removed: readonly ManifestEntry[]): void {
  if (sequenceNumber === undefined) return;
  const younger = removed.find((entry) => (entry.sequenceNumber ?? 0n) > sequenceNumber);
  if (younger === undefined) return;
  throw new RangeError(
    `Cannot give rewritten files sequence number ${sequenceNumber}: a replaced one has ` +
      `${younger.sequenceNumber}, and deletes between the two are not for its rows`,
  );
}

/** Rewriting may drop deleted rows, but never make any. */
function checkReplaced({ replaced = [], added = [] }: ReplacedFiles): void {
  if (added.length > 0 && replaced.length === 0) {
    throw new TypeError("Cannot rewrite data files without one to replace");
  }
  const before = replaced.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  const after = added.reduce((sum, { recordCount }) => sum + recordCount, 0);
  if (after <= before) return;
  throw new RangeError(`Cannot replace files of ${before} rows by files of ${after}`);
}

/** Rows of another spec have moved, and must be named as such to be checked as such. */
function checkSpecs({ replaced = [], added = [], dataSequenceNumber }: RewriteOptions): void {
  if (dataSequenceNumber === undefined) return;
  const specs = new Set(replaced.map(({ dataFile }) => dataFile.specId));
  const other = added.find(({ specId }) => !specs.has(specId));
  if (other === undefined) return;
  throw new TypeError(
    `Cannot keep the age of rows that move to partition spec ${other.specId}: name their files as ` +
      "moved",
  );
}
