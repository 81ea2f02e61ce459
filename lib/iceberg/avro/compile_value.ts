/**
 * Compiles an Avro type into a function that decodes a value to its Iceberg memory form
 * (`IcebergValue`): no reflection on the schema per value, and no `eval`.
 */
import type { IcebergValue } from "../spec/types.ts";
import { bigintFromBytes, uuidFromBytes } from "../spec/values.ts";
import type { AvroCursor } from "./cursor.ts";
import { readBranch } from "./compile_skip.ts";
import { MAX_COLLECTION_ITEMS } from "./limits.ts";
import { asNullable, type AvroLogicalType, type AvroType } from "./schema.ts";

/** Decodes one value. */
export type Reader<T> = (cursor: AvroCursor) => T;

/**
 * The reader for `type`. A record becomes an array in field order, a map an array of `[key, value]`;
 * `long` and all times are bigint (milliseconds become microseconds), decimals unscaled bigint.
 */
export function compileValue(type: AvroType): Reader<IcebergValue> {
  switch (type.kind) {
    case "null":
      return () => null;
    case "boolean":
      return (cursor) => cursor.readBoolean();
    case "int":
      return type.logical?.kind === "time-millis"
        ? (cursor) => BigInt(cursor.readInt()) * 1000n
        : (cursor) => cursor.readInt();
    case "long":
      return type.logical?.kind === "timestamp-millis"
        ? (cursor) => cursor.readLong() * 1000n
        : (cursor) => cursor.readLong();
    case "float":
      return (cursor) => cursor.readFloat();
    case "double":
      return (cursor) => cursor.readDouble();
    case "string":
      return type.logical?.kind === "uuid"
        ? (cursor) => cursor.readString().toLowerCase()
        : (cursor) => cursor.readString();
    case "bytes":
      return compileBinary((cursor) => cursor.readBytes(), type.logical);
    case "fixed": {
      const { size } = type;
      return compileBinary((cursor) => cursor.readFixed(size), type.logical);
    }
    case "enum":
      return compileEnum(type.symbols);
    case "union":
      return compileUnion(type);
    case "array":
      return compileItems(compileValue(type.items), type.items);
    case "map": {
      const readValue = compileValue(type.values);
      return compileItems((cursor) => [cursor.readString(), readValue(cursor)], type.values, 1);
    }
    case "record": {
      const readers = type.fields.map((field) => compileValue(field.type));
      return (cursor) => readers.map((read) => read(cursor));
    }
  }
}

/** Decimals of more bytes than this cannot be Iceberg's; refusing them bounds the arithmetic. */
const MAX_DECIMAL_BYTES = 64;

function compileBinary(
  read: Reader<Uint8Array>,
  logical: AvroLogicalType | null,
): Reader<IcebergValue> {
  if (logical?.kind === "uuid") return (cursor) => uuidFromBytes(read(cursor));
  if (logical?.kind !== "decimal") return read;
  return (cursor) => {
    const bytes = read(cursor);
    if (bytes.length > MAX_DECIMAL_BYTES) {
      cursor.fail("avro_malformed", `a decimal takes ${bytes.length} bytes`);
    }
    return bigintFromBytes(bytes);
  };
}

function compileEnum(symbols: readonly string[]): Reader<IcebergValue> {
  return (cursor) => {
    const symbol = symbols[cursor.readInt()];
    return symbol ?? cursor.fail("avro_malformed", "an enum holds none of its symbols");
  };
}

function compileUnion(type: AvroType & { kind: "union" }): Reader<IcebergValue> {
  const nullable = asNullable(type);
  if (nullable !== null) {
    const { nullIndex } = nullable;
    const readValue = compileValue(nullable.value);
    return (cursor) => readBranch(cursor, 2) === nullIndex ? null : readValue(cursor);
  }
  const readers = type.branches.map(compileValue);
  return (cursor) => readers[readBranch(cursor, readers.length)]?.(cursor) ?? null;
}

function compileItems(
  readItem: Reader<IcebergValue>,
  items: AvroType,
  keyBytes = 0,
): Reader<readonly IcebergValue[]> {
  const minItemBytes = items.minBytes + keyBytes;
  const freeSteps = items.freeSteps + (minItemBytes === 0 ? 1 : 0);
  return (cursor) => {
    const values: IcebergValue[] = [];
    for (;;) {
      const count = cursor.readBlockCount(minItemBytes);
      if (count === 0) return values;
      if (values.length + count > MAX_COLLECTION_ITEMS) {
        cursor.fail("avro_too_large", `a list has more than ${MAX_COLLECTION_ITEMS} items`);
      }
      cursor.spendItems(count);
      cursor.spendFreeSteps(count * freeSteps);
      for (let left = count; left > 0; left--) values.push(readItem(cursor));
    }
  };
}
