/**
 * Removes orphans: files below the table's location that the table does not refer to.
 *
 * ```
 * load ─► all that is reachable ─► list ─► orphans ─► for each batch: load again ─► delete
 *                                                          └ what became reachable stays
 * ```
 *
 * Only the table's own location is listed: folders that its properties name elsewhere
 * (`write.data.path`) are often shared among tables, and the others' files would all look like
 * orphans. Who knows that a folder is this table's alone names it as `location`.
 */
import { requireWritable } from "../../../iceberg/require_writable.ts";
import { AppError, displayPath } from "../../../errors.ts";
import { type FileStat, formatIdentifier, type LoadedTable } from "../../../iceberg/ports.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import { relativeLocation } from "../../../storage/mod.ts";
import {
  removeOrphansJob,
  type RemoveOrphansParams,
  type RemoveOrphansReceipt,
} from "../../contract/mod.ts";
import { OrphanFinder, type OrphanFindings, ReachableLocations } from "../../plan/find_orphans.ts";
import { LocationIdentity } from "../../plan/location_identity.ts";
import { requireGarbageCollection, requireReadable } from "../_guards.ts";
import { deleteFiles } from "../delete_files.ts";
import { foldersElsewhere, locationsOf } from "./table_locations.ts";

/** Files that are deleted between two looks at the table. */
const BATCH_FILES = 1_000;
/** Locations named in a receipt. */
const MAX_LISTED = 1_000;
/** Files listed between two reports of progress. */
const FILES_PER_REPORT = 10_000;

/** The job. */
export const installedRemoveOrphansJob = installJob(removeOrphansJob, removeOrphans);

/** Runs the job. Errors: see the guards; `conflict`/`prefix_mismatch`, `conflict`/`table_replaced`. */
export async function removeOrphans(
  params: RemoveOrphansParams,
  host: JobHost,
): Promise<RemoveOrphansReceipt> {
  const store = host.openTable(params.location);
  const table = await store.load(host.signal);
  requireWritable(table);
  requireGarbageCollection(table);
  requireReadable(table);
  const folder = folderToList(table, params.folder);
  const identity = new LocationIdentity(params);
  const reachable = new ReachableLocations(identity);
  host.progress({ phase: "planning", done: 0, total: null, unit: "files" });
  await addReachable(reachable, table, { signal: host.signal });
  const found = await listOrphans(table, { params, folder, identity, reachable, host });
  if (found.conflicts.length > 0 && params.prefixMismatchMode === "ERROR") {
    throw prefixMismatch(found.conflicts);
  }
  const work = { store, table, reachable, host };
  const done = params.dryRun
    ? { orphans: found.orphans, deleted: found.orphans, failed: [] }
    : await deleteOrphans(found.orphans, work);
  return receiptOf(params, { found, done, notListed: foldersElsewhere(table.metadata) });
}

function folderToList(table: LoadedTable, asked: string | null): string {
  const { location } = table.metadata;
  if (asked === null) return location;
  const own = [location, ...foldersElsewhere(table.metadata)];
  if (own.some((folder) => relativeLocation(asked, folder) !== null)) return asked;
  const message =
    `Cannot look for orphans in "${displayPath(asked)}": it is not a folder of table ` +
    `"${formatIdentifier(table.identifier)}"; name one below its location or its write paths`;
  throw new AppError("invalid", "location_not_of_table", message, {
    issues: [{ path: "location", message }],
  });
}

async function addReachable(
  reachable: ReachableLocations,
  table: LoadedTable,
  options: Parameters<typeof locationsOf>[1],
): Promise<void> {
  for await (const location of locationsOf(table, options)) reachable.add(location);
}

async function listOrphans(
  { metadata, io }: LoadedTable,
  { params, folder, identity, reachable, host }: {
    readonly params: RemoveOrphansParams;
    readonly folder: string;
    readonly identity: LocationIdentity;
    readonly reachable: ReachableLocations;
    readonly host: JobHost;
  },
): Promise<OrphanFindings> {
  const finder = new OrphanFinder(reachable, {
    folder,
    identity,
    mode: params.prefixMismatchMode,
    olderThanMs: params.olderThanMs,
    partitionFields: metadata.partitionSpecs.flatMap(({ fields }) =>
      fields.map(({ name }) => name)
    ),
  });
  const listing = io.listEverything?.(folder, host.signal) ??
    io.listRecursive(folder, host.signal);
  let listed = 0;
  for await (const stat of listing) {
    finder.add(stat);
    if (++listed % FILES_PER_REPORT === 0) {
      host.progress({ phase: "listing", done: listed, total: null, unit: "files" });
    }
  }
  return finder.finish();
}

interface Deletion {
  /** Without files that became part of the table meanwhile. */
  readonly orphans: readonly FileStat[];
  readonly deleted: readonly FileStat[];
  readonly failed: readonly FileStat[];
}

async function deleteOrphans(
  found: readonly FileStat[],
  { store, table, reachable, host }: {
    readonly store: TableStore;
    readonly table: LoadedTable;
    readonly reachable: ReachableLocations;
    readonly host: JobHost;
  },
): Promise<Deletion> {
  const done = { orphans: [] as FileStat[], deleted: [] as FileStat[], failed: [] as FileStat[] };
  const total = found.length;
  let last = table;
  for (let at = 0; at < total; at += BATCH_FILES) {
    last = await lookAgain(last, { store, reachable, signal: host.signal });
    const batch = found.slice(at, at + BATCH_FILES)
      .filter(({ location }) => reachable.find(location) !== true);
    const { deleted, failed } = await deleteFiles(batch, { io: table.io, signal: host.signal });
    done.orphans.push(...batch);
    done.deleted.push(...deleted);
    done.failed.push(...failed);
    const progress = { phase: "deleting", done: at + batch.length, total, unit: "files" } as const;
    host.progress(progress);
  }
  return done;
}

/** A commit since then may have taken in a file that was written long ago. */
async function lookAgain(
  last: LoadedTable,
  { store, reachable, signal }: {
    readonly store: TableStore;
    readonly reachable: ReachableLocations;
    readonly signal: AbortSignal;
  },
): Promise<LoadedTable> {
  const table = await store.load(signal);
  if (table.metadata.tableUuid !== last.metadata.tableUuid) throw replaced(table);
  if (table.metadataLocation === last.metadataLocation) return last;
  const known = new Set(last.metadata.snapshots.map(({ snapshotId }) => snapshotId));
  const snapshots = table.metadata.snapshots.filter(({ snapshotId }) => !known.has(snapshotId));
  await addReachable(reachable, table, { snapshots, signal });
  return table;
}

function receiptOf(
  params: RemoveOrphansParams,
  { found, done, notListed }: {
    readonly found: OrphanFindings;
    readonly done: Deletion;
    readonly notListed: readonly string[];
  },
): RemoveOrphansReceipt {
  return {
    orphan_file_location: done.orphans.slice(0, MAX_LISTED).map(({ location }) => location).sort(),
    orphan_files_count: done.orphans.length,
    orphan_bytes_count: bytesOf(done.orphans),
    deleted_files_count: done.deleted.length,
    deleted_bytes_count: bytesOf(done.deleted),
    failed_deletes_count: done.failed.length,
    kept_files: [...found.kept],
    nested_tables: [...found.nestedTables],
    older_than: new Date(params.olderThanMs).toISOString(),
    not_listed: [...notListed],
  };
}

function bytesOf(files: readonly FileStat[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function prefixMismatch(conflicts: readonly string[]): AppError {
  return new AppError(
    "conflict",
    "prefix_mismatch",
    `Cannot tell whether files are orphans: the table knows them under other names ` +
      `(${conflicts.slice(0, 5).join("; ")}); say what is equal in equal_schemes and ` +
      "equal_authorities, or leave such files alone with prefix_mismatch_mode IGNORE",
    { context: { conflicts } },
  );
}

function replaced(table: LoadedTable): AppError {
  return new AppError(
    "conflict",
    "table_replaced",
    `Cannot go on with table "${
      formatIdentifier(table.identifier)
    }": it was dropped, and another ` +
      "table has taken its name since",
  );
}
