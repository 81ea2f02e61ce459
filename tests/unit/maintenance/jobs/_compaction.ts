/** Compacts a table of numbers, with rivals let in at every step. */
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import {
  CompactionLedger,
  type PlannedGroup,
  planTable,
  runCompaction,
} from "../../../../lib/maintenance/jobs/mod.ts";
import {
  parseCompactionOptions,
  type RawOptions,
} from "../../../../lib/maintenance/plan/compaction_options.ts";
import { uuidV7 } from "../../../../lib/uuid_v7.ts";
import {
  BYTES_PER_ROW,
  rewriteRows,
  type RowTable,
} from "../../../support/maintenance/row_table.ts";

/** Where a rival may come in. */
export const STEPS = ["planned", "reading", "written", "committing"] as const;
/** A step of a compaction. */
export type Step = typeof STEPS[number];

/** Options of {@linkcode compact}. */
export interface CompactOptions {
  readonly options?: RawOptions;
  readonly where?: string;
  /** Called at each step; `time` counts from 1 how often the step was come to. */
  readonly at?: (step: Step, time: number) => Promise<void> | void;
  /** Stands in for the rewriting of a group. */
  readonly rewrite?: (group: PlannedGroup) => Promise<readonly DataFile[]> | null;
  readonly signal?: AbortSignal;
}

/** Files of ten rows are of the right size. */
export const TARGET_ROWS = 10;

/** Plans and runs a compaction as its job would; resolves with the receipt. */
export async function compact(table: RowTable, given: CompactOptions = {}) {
  const options = parseCompactionOptions(given.options ?? {}, {
    strategy: "binpack",
    defaultTargetBytes: TARGET_ROWS * BYTES_PER_ROW,
  });
  const times = new Map<Step, number>();
  const at = async (step: Step) => {
    const time = (times.get(step) ?? 0) + 1;
    times.set(step, time);
    await given.at?.(step, time);
  };
  const signal = given.signal ?? new AbortController().signal;
  const { state } = table;
  const where = given.where ?? null;
  const plan = await planTable(state, { options, where, maxGroupBytes: null, signal });
  await at("planned");
  const ledger = new CompactionLedger({
    strategy: "binpack",
    groups: plan.groups.length,
    skipped: plan.skipped,
  });
  const announced: unknown[] = [];
  const host = {
    operationId: uuidV7(table.runtime.clock.now()),
    signal,
    announce: (receipt: unknown) => void announced.push(receipt),
    progress: () => {},
  };
  const work = {
    store: hooked(table.store, () => at("committing")),
    host,
    ledger,
    options,
    runtime: table.runtime,
    rewriter: {
      async rewrite(group: PlannedGroup, { state }: { state: typeof table.state }) {
        await at("reading");
        const files = await (given.rewrite?.(group) ?? rewriteRows(group, state));
        await at("written");
        return files;
      },
    },
  };
  try {
    await runCompaction(plan.groups, state, work);
  } catch (error) {
    throw Object.assign(error as Error, { ledger });
  }
  return { ...ledger.receipt(), announced };
}

/** What a compaction of the table would find to do. */
export async function groupsLeft(table: RowTable, raw: RawOptions = {}): Promise<number> {
  const options = parseCompactionOptions(raw, {
    strategy: "binpack",
    defaultTargetBytes: TARGET_ROWS * BYTES_PER_ROW,
  });
  const { signal } = new AbortController();
  const plan = await planTable(table.state, { options, where: null, maxGroupBytes: null, signal });
  return plan.groups.length;
}

function hooked(store: TableStore, beforeCommit: () => Promise<void>): TableStore {
  return {
    keepsMetadataFiles: store.keepsMetadataFiles === true,
    load: (signal) => store.load(signal),
    async commit(base, change, options) {
      await beforeCommit();
      return await store.commit(base, change, options);
    },
  };
}

/** The numbers from `from` up to and without `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Appends `files` files of two rows each, beginning with row `from`. */
export async function appendSmall(
  table: RowTable,
  files: number,
  { from = 0, region = "eu" }: { readonly from?: number; readonly region?: string } = {},
): Promise<void> {
  for (let i = 0; i < files; i++) {
    await table.append([from + 2 * i, from + 2 * i + 1], region);
  }
}
