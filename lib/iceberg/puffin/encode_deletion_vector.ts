/** Encodes row positions as a `deletion-vector-v1` blob (Puffin spec), each container its smallest. */
import { crc32 } from "node:zlib";
import { CONTAINER_POSITIONS } from "./deletion_vector.ts";
import {
  BITMAP_BYTES,
  COOKIE_WITH_RUNS,
  COOKIE_WITHOUT_RUNS,
  DELETION_VECTOR_MAGIC,
  MAX_ARRAY_VALUES,
  OFFSETS_FROM_CONTAINERS,
} from "./read_deletion_vector.ts";

const CONTAINERS_PER_BITMAP = 65_536;

/** A container ready to be written. */
interface EncodedContainer {
  /** Its key within its bitmap. */
  readonly key: number;
  readonly cardinality: number;
  readonly isRun: boolean;
  readonly bytes: Uint8Array;
}

/**
 * The blob for `positions`, in any order; repeated ones count once. A position that is no safe
 * non-negative integer is a `RangeError`.
 */
export function encodeDeletionVector(positions: Iterable<number>): Uint8Array {
  const sorted = Float64Array.from(positions).sort();
  const invalid = sorted.find((position) => !Number.isSafeInteger(position) || position < 0);
  if (invalid !== undefined) throw new RangeError(`Cannot delete the row at position ${invalid}`);
  const bitmaps = encodeContainers(sorted);
  const parts: Uint8Array[] = [DELETION_VECTOR_MAGIC, uint64(bitmaps.size)];
  for (const [key, containers] of bitmaps) parts.push(uint32(key), encodeBitmap(containers));
  const covered = concat(parts);
  return concat([
    uint32(covered.length, { bigEndian: true }),
    covered,
    uint32(crc32(covered), { bigEndian: true }),
  ]);
}

/** Containers by the 32-bit key of their bitmap, all in ascending order. */
function encodeContainers(sorted: Float64Array): Map<number, EncodedContainer[]> {
  const bitmaps = new Map<number, EncodedContainer[]>();
  for (let at = 0; at < sorted.length;) {
    const index = Math.floor(sorted[at]! / CONTAINER_POSITIONS);
    const base = index * CONTAINER_POSITIONS;
    const lows: number[] = [];
    for (; at < sorted.length && sorted[at]! < base + CONTAINER_POSITIONS; at++) {
      const low = sorted[at]! - base;
      if (lows.at(-1) !== low) lows.push(low);
    }
    const key = Math.floor(index / CONTAINERS_PER_BITMAP);
    const containers = bitmaps.get(key) ?? [];
    containers.push(encodeContainer(index % CONTAINERS_PER_BITMAP, lows));
    bitmaps.set(key, containers);
  }
  return bitmaps;
}

function encodeContainer(key: number, lows: readonly number[]): EncodedContainer {
  const cardinality = lows.length;
  const runs = findRuns(lows);
  const plainBytes = cardinality <= MAX_ARRAY_VALUES ? 2 * cardinality : BITMAP_BYTES;
  if (2 + 2 * runs.length < plainBytes) {
    const bytes = uint16s([runs.length / 2, ...runs]);
    return { key, cardinality, isRun: true, bytes };
  }
  const bytes = cardinality <= MAX_ARRAY_VALUES ? uint16s(lows) : bitmap(lows);
  return { key, cardinality, isRun: false, bytes };
}

/** Pairs of a run's first value and its length minus one, in one list. */
function findRuns(lows: readonly number[]): readonly number[] {
  const pairs: number[] = [];
  let first = -1;
  let last = -2;
  for (const low of lows) {
    if (low === last + 1) {
      last = low;
      continue;
    }
    if (first >= 0) pairs.push(first, last - first);
    first = last = low;
  }
  if (first >= 0) pairs.push(first, last - first);
  return pairs;
}

/** A 32-bit Roaring bitmap: cookie, run flags, descriptions, offsets, containers. */
function encodeBitmap(containers: readonly EncodedContainer[]): Uint8Array {
  const count = containers.length;
  const withRuns = containers.some((container) => container.isRun);
  const head = withRuns
    ? [uint32(COOKIE_WITH_RUNS | ((count - 1) << 16)), runFlags(containers)]
    : [uint32(COOKIE_WITHOUT_RUNS), uint32(count)];
  head.push(uint16s(containers.flatMap(({ key, cardinality }) => [key, cardinality - 1])));
  if (!withRuns || count >= OFFSETS_FROM_CONTAINERS) {
    let offset = head.reduce((sum, part) => sum + part.length, 0) + 4 * count;
    for (const { bytes } of containers) {
      head.push(uint32(offset));
      offset += bytes.length;
    }
  }
  return concat([...head, ...containers.map((container) => container.bytes)]);
}

function runFlags(containers: readonly EncodedContainer[]): Uint8Array {
  const flags = new Uint8Array((containers.length + 7) >>> 3);
  containers.forEach(({ isRun }, index) => {
    if (isRun) flags[index >>> 3]! |= 1 << (index & 7);
  });
  return flags;
}

function bitmap(lows: readonly number[]): Uint8Array {
  const bits = new Uint8Array(BITMAP_BYTES);
  for (const low of lows) bits[low >>> 3]! |= 1 << (low & 7);
  return bits;
}

function uint16s(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint16(2 * index, value, true));
  return bytes;
}

function uint32(value: number, options: { readonly bigEndian?: boolean } = {}): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, options.bigEndian !== true);
  return bytes;
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
