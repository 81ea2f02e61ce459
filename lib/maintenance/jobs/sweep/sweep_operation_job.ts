/**
 * Looks after what a dead job left. Its files are known by the operation's id in their names; those
 * that the table came to use stay, the others go.
 *
 * ```
 * load ─► did its commit come through? ─► (wait, load again) ─► list its files ─► in use? ─► delete
 * ```
 *
 * A commit that was handed to a store may arrive after its sender has died. So nothing is deleted
 * before that commit has come through, can come through no more, or has had its time.
 */
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import type { FileStat, LoadedTable } from "../../../iceberg/ports.ts";
import {
  installJob,
  type JobHost,
  sweepOperationJob,
  type SweepOperationParams,
  type SweepOperationReceipt,
} from "../../../jobs/mod.ts";
import { baseName } from "../../../storage/mod.ts";
import { requireReadable } from "../_guards.ts";
import { deleteFiles } from "../delete_files.ts";
import { foldersElsewhere, locationsOf } from "../orphans/table_locations.ts";
import { isOperationIn, settledTable } from "./settled_table.ts";

/** Metadata files stay: one that a catalog got to name later must be there, and they are small. */
const METADATA_FILE = /\.metadata\.json(\.gz)?$/;

/** The job. */
export const installedSweepOperationJob = installJob(sweepOperationJob, sweepOperation);

/** Runs the job. */
export async function sweepOperation(
  params: SweepOperationParams,
  host: JobHost,
): Promise<SweepOperationReceipt> {
  const store = host.openTable(params.location);
  // The server of a catalog was asked by the main isolate, which lives, and has its answer.
  const pending = { ...params, isAnswered: true };
  const { table, outcome } = await settledTable(store, pending, host.signal);
  const files = await filesOf(table, params.deadOperationId, host.signal);
  const { used, unused } = await divide(table, files, host.signal);
  // Asked again: somebody may have repeated the dead job's commit while its files were listed.
  const isMoved = (await store.load(host.signal)).metadataLocation !== table.metadataLocation;
  const { deleted, failed } = isMoved && unused.length > 0
    ? await sweepAgain(store, unused, host.signal)
    : await deleteFiles(unused, { io: table.io, signal: host.signal });
  return {
    outcome,
    landedBefore: isOperationIn(table, params.deadOperationId),
    removedFiles: deleted.length,
    keptFiles: used.length,
    failedFiles: failed.length,
  };
}

/** Files whose names say that the operation wrote them, those in the making included. */
async function filesOf(
  { metadata, io }: LoadedTable,
  operationId: string,
  signal: AbortSignal,
): Promise<readonly FileStat[]> {
  const files: FileStat[] = [];
  for (const folder of [metadata.location, ...foldersElsewhere(metadata)]) {
    const listing = io.listEverything?.(folder, signal) ?? io.listRecursive(folder, signal);
    for await (const file of listing) {
      const name = baseName(file.location);
      if (name.includes(operationId) && !METADATA_FILE.test(name)) files.push(file);
    }
  }
  return files;
}

/**
 * Compares names without folders: they are unique by the operation's id, and a location may be
 * recorded in more than one spelling. Where two are alike after all, both stay.
 */
async function divide(
  table: LoadedTable,
  files: readonly FileStat[],
  signal: AbortSignal,
): Promise<{ readonly used: readonly FileStat[]; readonly unused: readonly FileStat[] }> {
  if (files.length === 0) return { used: [], unused: [] };
  requireReadable(table);
  const wanted = new Set(files.map(({ location }) => baseName(location)));
  const found = new Set<string>();
  for await (const location of locationsOf(table, { signal })) {
    const name = baseName(location);
    if (wanted.has(name)) found.add(name);
    if (found.size === wanted.size) break;
  }
  const isUsed = ({ location }: FileStat) => found.has(baseName(location));
  return { used: files.filter(isUsed), unused: files.filter((file) => !isUsed(file)) };
}

async function sweepAgain(store: TableStore, files: readonly FileStat[], signal: AbortSignal) {
  const table = await store.load(signal);
  const { unused } = await divide(table, files, signal);
  return await deleteFiles(unused, { io: table.io, signal });
}
