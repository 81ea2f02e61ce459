/**
 * The `TableReader` that reads in the isolate it is called in. Metadata, manifest lists, manifests
 * and finished reports are cached under their immutable paths, within one budget of bytes.
 */
import { ByteBudgetCache, type Sized } from "../../byte_budget_cache.ts";
import { loadTable } from "../../catalog/load/mod.ts";
import type { TableLocation } from "../../catalog/mod.ts";
import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { estimateBytes } from "../../estimate_bytes.ts";
import type { FileIo, LoadedTable } from "../../iceberg/ports.ts";
import { resolveSnapshot, type SnapshotTarget } from "../../iceberg/scan/time_travel.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import type { StorageSpec } from "../../storage/mod.ts";
import type { TableReader, TimeTravel } from "../contract/table_reader.ts";
import { describeSchema } from "./describe_schema.ts";
import { describeRefs, describeSnapshots } from "./describe_snapshots.ts";
import { reportHealth } from "./health_report.ts";
import { listFiles } from "./list_files.ts";
import { CachedManifests } from "./cached_manifests.ts";

/** A report holds figures that depend on the time (snapshots past retention): it ages. */
const MAX_REPORT_AGE_MS = 60_000;

/** What the reader stands on. */
export interface DirectReaderDeps {
  readonly openStorage: (spec: StorageSpec) => FileIo;
  readonly cacheBytes: number;
  readonly clock: Clock;
}

/** A table with the size of the document it was read from. */
interface CachedTable {
  readonly table: LoadedTable;
  readonly metadataBytes: number;
}

/** A `TableReader` with figures of its cache. */
export interface DirectReader extends TableReader {
  cacheStats(): ReturnType<ByteBudgetCache["stats"]>;
}

/** Creates a reader; it holds no file or connection open. */
export function createDirectReader(deps: DirectReaderDeps): DirectReader {
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
      const { table } = await load(location, signal);
      const manifests = new CachedManifests(table, cache);
      const snapshot = snapshotAt(table.metadata, query.at);
      return await listFiles(table, { query, snapshot, manifests, signal });
    },
    async health(location, { signal } = {}) {
      const { table, metadataBytes } = await load(location, signal);
      const manifests = new CachedManifests(table, cache);
      const nowMs = deps.clock.now();
      const key = `report ${table.metadataLocation} ${Math.floor(nowMs / MAX_REPORT_AGE_MS)}`;
      return await cache.getOrLoad(key, async (loading) => {
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
  const { identifier, metadataLocation, storage, foundAt } = location;
  const key = JSON.stringify(["table", identifier, metadataLocation, storage, foundAt]);
  return await cache.getOrLoad(key, (loading) => load(location, deps, loading), signal);
}

async function load(
  location: TableLocation,
  { openStorage }: DirectReaderDeps,
  signal: AbortSignal | undefined,
): Promise<Sized<CachedTable>> {
  const table = await loadTable(location, { openStorage, ...(signal ? { signal } : {}) });
  const metadataBytes = location.kind === "rest"
    ? location.response.length
    : (await table.io.stat(table.metadataLocation, signal))?.sizeBytes ?? 0;
  // Parsed strings are slices of the document, so its text stays in memory too.
  const bytes = table.documentBytes + estimateBytes(table.metadata);
  return { value: { table, metadataBytes }, bytes };
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
