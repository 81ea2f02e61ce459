/**
 * The order of all live entries of some manifests: by partition, and within one in the order they
 * stand in. Entries are known by their rank in it, so that any stretch can be read on its own.
 */
import { mapConcurrently } from "../../../concurrency.ts";
import { Pacer } from "../../../pacer.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import type { PartitionFieldRef } from "../../manifest/partition_tuple.ts";
import { scanManifest } from "../../manifest/scan_manifest.ts";
import type { FileIo } from "../../ports.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, MAX_MANIFEST_BYTES } from "../../scan/manifest_source.ts";
import { compareValues } from "../../spec/compare_values.ts";
import { partitionKey } from "../../spec/partition_key.ts";
import {
  type IcebergValue,
  isPrimitive,
  type PrimitiveType,
  type StructType,
} from "../../spec/types.ts";

type Tuple = readonly IcebergValue[];

/** Options of {@linkcode readPartitionOrder}. */
export interface PartitionOrderOptions {
  readonly io: FileIo;
  /** The type of the tuples; all manifests are of its spec. */
  readonly partitionType: StructType;
  readonly partitionFields: readonly PartitionFieldRef[];
  /** Places of the fields to sort by first; the others follow in their own order. */
  readonly sortBy?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A partition of the order. */
interface Partition {
  readonly tuple: Tuple;
  entries: number;
  /** Place among partitions. */
  place: number;
  /** Rank of its first entry. */
  start: number;
}

/** A manifest's stretch of partitions, by their places; null where nothing in it is live. */
interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** Reads tuples alone, which takes a fraction of the time and none of the memory of entries. */
export async function readPartitionOrder(
  manifests: readonly ManifestFile[],
  options: PartitionOrderOptions,
): Promise<PartitionOrder> {
  const partitions = new Map<string, Partition>();
  const found = await mapConcurrently(
    manifests,
    (manifest) => partitionsOf(manifest, partitions, options),
    { limit: DEFAULT_MANIFEST_CONCURRENCY, signal: options.signal },
  );
  return new PartitionOrder({ manifests, partitions, found, options });
}

/** See the module's head. */
export class PartitionOrder {
  /** Live entries. */
  readonly size: number;
  readonly #partitions: ReadonlyMap<string, Partition>;
  readonly #stretches: ReadonlyMap<ManifestFile, Stretch | null>;
  readonly #keys: TupleKeys;

  constructor({ manifests, partitions, found, options }: {
    readonly manifests: readonly ManifestFile[];
    readonly partitions: ReadonlyMap<string, Partition>;
    readonly found: readonly (ReadonlySet<Partition>)[];
    readonly options: PartitionOrderOptions;
  }) {
    const compare = tupleComparator(options.partitionType, options.sortBy);
    const sorted = [...partitions.values()].sort((a, b) => compare(a.tuple, b.tuple));
    let start = 0;
    for (const [place, partition] of sorted.entries()) {
      partition.place = place;
      partition.start = start;
      start += partition.entries;
    }
    this.size = start;
    this.#partitions = partitions;
    this.#keys = new TupleKeys();
    this.#stretches = new Map(manifests.map((manifest, i) => [manifest, stretchOf(found[i])]));
  }

  /** Whether each manifest has live entries, and ends before the next one begins. */
  get isClustered(): boolean {
    const stretches = [...this.#stretches.values()];
    const live = stretches.filter((stretch) => stretch !== null)
      .sort((a, b) => a.first - b.first || a.last - b.last);
    return live.length === stretches.length &&
      live.every((stretch, i) => stretch.last <= (live[i + 1]?.first ?? Infinity));
  }

  /** Manifests with entries of ranks from `from` on and below `to`. */
  holding(from: number, to: number): readonly ManifestFile[] {
    const partitions = [...this.#partitions.values()]
      .filter(({ start, entries }) => start < to && start + entries > from);
    const places = partitions.map(({ place }) => place);
    const first = places.reduce((least, place) => Math.min(least, place), Infinity);
    const last = places.reduce((most, place) => Math.max(most, place), -1);
    return [...this.#stretches].flatMap(([manifest, stretch]) =>
      stretch !== null && stretch.first <= last && stretch.last >= first ? [manifest] : []
    );
  }

  /** Gives ranks to entries, which must come in the order of manifests and in theirs. */
  ranks(): (tuple: Tuple) => number {
    const seen = new Map<Partition, number>();
    return (tuple) => {
      const partition = this.#partitions.get(this.#keys.of(tuple));
      if (partition === undefined) throw new TypeError("Cannot rank a partition that was not read");
      const place = seen.get(partition) ?? 0;
      seen.set(partition, place + 1);
      return partition.start + place;
    };
  }
}

async function partitionsOf(
  { manifestPath: location }: ManifestFile,
  partitions: Map<string, Partition>,
  { io, partitionFields, signal }: PartitionOrderOptions,
): Promise<ReadonlySet<Partition>> {
  const bytes = await io.read(location, {
    maxBytes: MAX_MANIFEST_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  const found = new Set<Partition>();
  const keys = new TupleKeys();
  const pacer = new Pacer();
  const steps = scanManifest(bytes, ({ status, partition: tuple }) => {
    if (status === "deleted") return;
    const key = keys.of(tuple);
    let partition = partitions.get(key);
    if (partition === undefined) {
      partitions.set(key, partition = { tuple, entries: 0, place: 0, start: 0 });
    }
    partition.entries++;
    found.add(partition);
  }, { location, partitionFields });
  for (const _ of steps) await pacer.breathe(signal);
  return found;
}

function stretchOf(partitions: ReadonlySet<Partition> | undefined): Stretch | null {
  if (partitions === undefined || partitions.size === 0) return null;
  let first = Infinity;
  let last = -1;
  for (const { place } of partitions) {
    first = Math.min(first, place);
    last = Math.max(last, place);
  }
  return { first, last };
}

function tupleComparator(
  { fields }: StructType,
  first: readonly number[] = [],
): (a: Tuple, b: Tuple) => number {
  const places = [...new Set([...first, ...fields.keys()])];
  const keys = places.map((i): readonly [number, PrimitiveType] => {
    const type = fields[i]?.type;
    return [i, type !== undefined && isPrimitive(type) ? type : { kind: "unknown" }];
  });
  return (a, b) => {
    for (const [i, type] of keys) {
      const order = compareValues(type, a[i] ?? null, b[i] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** Keys of tuples; files of a partition mostly share one array. */
class TupleKeys {
  readonly #known = new WeakMap<Tuple, string>();

  of(tuple: Tuple): string {
    let key = this.#known.get(tuple);
    if (key === undefined) this.#known.set(tuple, key = partitionKey(0, tuple));
    return key;
  }
}
