/** Bucket numbers of whole columns (spec Appendix B, "32-bit Hash Requirements"). */
import type { Data } from "apache-arrow";
import type { Type } from "../../iceberg/spec/types.ts";
import { bigintToBytes } from "../../iceberg/spec/values.ts";
import { offsetsOf } from "../arrow/layout.ts";
import { valueReader } from "../arrow/value_reader.ts";

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** Options of {@linkcode bucketNumbers}. */
export interface BucketOptions {
  /** The column's Iceberg type. */
  readonly type: Type;
  readonly numBuckets: number;
}

/** The bucket of every row; what stands at null rows means nothing. */
export function bucketNumbers(column: Data, { type, numBuckets }: BucketOptions): Int32Array {
  const buckets = hashes(column, type);
  for (let row = 0; row < buckets.length; row++) {
    buckets[row] = (buckets[row]! & 0x7fffffff) % numBuckets;
  }
  return buckets;
}

function hashes(column: Data, type: Type): Int32Array {
  switch (type.kind) {
    case "int":
    case "date":
      return hashInts(column.values, column.length);
    case "timestamp_ns":
    case "timestamptz_ns":
      return hashLongs(microsOf(column.values, column.length), column.length);
    case "decimal":
      return hashDecimals(column, type);
    case "string":
    case "binary":
      return hashBytes(column.values, offsetsOf(column), column.length);
    case "uuid":
    case "fixed":
      return hashFixed(column.values, column.stride, column.length);
    default:
      return hashLongs(column.values, column.length);
  }
}

/** Integers are hashed as longs, so that a promotion changes no bucket. */
function hashInts(values: Int32Array, length: number): Int32Array {
  const result = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    const value = values[row]!;
    result[row] = hashWords(value, value >> 31);
  }
  return result;
}

function hashLongs(values: BigInt64Array, length: number): Int32Array {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * length);
  const result = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    result[row] = hashWords(words[2 * row]!, words[2 * row + 1]!);
  }
  return result;
}

/** Nanoseconds are hashed as microseconds, rounded down (spec v3). */
function microsOf(nanos: BigInt64Array, length: number): BigInt64Array {
  const micros = new BigInt64Array(length);
  for (let row = 0; row < length; row++) {
    const value = nanos[row]!;
    const quotient = value / 1_000n;
    micros[row] = value < 0n && quotient * 1_000n !== value ? quotient - 1n : quotient;
  }
  return micros;
}

function hashDecimals(column: Data, type: Type): Int32Array {
  const read = valueReader(column, type);
  const result = new Int32Array(column.length);
  for (let row = 0; row < column.length; row++) {
    const value = read(row);
    if (typeof value !== "bigint") continue;
    const bytes = bigintToBytes(value);
    result[row] = murmur3(bytes, 0, bytes.length);
  }
  return result;
}

function hashBytes(
  bytes: Uint8Array,
  offsets: Int32Array | Float64Array,
  length: number,
): Int32Array {
  const result = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    result[row] = murmur3(bytes, offsets[row]!, offsets[row + 1]!);
  }
  return result;
}

function hashFixed(bytes: Uint8Array, width: number, length: number): Int32Array {
  const result = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    result[row] = murmur3(bytes, width * row, width * (row + 1));
  }
  return result;
}

/** Murmur3 (x86, 32 bits, seed 0) of the bytes from `start` to `end`. */
function murmur3(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const block = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    hash = mixBlock(hash, block);
  }
  let rest = 0;
  for (let last = end - 1; last >= at; last--) rest = rest << 8 | bytes[last]!;
  return finish(hash ^ scramble(rest), end - start);
}

/** The hash of eight little-endian bytes. */
function hashWords(low: number, high: number): number {
  return finish(mixBlock(mixBlock(0, low), high), 8);
}

function mixBlock(hash: number, block: number): number {
  return (Math.imul(rotateLeft(hash ^ scramble(block), 13), 5) + 0xe6546b64) | 0;
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, C1), 15), C2);
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return mixed ^ mixed >>> 16;
}

function rotateLeft(value: number, bits: number): number {
  return value << bits | value >>> (32 - bits);
}
