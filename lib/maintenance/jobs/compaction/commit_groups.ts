/**
 * Commits rewritten groups. Where others have changed some of the groups meanwhile, the rest is
 * committed all the same: one late delete must not cost the whole run its work.
 *
 * ```
 * groups ─► replace ─┬─► committed
 *    ▲               ├─► some conflict: rows deleted ─► to be redone
 *    └── the others ─┘                  files gone ───► given up
 * ```
 */
import { AppError } from "../../../errors.ts";
import {
  type ReplacedFiles,
  type RewriteConflict,
  RewriteConflictError,
  rewriteFiles,
} from "../../../iceberg/commit/snapshot/rewrite_files.ts";
import type { SnapshotAction } from "../../../iceberg/commit/snapshot/snapshot_producer.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../../iceberg/ports.ts";
import type { JobHost } from "../../../jobs/mod.ts";
import { commitAction } from "../_commit.ts";
import { namedDeletes } from "./delete_scope.ts";
import type { FinishedGroup } from "./group_rewriter.ts";
import type { CompactionLedger } from "./ledger.ts";

/** Options of {@linkcode commitGroups}. */
export interface CommitGroupsOptions {
  readonly store: TableStore;
  readonly host: Pick<JobHost, "operationId" | "signal" | "announce" | "clock">;
  readonly ledger: CompactionLedger;
  /** Whether new files keep the age of the state they were read in. */
  readonly useStartingSequenceNumber: boolean;
  /** Whether nothing is left to do once these groups are committed. */
  readonly isLast: boolean;
}

/** What became of the groups. All others were committed. */
export interface CommitGroupsResult {
  /** Rows of them have been deleted since they were read. */
  readonly toRedo: readonly FinishedGroup[];
  /** Files of them are gone. */
  readonly gone: readonly FinishedGroup[];
  /** The table after the last commit; null where there was none. */
  readonly table: LoadedTable | null;
}

/**
 * Commits groups of one planning state as one snapshot, without those that conflict. Errors are those
 * of `commitTransaction`; then none of the groups is committed, or with `commit_state_unknown` maybe
 * all.
 */
export async function commitGroups(
  finished: readonly FinishedGroup[],
  options: CommitGroupsOptions,
): Promise<CommitGroupsResult> {
  const toRedo: FinishedGroup[] = [];
  const gone: FinishedGroup[] = [];
  let rest = finished;
  while (rest.length > 0) {
    try {
      const table = await commitOnce(rest, options, { toRedo, gone });
      return { toRedo, gone, table };
    } catch (error) {
      if (isStartLost(error)) return { toRedo: [...toRedo, ...rest], gone, table: null };
      if (!(error instanceof RewriteConflictError)) throw error;
      const touched = touchedGroups(rest, error.conflicts);
      // Nothing would change: the same conflict would come for ever.
      if (touched.size === 0) throw error;
      for (const [group, reason] of touched) (reason === "removed" ? gone : toRedo).push(group);
      rest = rest.filter((group) => !touched.has(group));
    }
  }
  return { toRedo, gone, table: null };
}

async function commitOnce(
  groups: readonly FinishedGroup[],
  options: CommitGroupsOptions,
  { toRedo, gone }: Omit<CommitGroupsResult, "table">,
): Promise<LoadedTable> {
  const { store, host, ledger } = options;
  const action = replaceAction(groups, options);
  const receipt = () => {
    if (!options.isLast || toRedo.length > 0) return null;
    const after = ledger.clone();
    after.commit(groups, action.snapshot);
    after.fail(gone.map(({ group }) => group), "files_replaced_meanwhile");
    return after.receipt();
  };
  const { table } = await commitAction(action, { store, host, receipt });
  ledger.commit(groups, action.snapshot);
  return table;
}

function replaceAction(
  groups: readonly FinishedGroup[],
  { useStartingSequenceNumber }: CommitGroupsOptions,
): SnapshotAction {
  const [first] = groups;
  if (first === undefined) throw new TypeError("Cannot commit no groups");
  const { snapshot, table } = first.state;
  const tasks = groups.flatMap(({ group }) => group.files);
  // v1 has no sequence numbers; and no deletes, which they are for.
  const keepsAge = useStartingSequenceNumber && table.metadata.formatVersion > 1;
  const byMove = Map.groupBy(groups, movesRows);
  return rewriteFiles({
    ...filesOf(byMove.get(false) ?? []),
    moved: filesOf(byMove.get(true) ?? []),
    replacedDeletes: namedDeletes(tasks),
    startingSnapshotId: snapshot.snapshotId,
    ...(keepsAge ? { dataSequenceNumber: snapshot.sequenceNumber } : {}),
  });
}

function filesOf(groups: readonly FinishedGroup[]): ReplacedFiles {
  return {
    replaced: groups.flatMap(({ group }) => group.files),
    added: groups.flatMap(({ added }) => added),
  };
}

/** Whether rows of a group go to another partition spec. */
function movesRows({ group, added }: FinishedGroup): boolean {
  return added.some((file) => group.files.some(({ dataFile }) => dataFile.specId !== file.specId));
}

/** The groups that conflicts are about. One of several reasons for a group, `removed` if among them. */
function touchedGroups(
  groups: readonly FinishedGroup[],
  conflicts: readonly RewriteConflict[],
): ReadonlyMap<FinishedGroup, RewriteConflict["reason"]> {
  const ofFile = new Map<string, FinishedGroup>();
  const ofDelete = new Map<string, FinishedGroup[]>();
  for (const finished of groups) {
    const { files } = finished.group;
    for (const { dataFile } of files) ofFile.set(dataFile.filePath, finished);
    for (const { dataFile } of namedDeletes(files)) {
      const sharing = ofDelete.get(dataFile.filePath) ?? [];
      ofDelete.set(dataFile.filePath, [...sharing, finished]);
    }
  }
  const touched = new Map<FinishedGroup, RewriteConflict["reason"]>();
  for (const { filePath, reason } of conflicts) {
    const group = ofFile.get(filePath);
    if (group !== undefined && touched.get(group) !== "removed") touched.set(group, reason);
    // A delete file that is gone has been replaced by another: its data file is to be read anew.
    for (const one of ofDelete.get(filePath) ?? []) {
      if (!touched.has(one)) touched.set(one, "deleted");
    }
  }
  return touched;
}

/** The planning state expired or was rolled back; what it held may still be there. */
function isStartLost(error: unknown): boolean {
  return error instanceof AppError && error.code === "starting_snapshot_lost";
}
