/**
 * Compacts a table: rewrites data files of the wrong size, or with too many deletes, into files of
 * the right one, with deletes applied and rows otherwise untouched.
 *
 * ```
 * load ─► plan ─► rewrite groups ─► commit, redo what lost rows ─► dangling deletes, if asked for
 * ```
 */
import { requireWritable } from "../../../iceberg/require_writable.ts";
import { findDanglingDeletes } from "../../../iceberg/commit/snapshot/dangling_deletes.ts";
import { RemoveDanglingDeletes } from "../../../iceberg/commit/snapshot/remove_dangling_deletes.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import { targetFileSize } from "../../../iceberg/rewrite/file_size_rules.ts";
import { manifestSource } from "../../../iceberg/scan/manifest_source.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import { currentSnapshot } from "../../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../../jobs/mod.ts";
import type { CompactParams, CompactReceipt } from "../../contract/mod.ts";
import { type CompactionOptions, parseCompactionOptions } from "../../plan/compaction_options.ts";
import type { CompactionPlan } from "../../plan/plan_compaction.ts";
import { commitAction } from "../_commit.ts";
import { requireReadable } from "../_guards.ts";
import { fileScopedDeletes, withoutFiles } from "./delete_scope.ts";
import type { GroupRewriter, PlanningState } from "./group_rewriter.ts";
import { CompactionLedger } from "./ledger.ts";
import { outputSpec, planTable } from "./plan_table.ts";
import { type RowOrder, rowOrderOf } from "./row_order.ts";
import { runCompaction } from "./run_compaction.ts";

/** What a rewriter is made for. */
export interface RewriterInput {
  readonly params: CompactParams;
  readonly options: CompactionOptions;
  readonly order: RowOrder;
  readonly host: JobHost;
}

/** What the job stands on: tests bring rewriters of their own. */
export interface CompactDeps {
  readonly createRewriter: (input: RewriterInput) => GroupRewriter;
  /** Bytes of data files that one group may have; null for no bound. */
  readonly maxGroupBytes: (order: RowOrder, host: JobHost) => number | null;
}

/**
 * Runs the job. Errors: `invalid` for options, filter and order that do not fit the table, those of
 * reading, writing and committing; see `runCompaction`.
 */
export async function compactTable(
  params: CompactParams,
  host: JobHost,
  deps: CompactDeps,
): Promise<CompactReceipt> {
  const store = host.openTable(params.location);
  const table = await store.load(host.signal);
  requireWritable(table);
  requireReadable(table);
  const { metadata } = table;
  const { strategy, where } = params;
  const options = parseCompactionOptions(params.options, {
    strategy,
    defaultTargetBytes: targetFileSize(metadata.properties),
  });
  outputSpec(metadata, options);
  const order = rowOrderOf(metadata, { ...params, zOrder: options.zOrder });
  const snapshot = currentSnapshot(metadata);
  if (snapshot === undefined) {
    return new CompactionLedger({ strategy, groups: 0, skipped: [] }).receipt();
  }
  const state = { table, snapshot };
  const maxGroupBytes = deps.maxGroupBytes(order, host);
  host.progress({ phase: "planning", done: 0, total: null, unit: "files" });
  const planning = { options, where, maxGroupBytes, signal: host.signal };
  const plan = await planTable(state, planning);
  const ledger = new CompactionLedger({
    strategy,
    groups: plan.groups.length,
    skipped: plan.skipped,
  });
  if (params.dryRun) return await foretell(plan, { state, options, ledger, host });
  if (plan.groups.length > 0) {
    const rewriter = deps.createRewriter({ params, options, order, host });
    await runCompaction(plan.groups, state, { store, host, rewriter, ledger, options });
  }
  if (options.removeDanglingDeletes) await removeDangling(store, host, ledger);
  return ledger.receipt();
}

interface Foretelling {
  readonly state: PlanningState;
  readonly options: CompactionOptions;
  readonly ledger: CompactionLedger;
  readonly host: JobHost;
}

/** The bill: what the plan says, as if every group came out as expected. */
async function foretell(
  { groups }: CompactionPlan<FileScanTask>,
  { state, options, ledger, host }: Foretelling,
): Promise<CompactReceipt> {
  const tasks = groups.flatMap(({ files }) => files);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const bytes = sum(groups.map(({ inputBytes }) => inputBytes));
  const newFiles = sum(groups.map(({ outputs }) => outputs.expectedFiles));
  return {
    ...ledger.receipt(),
    rewritten_files: tasks.length,
    rewritten_data_files_count: tasks.length,
    new_files: newFiles,
    added_data_files_count: newFiles,
    rewritten_bytes_count: bytes,
    added_bytes_count: bytes,
    removed_delete_files_count: options.removeDanglingDeletes
      ? await countDangling(tasks, state, host)
      : fileScopedDeletes(tasks).length,
  };
}

/** New files are younger than all of these deletes: what applies to none of the others goes. */
async function countDangling(
  tasks: readonly FileScanTask[],
  { table: { metadata, io }, snapshot }: PlanningState,
  { signal }: JobHost,
): Promise<number> {
  const gone = new Set(tasks.map(({ dataFile }) => dataFile.filePath));
  const manifests = withoutFiles(manifestSource(io, metadata), gone);
  return (await findDanglingDeletes({ metadata, snapshot, manifests, signal })).length;
}

async function removeDangling(
  store: TableStore,
  host: JobHost,
  ledger: CompactionLedger,
): Promise<void> {
  const action = new RemoveDanglingDeletes();
  host.progress({ phase: "committing", done: 0, total: null, unit: "files" });
  const receipt = () => {
    const after = ledger.clone();
    after.commit([], action.snapshot);
    return after.receipt();
  };
  await commitAction(action, { store, host, receipt });
  ledger.commit([], action.snapshot);
}
