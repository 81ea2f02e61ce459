/**
 * The `TableReader` that reads in the isolate it is called in. Metadata, manifest lists, manifests
 * and finished reports are cached under their immutable paths, within one budget of bytes.
 */
import type { ByteBudgetCache } from "../../byte_budget_cache.ts";
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
import { CachedTables, type CachedTablesDeps } from "./cached_tables.ts";
import { listFiles } from "./list_files.ts";

/** A report holds figures that depend on the time (snapshots past retention): it ages. */
const MAX_REPORT_AGE_MS = 60_000;

/** What the reader stands on. */
export interface DirectReaderDeps extends CachedTablesDeps {
  readonly clock: Clock;
}

/** A `TableReader` with figures of its cache. */
export interface DirectReader extends TableReader {
  cacheStats(): ReturnType<ByteBudgetCache["stats"]>;
}

/** Creates a reader; it holds no file or connection open. */
export function createDirectReader(deps: DirectReaderDeps): DirectReader {
  const tables = new CachedTables(deps);
  const { cache } = tables;
  return {
    async schema(location, { signal } = {}) {
      return describeSchema((await tables.load(location, signal)).table);
    },
    async snapshots(location, page, { signal } = {}) {
      return describeSnapshots((await tables.load(location, signal)).table, page);
    },
    async refs(location, page, { signal } = {}) {
      return describeRefs((await tables.load(location, signal)).table, page);
    },
    async files(location, query, { signal } = {}) {
      const loaded = await tables.load(location, signal);
      const { table } = loaded;
      const manifests = tables.manifests(loaded);
      const snapshot = snapshotAt(table.metadata, query.at);
      return await listFiles(table, { query, snapshot, manifests, signal });
    },
    async health(location, { pins = [], signal } = {}) {
      const loaded = await tables.load(location, signal);
      const { table, place, version } = loaded;
      const manifests = tables.manifests(loaded);
      const nowMs = deps.clock.now();
      const age = Math.floor(nowMs / MAX_REPORT_AGE_MS);
      const held = pins.length === 0 ? "" : JSON.stringify(pins);
      const key = `report ${place} ${version} ${table.metadataLocation} ${age} ${held}`;
      return await cache.getOrLoad(key, async (loading) => {
        const metadataBytes = table.storedBytes;
        const input = { manifests, metadataBytes, nowMs, pins, signal: loading };
        const report = await reportHealth(table, input);
        return { value: report, bytes: estimateBytes(report) };
      }, signal);
    },
    cacheStats: () => cache.stats(),
  };
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
