/** Compacts a table of numbers, with rivals let in at every step. */
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import {
  compactTable,
  type GroupRewriter,
  type PlannedGroup,
  planTable,
} from "../../../../lib/maintenance/jobs/mod.ts";
import {
  parseCompactionOptions,
  type RawOptions,
} from "../../../../lib/maintenance/plan/compaction_options.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
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
  readonly dryRun?: boolean;
  /** Called at each step; `time` counts from 1 how often the step was come to. */
  readonly at?: (step: Step, time: number) => Promise<void> | void;
  /** Stands in for the rewriting of a group. */
  readonly rewrite?: (group: PlannedGroup) => Promise<readonly DataFile[]> | null;
  readonly signal?: AbortSignal;
}

/** Files of ten rows are of the right size. */
export const TARGET_ROWS = 10;

/** Runs a compaction as the job does, but for the rewriting of files; resolves with the receipt. */
export async function compact(table: RowTable, given: CompactOptions = {}) {
  const times = new Map<Step, number>();
  const at = async (step: Step) => {
    const time = (times.get(step) ?? 0) + 1;
    times.set(step, time);
    await given.at?.(step, time);
  };
  const rewriter: GroupRewriter = {
    async rewrite(group, { state }) {
      if (!times.has("planned")) await at("planned");
      await at("reading");
      const files = await (given.rewrite?.(group) ?? rewriteRows(group, state));
      await at("written");
      return files;
    },
  };
  const host = testJobHost(hooked(table.store, () => at("committing")), {
    clock: table.runtime.clock,
    ...(given.signal === undefined ? {} : { signal: given.signal }),
  });
  const params = {
    location: ANY_LOCATION,
    dryRun: given.dryRun ?? false,
    strategy: "binpack" as const,
    sortOrder: null,
    where: given.where ?? null,
    options: { "target-file-size-bytes": TARGET_ROWS * BYTES_PER_ROW, ...given.options },
  };
  const deps = { createRewriter: () => rewriter, maxGroupBytes: () => null };
  const receipt = await compactTable(params, host, deps);
  return { ...receipt, announced: host.announced };
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
