/**
 * Decodes partition tuples (spec: "Manifests", field 102) by field id, and hands out one array per
 * distinct tuple: files of one partition share it, so a fold can key on its identity.
 */
import {
  type IcebergValue,
  isPrimitive,
  type PrimitiveType,
  type StructType,
} from "../spec/types.ts";
import { bigintFromBytes, uuidFromBytes } from "../spec/values.ts";
import { AvroTypeMismatch } from "../avro/compile_field.ts";
import { compileSkip, type Skipper } from "../avro/compile_skip.ts";
import { compileValue, type Reader } from "../avro/compile_value.ts";
import type { AvroCursor } from "../avro/cursor.ts";
import { asNullable, type AvroType } from "../avro/schema.ts";

/**
 * One field of the tuple that a caller wants, in the order wanted. A `PartitionField` of the spec
 * is one. With `resultType`, values of a narrower writer type (an `int` column that has become
 * `long` since) come in the memory form of that type; without, in that of the writer's type.
 */
export interface PartitionFieldRef {
  readonly fieldId: number;
  readonly resultType?: PrimitiveType;
}

/** The fields of a partition type (`spec/partition_type.ts`), to decode tuples in its order and forms. */
export function partitionFieldRefs(partitionType: StructType): readonly PartitionFieldRef[] {
  return partitionType.fields.map(({ id, type }) =>
    isPrimitive(type) ? { fieldId: id, resultType: type } : { fieldId: id }
  );
}

const MICROS_PER_DAY = 86_400_000_000n;
const NANOS_PER_DAY = 86_400_000_000_000n;

/** Tuples remembered per reader. A tuple that has lost its slot is decoded again. */
const MEMO_SLOTS = 1_024;

/** Tuples of more bytes than this are not remembered: what is kept must stay small. */
const MAX_REMEMBERED_BYTES = 1_024;

/** The one tuple of unpartitioned files. */
const EMPTY_TUPLE: readonly IcebergValue[] = Object.freeze([]);

/** The reader for the tuple record `type`; a wanted field that the writer lacks is null. */
export function compileTuple(
  type: AvroType,
  wanted: readonly PartitionFieldRef[],
): Reader<readonly IcebergValue[]> {
  if (type.kind !== "record") throw new AvroTypeMismatch("record", type);
  if (type.minBytes === 0) {
    const nulls: readonly IcebergValue[] = Object.freeze(wanted.map(() => null));
    const skip = compileSkip(type);
    return (cursor) => {
      skip(cursor);
      return wanted.length === 0 ? EMPTY_TUPLE : nulls;
    };
  }
  const parts = type.fields.map((field) => {
    const index = wanted.findIndex((ref) => ref.fieldId === field.fieldId);
    return { index, read: index < 0 ? null : compilePart(field.type, wanted[index]?.resultType) };
  });
  if (type.fields.some((field) => field.fieldId === null)) {
    throw new AvroTypeMismatch("partition fields with a field-id", type);
  }
  const skips = type.fields.map((field) => compileSkip(field.type));
  const readTuple: Reader<readonly IcebergValue[]> = (cursor) => {
    const tuple: IcebergValue[] = wanted.map(() => null);
    parts.forEach(({ index, read }, at) => {
      if (read === null) skips[at]?.(cursor);
      else tuple[index] = read(cursor);
    });
    return tuple;
  };
  return memoize(compileSkip(type), readTuple);
}

interface Remembered {
  readonly bytes: Uint8Array;
  readonly tuple: readonly IcebergValue[];
}

/** Looks tuples up by their encoding: equal bytes of one writer schema are equal values. */
function memoize(
  skip: Skipper,
  readTuple: Reader<readonly IcebergValue[]>,
): Reader<readonly IcebergValue[]> {
  const slots = new Array<Remembered | undefined>(MEMO_SLOTS);
  return (cursor) => {
    const start = cursor.pos;
    skip(cursor);
    cursor.checkEnd();
    const slot = hashBytes(cursor.bytes, start, cursor.pos) % MEMO_SLOTS;
    const known = slots[slot];
    if (known !== undefined && matches(known.bytes, cursor, start)) return known.tuple;
    const bytes = cursor.bytes.slice(start, cursor.pos);
    cursor.pos = start;
    const tuple = readTuple(cursor);
    if (bytes.length <= MAX_REMEMBERED_BYTES) slots[slot] = { bytes, tuple };
    return tuple;
  };
}

/** FNV-1a, as an unsigned 32-bit number. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

function matches(known: Uint8Array, cursor: AvroCursor, start: number): boolean {
  if (known.length !== cursor.pos - start) return false;
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== cursor.bytes[start + index]) return false;
  }
  return true;
}

function compilePart(type: AvroType, resultType: PrimitiveType | undefined): Reader<IcebergValue> {
  const inner = asNullable(type)?.value ?? type;
  if (["array", "map", "record", "union"].includes(inner.kind)) {
    throw new AvroTypeMismatch("a primitive partition value", inner);
  }
  const read = compileValue(type);
  const convert = resultType === undefined ? null : conversion(inner, resultType);
  if (convert === null) return read;
  return (cursor) => {
    const value = read(cursor);
    return value === null ? null : convert(value);
  };
}

/** Widens by value, so that it also serves writers that leave out or vary the logical type. */
function conversion(
  type: AvroType,
  resultType: PrimitiveType,
): ((value: IcebergValue) => IcebergValue) | null {
  const isDate = type.kind === "int" && type.logical?.kind === "date";
  switch (resultType.kind) {
    case "int":
    case "date":
      return (value) => typeof value === "bigint" ? Number(value) : value;
    case "timestamp":
    case "timestamptz":
      return toBigint(isDate ? MICROS_PER_DAY : 1n);
    case "timestamp_ns":
    case "timestamptz_ns":
      return toBigint(isDate ? NANOS_PER_DAY : 1n);
    case "long":
    case "time":
      return toBigint(1n);
    case "decimal":
      return (value) => value instanceof Uint8Array ? bigintFromBytes(value) : value;
    case "uuid":
      return (value) =>
        value instanceof Uint8Array && value.length === 16 ? uuidFromBytes(value) : value;
    default:
      return null;
  }
}

function toBigint(factor: bigint): (value: IcebergValue) => IcebergValue {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) ? BigInt(value) * factor : value;
}
