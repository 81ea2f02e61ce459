/**
 * Readers for fields whose type the Iceberg specification fixes: they accept every Avro type that
 * writers use for it, optional or not, and refuse others when the schema is compiled.
 */
import type { AvroCursor } from "./cursor.ts";
import type { Reader } from "./compile_value.ts";
import { readBranch } from "./compile_skip.ts";
import { MAX_COLLECTION_ITEMS } from "./limits.ts";
import { asNullable, type AvroType } from "./schema.ts";

/** A writer schema gives a field a type that cannot hold what the specification puts there. */
export class AvroTypeMismatch extends TypeError {
  override readonly name = "AvroTypeMismatch";

  constructor(wanted: string, found: AvroType) {
    super(`wanted ${wanted}, found ${found.kind}`);
  }
}

/** A count, size or offset: `int` or `long`, as a safe integer; null where the union says so. */
export function compileNumber(type: AvroType): Reader<number | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind === "int") return (cursor) => cursor.readInt();
    if (inner.kind === "long") return (cursor) => cursor.readSafeLong();
    throw new AvroTypeMismatch("int or long", inner);
  });
}

/** An id or sequence number: `int` or `long`, as bigint. */
export function compileBigint(type: AvroType): Reader<bigint | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind === "int" || inner.kind === "long") return (cursor) => cursor.readLong();
    throw new AvroTypeMismatch("int or long", inner);
  });
}

/** A boolean. */
export function compileBoolean(type: AvroType): Reader<boolean | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind === "boolean") return (cursor) => cursor.readBoolean();
    throw new AvroTypeMismatch("boolean", inner);
  });
}

/** Text. */
export function compileText(type: AvroType): Reader<string | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind === "string") return (cursor) => cursor.readString();
    throw new AvroTypeMismatch("string", inner);
  });
}

/** Binary data, `bytes` or `fixed`, without regard to a logical type. */
export function compileBytes(type: AvroType): Reader<Uint8Array | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind === "bytes") return (cursor) => cursor.readBytes();
    if (inner.kind === "fixed") return (cursor) => cursor.readFixed(inner.size);
    throw new AvroTypeMismatch("bytes", inner);
  });
}

/** A list whose items `compileItem` reads. */
export function compileList<T>(
  type: AvroType,
  compileItem: (items: AvroType) => Reader<T>,
): Reader<readonly T[] | null> {
  return compileOptional(type, (inner) => {
    if (inner.kind !== "array") throw new AvroTypeMismatch("array", inner);
    const readItem = compileItem(inner.items);
    const { minBytes, freeSteps } = inner.items;
    return (cursor) => readItems(cursor, { readItem, minBytes, freeSteps });
  });
}

/** Adds the branch for null where `type` has one. */
export function compileOptional<T>(
  type: AvroType,
  compile: (inner: AvroType) => Reader<T>,
): Reader<T | null> {
  if (type.kind === "null") return () => null;
  const nullable = asNullable(type);
  if (nullable === null) return compile(type);
  const { nullIndex } = nullable;
  const read = compile(nullable.value);
  return (cursor) => readBranch(cursor, 2) === nullIndex ? null : read(cursor);
}

function readItems<T>(
  cursor: AvroCursor,
  item: { readonly readItem: Reader<T>; readonly minBytes: number; readonly freeSteps: number },
): readonly T[] {
  const values: T[] = [];
  for (;;) {
    const count = cursor.readBlockCount(item.minBytes);
    if (count === 0) return values;
    if (values.length + count > MAX_COLLECTION_ITEMS) {
      cursor.fail("avro_too_large", `a list has more than ${MAX_COLLECTION_ITEMS} items`);
    }
    cursor.spendItems(count);
    cursor.spendFreeSteps(count * item.freeSteps + (item.minBytes === 0 ? count : 0));
    for (let left = count; left > 0; left--) values.push(item.readItem(cursor));
  }
}
