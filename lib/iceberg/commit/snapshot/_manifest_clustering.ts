/**
 * Rewrites the manifests of one content and partition spec: as few as their target size asks for,
 * their entries sorted by partition, so that a scan of some partitions skips most of them.
 *
 * Only as many entries are in memory as fit into {@linkcode MAX_BUFFERED_BYTES}; where there are
 * more, manifests are read once for each stretch of the order.
 */
import { AppError, corruptData } from "../../../errors.ts";
import { mapConcurrently } from "../../../concurrency.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { MetricMap } from "../../manifest/metric_map.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, partitionFieldsBySpec } from "../../scan/manifest_source.ts";
import type { PartitionSpec } from "../../spec/partition_spec.ts";
import { partitionType } from "../../spec/partition_type.ts";
import { schemaOfSpec } from "../../spec/table_metadata.ts";
import { isLive } from "./_manifest_filter.ts";
import { manifestProperties } from "./_manifest_properties.ts";
import { type ManifestKind, SAMPLE_ENTRIES } from "./_manifest_writer.ts";
import { type PartitionOrder, readPartitionOrder } from "./_partition_order.ts";
import type { CommitAttempt } from "../commit_action.ts";
import type { SnapshotWork } from "./snapshot_producer.ts";

/** Entries held in memory at a time, in bytes, by a careful guess. */
export const MAX_BUFFERED_BYTES = 256 * 1024 * 1024;

/** What an entry takes in memory beside its metrics, and how far metrics shrink in a manifest. */
const ENTRY_OVERHEAD_BYTES = 1_000;
const SHRINKING = 5;

/** A manifest is left to be too large up to this multiple of its target. */
const TOLERATED_EXCESS = 2;

/** What a rewrite would do. */
export interface ClusteringPlan {
  /** Manifests that go; none where they are as they should be. */
  readonly replaced: readonly ManifestFile[];
  /** How many come in their place. */
  readonly added: number;
  /** Entries of each of these; the last one has the rest. */
  readonly entriesPerManifest: number;
  readonly order: PartitionOrder;
}

/** The manifests of one content and spec, and how to read them. */
export interface ClusteringInput {
  readonly work: Pick<SnapshotWork, "metadata" | "writer"> & {
    readonly attempt: Pick<CommitAttempt, "table" | "manifests" | "signal">;
  };
  readonly kind: ManifestKind;
  readonly manifests: readonly ManifestFile[];
  readonly maxBufferedBytes?: number;
  /** Names of partition fields to sort by first. */
  readonly sortBy?: readonly string[];
}

/** Decides what to rewrite. A table that was just rewritten gives a plan that replaces nothing. */
export async function planClustering(input: ClusteringInput): Promise<ClusteringPlan> {
  const { work, kind, manifests } = input;
  const { metadata, attempt, writer } = work;
  const spec = writer.specOf(kind.specId);
  const order = await readPartitionOrder(manifests.filter(isLive), {
    io: attempt.table.io,
    partitionType: partitionType(spec, schemaOfSpec(metadata, spec)),
    partitionFields: partitionFieldsBySpec(metadata).get(kind.specId) ?? [],
    sortBy: input.sortBy?.map((name) => placeOf(name, spec)),
    signal: attempt.signal,
  });
  const { targetSizeBytes } = manifestProperties(metadata.properties);
  const target = Math.max(1, targetSizeBytes);
  if (order.size === 0) return { replaced: manifests, added: 0, entriesPerManifest: 0, order };
  const sample = await readStretch(input, order, { from: 0, to: SAMPLE_ENTRIES });
  const bytesPerEntry = writer.measure(sample, kind) / sample.length;
  const wanted = Math.ceil(order.size * bytesPerEntry / target);
  const entriesPerManifest = Math.ceil(order.size / wanted);
  const added = Math.ceil(order.size / entriesPerManifest);
  const fits = order.isClustered && manifests.length <= added &&
    manifests.every((manifest) =>
      isLive(manifest) && manifest.manifestLength <= TOLERATED_EXCESS * target
    );
  return fits
    ? { replaced: [], added: 0, entriesPerManifest, order }
    : { replaced: manifests, added, entriesPerManifest, order };
}

/** Writes the manifests of a plan, in the order of partitions. */
export async function writeClustered(
  input: ClusteringInput,
  plan: ClusteringPlan,
): Promise<readonly ManifestFile[]> {
  const { work, kind } = input;
  const { order, entriesPerManifest: length, replaced } = plan;
  const written: ManifestFile[] = [];
  const atOnce = length * manifestsAtOnce(input, plan);
  for (let from = 0; from < order.size; from += atOnce) {
    const to = Math.min(order.size, from + atOnce);
    const entries = await readStretch(input, order, { from, to });
    for (let at = 0; at < entries.length; at += length) {
      written.push(await work.writer.writeOne(entries.slice(at, at + length), kind));
    }
  }
  const before = liveCount(replaced);
  const after = liveCount(written);
  if (before === after && after === order.size) return written;
  throw corruptData(
    "manifest_counts_wrong",
    `Cannot rewrite manifests: their list speaks of ${before} live files, and they hold ` +
      `${order.size}; the table was written by something that miscounts`,
  );
}

function manifestsAtOnce(
  { maxBufferedBytes = MAX_BUFFERED_BYTES }: ClusteringInput,
  { replaced, order, entriesPerManifest }: ClusteringPlan,
): number {
  const stored = replaced.reduce((sum, manifest) => sum + manifest.manifestLength, 0);
  const perEntry = ENTRY_OVERHEAD_BYTES + SHRINKING * stored / Math.max(1, order.size);
  return Math.max(1, Math.floor(maxBufferedBytes / perEntry / Math.max(1, entriesPerManifest)));
}

/** Entries of ranks from `from` on and below `to`, in their order, as they go on existing. */
async function readStretch(
  { work }: ClusteringInput,
  order: PartitionOrder,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly ManifestEntry[]> {
  const { attempt, writer } = work;
  const { manifests: source, signal } = attempt;
  const read = signal === undefined ? {} : { signal };
  const rankOf = order.ranks();
  const found = new Array<ManifestEntry>(Math.max(0, Math.min(to, order.size) - from));
  const holding = order.holding(from, to);
  // Ranks count on the order of manifests: they are read side by side, and gone through in turn.
  for (let at = 0; at < holding.length; at += DEFAULT_MANIFEST_CONCURRENCY) {
    const some = holding.slice(at, at + DEFAULT_MANIFEST_CONCURRENCY);
    const lists = await mapConcurrently(some, (manifest) => source.entriesOf(manifest, read), {
      limit: DEFAULT_MANIFEST_CONCURRENCY,
      signal,
    });
    for (const [i, entries] of lists.entries()) {
      const manifest = some[i];
      if (manifest === undefined) continue;
      for (const entry of entries) {
        if (entry.status === "deleted") continue;
        const rank = rankOf(entry.dataFile.partition);
        if (rank < from || rank >= to) continue;
        found[rank - from] = writer.keep(detached(entry), manifest);
      }
    }
  }
  return found;
}

/** An entry that does not keep its manifest's bytes alive. */
function detached(entry: ManifestEntry): ManifestEntry {
  const file = entry.dataFile;
  const dataFile: DataFile = {
    ...file,
    columnSizes: detachedMap(file.columnSizes),
    valueCounts: detachedMap(file.valueCounts),
    nullValueCounts: detachedMap(file.nullValueCounts),
    nanValueCounts: detachedMap(file.nanValueCounts),
    lowerBounds: detachedMap(file.lowerBounds),
    upperBounds: detachedMap(file.upperBounds),
    keyMetadata: file.keyMetadata?.slice() ?? null,
  };
  return { ...entry, dataFile };
}

function detachedMap<V>(map: ReadonlyMap<number, V> | null): ReadonlyMap<number, V> | null {
  return map instanceof MetricMap ? map.detached() : map;
}

function liveCount(manifests: readonly ManifestFile[]): number {
  return manifests.reduce(
    (sum, { addedFilesCount, existingFilesCount }) =>
      sum + (addedFilesCount ?? 0) + (existingFilesCount ?? 0),
    0,
  );
}

function placeOf(name: string, { specId, fields }: PartitionSpec): number {
  const place = fields.findIndex((field) => field.name === name);
  if (place !== -1) return place;
  const known = fields.map((field) => field.name).join(", ") || "none";
  const message = `Cannot sort manifests by "${name}": partition spec ${specId} has ${known}`;
  throw new AppError("invalid", "partition_field_unknown", message, {
    issues: [{ path: "sort_by", message }],
  });
}
