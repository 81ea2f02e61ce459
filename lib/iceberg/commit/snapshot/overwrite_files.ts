/** Replaces rows: files named or matched by a filter go, others come, in one snapshot. */
import { AppError, displayPath } from "../../../errors.ts";
import { alwaysTrue, type Expression } from "../../expression/expression.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import {
  checkIsolation,
  type IsolationLevel,
  refuseNewDeletes,
  refuseRemovedData,
} from "./_conflicts.ts";
import { type FileChanges, MergingSnapshot } from "./_merging_snapshot.ts";
import { NO_REMOVAL, type RemovedFile } from "./_removal.ts";
import { RowFilter } from "./_row_filter.ts";
import { Since } from "./_since.ts";
import {
  type SnapshotAction,
  type SnapshotOptions,
  SnapshotProducer,
  type SnapshotWork,
} from "./snapshot_producer.ts";

export type { IsolationLevel, RemovedFile };

/** Options of {@linkcode overwriteFiles}. */
export interface OverwriteOptions extends SnapshotOptions {
  /** New data files. */
  readonly add?: readonly DataFile[];
  /** Data files that go; each must be there still. */
  readonly remove?: readonly RemovedFile[];
  /**
   * Data files go whose every row matches. One that matches in part is `invalid`, code
   * `filter_matches_part_of_file`.
   */
  readonly where?: Expression;
  /** Whether new files may hold only rows that match `where`. */
  readonly addedMatchWhere?: boolean;
  /**
   * The snapshot that the operation read, null for an empty branch. With it, removed files must have
   * got no deletes since, and `isolation` is checked.
   */
  readonly startingSnapshotId?: bigint | null;
  readonly isolation?: IsolationLevel;
  /** Rows that `isolation` is about; by default those of `where`, or all where files are named. */
  readonly conflictFilter?: Expression;
}

/** Errors when committed: `conflict` with code `files_missing`, `data_conflict`, `delete_conflict`. */
export function overwriteFiles(options: OverwriteOptions): SnapshotAction {
  const { add = [], remove = [], where = null } = options;
  if (options.isolation !== undefined && options.startingSnapshotId === undefined) {
    throw new TypeError("Cannot check isolation without the snapshot that was read");
  }
  const changes: FileChanges = {
    name: "overwrite",
    addedData: add.map((file) => ({ file })),
    removal: { ...NO_REMOVAL, data: remove, where },
    operation: ({ addsData, removesData }) =>
      removesData ? addsData ? "overwrite" : "delete" : addsData ? "append" : "delete",
    check: (work) => check(options, work),
  };
  return new SnapshotProducer(new MergingSnapshot(changes), options);
}

async function check(options: OverwriteOptions, work: SnapshotWork): Promise<void> {
  const { metadata } = work;
  const { remove = [], where, startingSnapshotId, isolation } = options;
  if (options.addedMatchWhere === true) requireMatch(options, work);
  if (startingSnapshotId === undefined) return;
  const since = new Since(work, startingSnapshotId);
  await refuseNewDeletes(remove, since, metadata);
  if (isolation === undefined) return;
  const byRows = where !== undefined && remove.length === 0 ? where : alwaysTrue;
  const filter = options.conflictFilter ?? byRows;
  await checkIsolation(since, { isolation, where: filter, metadata });
  if (where !== undefined) {
    await refuseRemovedData(options.conflictFilter ?? where, { since, metadata });
  }
}

function requireMatch({ add = [], where }: OverwriteOptions, { metadata }: SnapshotWork): void {
  if (where === undefined) return;
  const rows = new RowFilter(where, metadata);
  const outside = add.find((file) => !rows.mustMatch(file));
  if (outside === undefined) return;
  throw new AppError(
    "invalid",
    "rows_outside_filter",
    `Cannot overwrite: "${displayPath(outside.filePath)}" may hold rows that the filter does not ` +
      "match; widen the filter, or append them",
    { context: { location: outside.filePath } },
  );
}
