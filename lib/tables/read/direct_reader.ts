/**
 * The `TableReader` that reads in the isolate it is called in. Metadata, manifest lists, manifests
 * and finished reports are cached under their immutable paths, within one budget of bytes.
 */
import { createHash } from "node:crypto";
import { ByteBudgetCache, type Sized } from "../../byte_budget_cache.ts";
import { type LoadedDocument, loadTable } from "../../catalog/load/mod.ts";
import type { TableLocation } from "../../catalog/mod.ts";
import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { estimateBytes } from "../../estimate_bytes.ts";
import { resolveSnapshot, type SnapshotTarget } from "../../iceberg/scan/time_travel.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import type { TableReader, TimeTravel } from "../contract/table_reader.ts";
import { describeSchema } from "./describe_schema.ts";
import { describeRefs, describeSnapshots } from "./describe_snapshots.ts";
import { reportHealth } from "./health_report.ts";
import { keepStores, type OpenStorage } from "./kept_stores.ts";
import { listFiles } from "./list_files.ts";
import { CachedManifests } from "./cached_manifests.ts";

/** A report holds figures that depend on the time (snapshots past retention): it ages. */
const MAX_REPORT_AGE_MS = 60_000;

/** What the reader stands on. */
export interface DirectReaderDeps {
  readonly openStorage: OpenStorage;
  readonly cacheBytes: number;
  readonly clock: Clock;
}

/** A table with what tells it apart in the caches. */
interface CachedTable {
  readonly table: LoadedDocument;
  /** The table's name and store: caches outlive a configuration, and another may reuse its paths. */
  readonly place: string;
  /** Tells documents apart that had the same path; see `versionOf`. */
  readonly version: string;
}

/** A `TableReader` with figures of its cache. */
export interface DirectReader extends TableReader {
  cacheStats(): ReturnType<ByteBudgetCache["stats"]>;
}

/** Creates a reader; it holds no file or connection open. */
export function createDirectReader(given: DirectReaderDeps): DirectReader {
  const deps = { ...given, openStorage: keepStores(given.openStorage) };
  const cache = new ByteBudgetCache({ maxBytes: deps.cacheBytes });
  const load = (location: TableLocation, signal: AbortSignal | undefined) =>
    loadCached(location, { deps, cache, signal });
  return {
    async schema(location, { signal } = {}) {
      return describeSchema((await load(location, signal)).table);
    },
    async snapshots(location, page, { signal } = {}) {
      return describeSnapshots((await load(location, signal)).table, page);
    },
    async refs(location, page, { signal } = {}) {
      return describeRefs((await load(location, signal)).table, page);
    },
    async files(location, query, { signal } = {}) {
      const { table, place } = await load(location, signal);
      const manifests = new CachedManifests(table, { cache, place });
      const snapshot = snapshotAt(table.metadata, query.at);
      return await listFiles(table, { query, snapshot, manifests, signal });
    },
    async health(location, { signal } = {}) {
      const { table, place, version } = await load(location, signal);
      const manifests = new CachedManifests(table, { cache, place });
      const nowMs = deps.clock.now();
      const age = Math.floor(nowMs / MAX_REPORT_AGE_MS);
      const key = `report ${place} ${version} ${table.metadataLocation} ${age}`;
      return await cache.getOrLoad(key, async (loading) => {
        const metadataBytes = table.storedBytes;
        const input = { manifests, metadataBytes, nowMs, signal: loading };
        const report = await reportHealth(table, input);
        return { value: report, bytes: estimateBytes(report) };
      }, signal);
    },
    cacheStats: () => cache.stats(),
  };
}

interface LoadOptions {
  readonly deps: DirectReaderDeps;
  readonly cache: ByteBudgetCache;
  readonly signal: AbortSignal | undefined;
}

async function loadCached(location: TableLocation, options: LoadOptions): Promise<CachedTable> {
  const { deps, cache, signal } = options;
  // A rest catalog sends the document, and fresh credentials, with every answer.
  if (location.kind === "rest") return (await load(location, deps, signal)).value;
  const version = await versionOf(location, options);
  const { metadataLocation, foundAt } = location;
  const key = JSON.stringify(["table", placeOf(location), version, metadataLocation, foundAt]);
  return await cache.getOrLoad(key, async (loading) => {
    const { value, bytes } = await load(location, deps, loading);
    return { value: { ...value, version }, bytes };
  }, signal);
}

function placeOf({ identifier, storage }: TableLocation): string {
  // A digest, because it begins every key and the store's credentials are part of it.
  return createHash("sha256").update(JSON.stringify([identifier, storage])).digest("base64url");
}

/**
 * In a hadoop catalog a table that was dropped and created anew begins at `v1` again, so its files
 * are told apart by size and time. Elsewhere every document has a name of its own.
 */
async function versionOf(
  location: TableLocation & { kind: "file" },
  { deps, signal }: LoadOptions,
): Promise<string> {
  if (location.foundAt === null) return "";
  const stat = await deps.openStorage(location.storage).stat(location.metadataLocation, signal);
  return stat === null ? "" : `${stat.sizeBytes}/${stat.modifiedAtMs}`;
}

async function load(
  location: TableLocation,
  { openStorage }: DirectReaderDeps,
  signal: AbortSignal | undefined,
): Promise<Sized<CachedTable>> {
  const table = await loadTable(location, { openStorage, ...(signal ? { signal } : {}) });
  // Parsed strings are slices of the document, so its text stays in memory too.
  const bytes = table.documentBytes + estimateBytes(table.metadata);
  return { value: { table, place: placeOf(location), version: "" }, bytes };
}

function snapshotAt(metadata: TableMetadata, at: TimeTravel): Snapshot | null {
  return resolveSnapshot(metadata, targetOf(at)).snapshot;
}

function targetOf({ snapshotId, ref, timestamp }: TimeTravel): SnapshotTarget {
  if (snapshotId !== null) return { kind: "id", snapshotId: BigInt(snapshotId) };
  if (ref !== null) return { kind: "ref", name: ref };
  if (timestamp !== null) return { kind: "timestamp", timestampMs: parseTimestamp(timestamp) };
  return { kind: "current" };
}

function parseTimestamp(text: string): number {
  const timestampMs = Date.parse(text);
  if (!Number.isNaN(timestampMs)) return timestampMs;
  throw new AppError("invalid", "invalid_timestamp", "Cannot use the timestamp", {
    issues: [{ path: "timestamp", message: `Expected an ISO 8601 time, got "${text}"` }],
  });
}
