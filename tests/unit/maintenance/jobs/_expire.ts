/** Expires snapshots of tables of numbers, as the job would. */
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { ExpireParams, ExpireReceipt } from "../../../../lib/maintenance/contract/mod.ts";
import { expire, removeOrphans } from "../../../../lib/maintenance/jobs/mod.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact } from "./_compaction.ts";

const DAY_MS = 86_400_000;

/** Options of {@linkcode run}. */
export interface RunOptions extends Partial<ExpireParams> {
  readonly store?: TableStore;
  readonly signal?: AbortSignal;
}

/** Runs an expiry. */
export function run(
  table: RowTable,
  { store = table.store, signal, ...more }: RunOptions = {},
): Promise<ExpireReceipt> {
  const params = {
    location: ANY_LOCATION,
    dryRun: false,
    retainLast: null,
    olderThanMs: null,
    snapshotIds: [],
    cleanExpiredMetadata: false,
    pins: [],
    ...more,
  };
  const { clock } = table.runtime;
  return expire(params, testJobHost(store, { clock, ...(signal === undefined ? {} : { signal }) }));
}

/** Everything, whatever its age. */
export const OLD = { olderThanMs: Number.MAX_SAFE_INTEGER } as const;

/** A table of every kind of file: six small files, deletes of all kinds, a compaction. */
export async function usedTable(more: Partial<TableMetadata> = {}): Promise<RowTable> {
  const table = new RowTable(more);
  await appendSmall(table, 6);
  await table.deleteRows([0]);
  await table.deleteEqual([3]);
  await compact(table);
  await table.append([50]);
  return table;
}

/** The rows of {@linkcode usedTable}. */
export const LIVE = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 50];

/** Files that no snapshot and no log of the table names. */
export async function orphans(table: RowTable): Promise<readonly string[]> {
  const receipt = await removeOrphans({
    location: ANY_LOCATION,
    dryRun: true,
    olderThanMs: Date.now() + DAY_MS,
    folder: null,
    equalSchemes: {},
    equalAuthorities: {},
    prefixMismatchMode: "ERROR",
  }, testJobHost(table.store));
  return receipt.orphan_file_location;
}
