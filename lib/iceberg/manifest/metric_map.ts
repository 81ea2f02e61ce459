/**
 * Column metrics that stay encoded until they are asked for. A manifest holds six maps per file and
 * a scan looks at a few of their values, so building maps of all of them would cost most of the
 * decoding time and, kept in a cache, most of its memory.
 */
import {
  AvroTypeMismatch,
  compileBytes,
  compileNumber,
  compileOptional,
} from "../avro/compile_field.ts";
import {
  compileItemsSkip,
  compileSkip,
  type ItemsSkipper,
  type Skipper,
} from "../avro/compile_skip.ts";
import type { Reader } from "../avro/compile_value.ts";
import { type AvroBlock, AvroCursor } from "../avro/cursor.ts";
import { EncodedItems } from "../avro/encoded_items.ts";
import type { AvroType } from "../avro/schema.ts";

/** How the pairs of one map are encoded. */
interface MetricFormat<V> {
  readonly readKey: Reader<number | null>;
  readonly readValue: Reader<V | null>;
  readonly skipValue: Skipper;
  readonly skipPairs: ItemsSkipper;
  readonly minPairBytes: number;
  /** Whether pairs are encoded as manifests of ours have them: no unions, keys before values. */
  readonly isPlain: boolean;
}

/** An `int` is encoded as the `long` is that our manifests have. */
const PLAIN_VALUES: ReadonlySet<AvroType["kind"]> = new Set(["int", "long", "bytes"]);

// Look-ups are synchronous and call nobody, so one cursor serves them all.
const lookup = new AvroCursor("");

/**
 * A map by column id that reads its pairs from the decoded block, which it keeps alive. `get` is
 * linear in the number of columns. It does not survive `structuredClone`: copy it with `new Map()`.
 */
export class MetricMap<V> implements ReadonlyMap<number, V> {
  readonly #block: AvroBlock;
  readonly #start: number;
  readonly #format: MetricFormat<V>;
  readonly size: number;

  constructor(
    format: MetricFormat<V>,
    place: { readonly block: AvroBlock; readonly start: number; readonly size: number },
  ) {
    this.#format = format;
    this.#block = place.block;
    this.#start = place.start;
    this.size = place.size;
  }

  /** The memory that the map keeps alive, and shares with others of its block. */
  get block(): ArrayBufferLike {
    return this.#block.bytes.buffer;
  }

  get(fieldId: number): V | undefined {
    const { readKey, readValue, skipValue, minPairBytes } = this.#format;
    const cursor = this.#seek(lookup);
    for (;;) {
      const count = cursor.readBlockCount(minPairBytes);
      if (count === 0) return undefined;
      for (let left = count; left > 0; left--) {
        if (readKey(cursor) === fieldId) return readValue(cursor) ?? undefined;
        skipValue(cursor);
      }
    }
  }

  has(fieldId: number): boolean {
    return this.get(fieldId) !== undefined;
  }

  forEach(visit: (value: V, key: number, map: ReadonlyMap<number, V>) => void): void {
    for (const [key, value] of this.#decode()) visit(value, key, this);
  }

  entries(): MapIterator<[number, V]> {
    return this.#decode().entries();
  }

  keys(): MapIterator<number> {
    return this.#decode().keys();
  }

  values(): MapIterator<V> {
    return this.#decode().values();
  }

  [Symbol.iterator](): MapIterator<[number, V]> {
    return this.entries();
  }

  /** The pairs as they are, for writing them again; null where a writer of ours would encode them otherwise. */
  encoded(): EncodedItems | null {
    if (!this.#format.isPlain) return null;
    const cursor = this.#seek(new AvroCursor(this.#block.location));
    skipCounting(cursor, this.#format);
    return new EncodedItems(this.#block.bytes.subarray(this.#start, cursor.pos));
  }

  /** A copy that keeps only its own bytes alive: for entries that outlive their manifest. */
  detached(): MetricMap<V> {
    const cursor = this.#seek(new AvroCursor(this.#block.location));
    skipCounting(cursor, this.#format);
    const bytes = this.#block.bytes.slice(this.#start, cursor.pos);
    const block = { ...this.#block, bytes, end: bytes.length };
    return new MetricMap(this.#format, { block, start: 0, size: this.size });
  }

  #decode(): Map<number, V> {
    const { readKey, readValue, minPairBytes } = this.#format;
    const cursor = this.#seek(new AvroCursor(this.#block.location));
    const map = new Map<number, V>();
    for (;;) {
      const count = cursor.readBlockCount(minPairBytes);
      if (count === 0) return map;
      for (let left = count; left > 0; left--) {
        const key = readKey(cursor);
        const value = readValue(cursor);
        // As in get(), the first of two equal keys wins.
        if (key !== null && value !== null && !map.has(key)) map.set(key, value);
      }
    }
  }

  #seek(cursor: AvroCursor): AvroCursor {
    const { bytes, end, location } = this.#block;
    cursor.reset(bytes, this.#start, end);
    cursor.location = location;
    return cursor;
  }
}

/** The reader for a map of counts or sizes; counts beyond 2^53 fail when they are looked at. */
export function compileCounts(type: AvroType): Reader<MetricMap<number> | null> {
  return compileMetrics(type, compileNumber);
}

/** The reader for a map of bounds in single-value serialization. */
export function compileBounds(type: AvroType): Reader<MetricMap<Uint8Array> | null> {
  return compileMetrics(type, compileBytes);
}

function compileMetrics<V>(
  type: AvroType,
  compileValue: (type: AvroType) => Reader<V | null>,
): Reader<MetricMap<V> | null> {
  return compileOptional(type, (inner) => {
    const format = compileFormat(inner, compileValue);
    return (cursor) => {
      const start = cursor.pos;
      const size = skipCounting(cursor, format);
      return new MetricMap(format, { block: cursor.block, start, size });
    };
  });
}

function compileFormat<V>(
  type: AvroType,
  compileValue: (type: AvroType) => Reader<V | null>,
): MetricFormat<V> {
  if (type.kind !== "array" || type.items.kind !== "record") {
    throw new AvroTypeMismatch("an array of key-value records", type);
  }
  const [key, value] = type.items.fields;
  if (key === undefined || value === undefined || type.items.fields.length !== 2) {
    throw new AvroTypeMismatch("an array of key-value records", type);
  }
  return {
    readKey: compileNumber(key.type),
    readValue: compileValue(value.type),
    skipValue: compileSkip(value.type),
    skipPairs: compileItemsSkip(type.items),
    minPairBytes: type.items.minBytes,
    isPlain: key.type.kind === "int" && PLAIN_VALUES.has(value.type.kind),
  };
}

/** Moves over all blocks of a map and returns the number of its pairs. */
function skipCounting<V>(cursor: AvroCursor, format: MetricFormat<V>): number {
  let size = 0;
  for (;;) {
    const count = cursor.readBlockCount(format.minPairBytes);
    if (count === 0) return size;
    size += count;
    format.skipPairs(cursor, count);
  }
}
