/**
 * Values in memory form (see `IcebergValue`) and their binary single-value serialization (spec
 * Appendix D), in which manifests keep column and partition bounds. The other views of a value have
 * files of their own and are re-exported here.
 */
import { type AppError, corruptData } from "../../errors.ts";
import type { IcebergValue, PrimitiveType } from "./types.ts";

export { compareValues } from "./compare_values.ts";
export { formatValue } from "./format_value.ts";
export { valueFromJson, valueToJson } from "./json_values.ts";

const MICROS_PER_DAY = 86_400_000_000n;
const NANOS_PER_DAY = 86_400_000_000_000n;
/** 38 digits, the largest precision, take 127 bits. */
const MAX_DECIMAL_BYTES = 16;
// Shared, because a manifest holds hundreds of thousands of bounds.
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF8_ENCODER = new TextEncoder();

/**
 * Decodes a bound or any other binary single value. Bounds keep the width they were written with, so
 * what schema evolution promotes is read at the old width too: int as long, float as double, date as
 * timestamp (spec "Schema Evolution"). Bounds of `fixed` may be truncated. Bytes of types without a
 * binary form here (unknown, variant, geometry, geography) come back as they are.
 *
 * Throws `corrupt_data` (code `invalid_value`) where the length or the text is wrong.
 */
export function decodeValue(type: PrimitiveType, bytes: Uint8Array): IcebergValue {
  switch (type.kind) {
    case "boolean":
      if (bytes.length !== 1) throw wrongLength(type, bytes);
      return bytes[0] !== 0;
    case "int":
    case "date":
      if (bytes.length !== 4) throw wrongLength(type, bytes);
      return viewOf(bytes).getInt32(0, true);
    case "long":
      return decodeLong(type, bytes, 1n);
    case "timestamp":
      return decodeLong(type, bytes, MICROS_PER_DAY);
    case "timestamp_ns":
      return decodeLong(type, bytes, NANOS_PER_DAY);
    case "time":
    case "timestamptz":
    case "timestamptz_ns":
      // No promotion leads to these.
      return decodeLong(type, bytes, null);
    case "float":
      if (bytes.length !== 4) throw wrongLength(type, bytes);
      return viewOf(bytes).getFloat32(0, true);
    case "double":
      if (bytes.length === 4) return viewOf(bytes).getFloat32(0, true);
      if (bytes.length !== 8) throw wrongLength(type, bytes);
      return viewOf(bytes).getFloat64(0, true);
    case "decimal":
      if (bytes.length === 0 || bytes.length > MAX_DECIMAL_BYTES) throw wrongLength(type, bytes);
      return bigintFromBytes(bytes);
    case "string":
      return decodeText(bytes);
    case "uuid":
      if (bytes.length !== 16) throw wrongLength(type, bytes);
      return uuidFromBytes(bytes);
    case "fixed":
      if (bytes.length > type.length) throw wrongLength(type, bytes);
      return bytes.slice();
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return bytes.slice();
  }
}

/** Inverse of {@linkcode decodeValue}. A value of another type is a `TypeError`. */
export function encodeValue(type: PrimitiveType, value: IcebergValue): Uint8Array {
  switch (type.kind) {
    case "boolean":
      if (typeof value !== "boolean") throw notA(type, value);
      return new Uint8Array([value ? 1 : 0]);
    case "int":
    case "date":
      if (typeof value !== "number" || (value | 0) !== value) throw notA(type, value);
      return fill(4, (view) => view.setInt32(0, value, true));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) throw notA(type, value);
      return fill(8, (view) => view.setBigInt64(0, value, true));
    case "float":
      if (typeof value !== "number") throw notA(type, value);
      return fill(4, (view) => view.setFloat32(0, value, true));
    case "double":
      if (typeof value !== "number") throw notA(type, value);
      return fill(8, (view) => view.setFloat64(0, value, true));
    case "decimal":
      if (typeof value !== "bigint") throw notA(type, value);
      return bigintToBytes(value);
    case "string":
      if (typeof value !== "string") throw notA(type, value);
      return UTF8_ENCODER.encode(value);
    case "uuid":
      if (typeof value !== "string") throw notA(type, value);
      return uuidToBytes(value);
    case "fixed":
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      if (!(value instanceof Uint8Array)) throw notA(type, value);
      return value.slice();
  }
}

/** Two's-complement big-endian bytes as an integer. */
export function bigintFromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = value << 8n | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

/** An integer in the fewest two's-complement big-endian bytes that hold it (spec Appendix B, D). */
export function bigintToBytes(value: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) {
    bytes[i] = Number(BigInt.asUintN(8, rest));
  }
  return bytes;
}

/** 16 bytes as a lower-case canonical UUID. */
export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}

/** A canonical UUID as 16 big-endian bytes; other text is a `TypeError`. */
export function uuidToBytes(uuid: string): Uint8Array {
  if (!UUID.test(uuid)) throw new TypeError(`Cannot encode "${uuid}" as a uuid`);
  const hex = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** The canonical text of a UUID, in either case. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `perDay` is how many units a promoted 4-byte date counts for; null where there is no promotion. */
function decodeLong(type: PrimitiveType, bytes: Uint8Array, perDay: bigint | null): bigint {
  if (bytes.length === 8) return viewOf(bytes).getBigInt64(0, true);
  if (bytes.length !== 4 || perDay === null) throw wrongLength(type, bytes);
  return BigInt(viewOf(bytes).getInt32(0, true)) * perDay;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw corruptData("invalid_value", "Cannot read a string value: it is not valid UTF-8", {
      cause,
    });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fill(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  write(viewOf(bytes));
  return bytes;
}

function wrongLength(type: PrimitiveType, bytes: Uint8Array): AppError {
  return corruptData(
    "invalid_value",
    `Cannot read a ${type.kind} value: ${bytes.length} bytes is not a length it can have`,
  );
}

function notA(type: PrimitiveType, value: IcebergValue): TypeError {
  return new TypeError(`Cannot encode a value of type ${typeof value} as ${type.kind}`);
}
