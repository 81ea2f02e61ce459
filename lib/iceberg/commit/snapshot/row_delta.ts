/** Adds rows and row-level deletes in one snapshot: what updates, merges and upserts come to. */
import { alwaysTrue, type Expression } from "../../expression/expression.ts";
import { AppError } from "../../../errors.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import { isDeletionVector, referencedDataFile } from "../../scan/delete_index.ts";
import {
  checkIsolation,
  type IsolationLevel,
  type References,
  refuseLostPositions,
  refuseNewDeletes,
  requireReferenced,
} from "./_conflicts.ts";
import { isLive } from "./_manifest_filter.ts";
import { type ChangeKinds, MergingSnapshot } from "./_merging_snapshot.ts";
import { NO_REMOVAL, type RemovedFile } from "./_removal.ts";
import { Since } from "./_since.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
  type SnapshotWork,
} from "./snapshot_producer.ts";
import type { SnapshotOperation } from "./snapshot_summary.ts";

/** Options of {@linkcode rowDelta}. */
export interface RowDeltaOptions extends SnapshotOptions {
  /** New data files. */
  readonly rows?: readonly DataFile[];
  /**
   * New delete files. A deletion vector must hold all deleted positions of its data file: it ends
   * the vector that was there.
   */
  readonly deletes?: readonly DataFile[];
  /** Data files that go. */
  readonly removedRows?: readonly RemovedFile[];
  /** Delete files that go: those whose positions new ones have taken over. */
  readonly removedDeletes?: readonly RemovedFile[];
  /**
   * The snapshot in which positions were looked up, null for an empty branch. Deletes by position
   * need it; equality deletes alone do not.
   */
  readonly startingSnapshotId?: bigint | null;
  /** Data files that position delete files without a `referencedDataFile` speak of. */
  readonly referencedDataFiles?: readonly string[];
  /** Further checks against concurrent changes, among rows that `conflictFilter` matches. */
  readonly isolation?: IsolationLevel;
  readonly conflictFilter?: Expression;
  /**
   * The spec of equality deletes that are to reach every row of the table, which those of a partition
   * do only while all live data files are of their spec; null where they reach all of them anyhow.
   */
  readonly onlySpecId?: number | null;
}

/**
 * Errors when committed, all `conflict`: `files_missing` where a data file is gone that deletes are
 * for, `delete_conflict`, `data_conflict` and `spec_conflict` where others came first,
 * `delete_format_mismatch`.
 */
export function rowDelta(options: RowDeltaOptions): SnapshotAction {
  const { rows = [], deletes = [], removedRows = [], removedDeletes = [] } = options;
  const positional = deletes.some((file) => file.content === "position_deletes");
  const needsStart = positional || removedRows.length > 0 || options.isolation !== undefined;
  if (needsStart && options.startingSnapshotId === undefined) {
    throw new TypeError("Cannot delete rows by position without the snapshot that was read");
  }
  return new SnapshotProducer(
    new MergingSnapshot({
      name: "row delta",
      addedData: rows.map((file) => ({ file })),
      addedDeletes: deletes.map((file) => ({ file })),
      removal: { ...NO_REMOVAL, data: removedRows, deletes: removedDeletes },
      operation: operationOf,
      check: (work) => check(options, work),
    }),
    options,
  );
}

function operationOf({ addsData, addsDeletes, removesData }: ChangeKinds): SnapshotOperation {
  if (addsData && !addsDeletes && !removesData) return "append";
  return addsDeletes && !addsData ? "delete" : "overwrite";
}

async function check(options: RowDeltaOptions, work: SnapshotWork): Promise<void> {
  const { startingSnapshotId, isolation, deletes = [], removedRows = [] } = options;
  requireSpec(options.onlySpecId ?? null, work);
  if (startingSnapshotId === undefined) return;
  const { metadata } = work;
  const since = new Since(work, startingSnapshotId);
  await requireReferenced(referencesOf(options), since, metadata);
  await refuseLostPositions(deletes.filter(isDeletionVector), since, metadata);
  await refuseNewDeletes(removedRows, since, metadata);
  if (isolation === undefined) return;
  const where = options.conflictFilter ?? alwaysTrue;
  await checkIsolation(since, { isolation, where, metadata });
}

/** Rows beyond the reach of equality deletes would stay. */
function requireSpec(onlySpecId: number | null, { manifests }: SnapshotWork): void {
  if (onlySpecId === null) return;
  const foreign = manifests.find((manifest) =>
    manifest.content === "data" && manifest.partitionSpecId !== onlySpecId && isLive(manifest)
  );
  if (foreign === undefined) return;
  throw new AppError(
    "conflict",
    "spec_conflict",
    `Cannot delete rows by equality in partition spec ${onlySpecId}: the table has files of spec ` +
      `${foreign.partitionSpecId} by now, which such deletes do not reach; look at it again`,
  );
}

/** Data files that deletes speak of, without those that come in the same snapshot. */
function referencesOf(options: RowDeltaOptions): References {
  const { rows = [], deletes = [], referencedDataFiles = [] } = options;
  const positional = deletes.filter((file) => file.content === "position_deletes");
  const paths = new Set(referencedDataFiles);
  for (const file of positional) {
    const path = referencedDataFile(file);
    if (path !== null) paths.add(path);
  }
  for (const { filePath } of rows) paths.delete(filePath);
  // Position deletes lie in the partitions of their data files, whoever named those.
  return { paths, within: positional.length > 0 ? positional : null };
}
