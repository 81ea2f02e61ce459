/**
 * Compiles an Avro type into a function that encodes a value from its Iceberg memory form; the
 * inverse of `compile_value.ts`. A value that does not fit its type is a `TypeError`: the schema is
 * ours, so that is a mistake of the caller.
 */
import { uuidToBytes } from "../spec/values.ts";
import type { ByteSink } from "./byte_sink.ts";
import { EncodedItems, type WritableValue } from "./encoded_items.ts";
import {
  asNullable,
  type AvroLogicalType,
  type AvroPrimitive,
  type AvroType,
  type AvroUnion,
} from "./schema.ts";

/** Encodes one value. */
export type Writer = (sink: ByteSink, value: WritableValue) => void;

/** The writer for `type`. `long` takes safe integers beside bigint. */
export function compileWrite(type: AvroType): Writer {
  switch (type.kind) {
    case "null":
      return (_sink, value) => {
        if (value !== null) throw mismatch(type, value);
      };
    case "boolean":
      return (sink, value) => {
        if (typeof value !== "boolean") throw mismatch(type, value);
        sink.writeBoolean(value);
      };
    case "int":
      return (sink, value) => {
        if (typeof value !== "number" || value !== (value | 0)) throw mismatch(type, value);
        sink.writeLong(value);
      };
    case "long":
      return (sink, value) => {
        if (typeof value !== "bigint" && !Number.isSafeInteger(value)) throw mismatch(type, value);
        sink.writeLong(value as number | bigint);
      };
    case "float":
    case "double":
      return compileFloat(type);
    case "string":
      return (sink, value) => {
        if (typeof value !== "string") throw mismatch(type, value);
        sink.writeString(value);
      };
    case "bytes":
      return (sink, value) => {
        if (!(value instanceof Uint8Array)) throw mismatch(type, value);
        sink.writeBytes(value);
      };
    case "fixed":
      return (sink, value) => sink.writeRaw(fixedBytes(type, value));
    case "union":
      return compileUnion(type);
    case "array":
      return compileArray(type, compileWrite(type.items));
    case "record":
      return compileTuple(type, type.fields.map((field) => compileWrite(field.type)));
    case "enum":
    case "map":
      throw new TypeError(`Cannot write Avro type "${type.kind}": Iceberg metadata has none`);
  }
}

/** The size of a fixed that holds every decimal of `precision` digits, in bytes (spec: Appendix A). */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  return Math.floor(largest.toString(2).length / 8) + 1;
}

function compileFloat(type: AvroPrimitive): Writer {
  const single = type.kind === "float";
  return (sink, value) => {
    if (typeof value !== "number") throw mismatch(type, value);
    if (single) sink.writeFloat(value);
    else sink.writeDouble(value);
  };
}

function compileUnion(type: AvroUnion): Writer {
  const nullable = asNullable(type);
  if (nullable === null) throw new TypeError("Cannot write a union other than an optional value");
  const { nullIndex } = nullable;
  const write = compileWrite(nullable.value);
  return (sink, value) => {
    sink.writeLong(value === null ? nullIndex : 1 - nullIndex);
    if (value !== null) write(sink, value);
  };
}

function compileArray(type: AvroType, writeItem: Writer): Writer {
  return (sink, value) => {
    if (value instanceof EncodedItems) return sink.writeRaw(value.bytes);
    if (!Array.isArray(value)) throw mismatch(type, value);
    if (value.length > 0) {
      sink.writeLong(value.length);
      for (const item of value) writeItem(sink, item);
    }
    sink.writeLong(0);
  };
}

function compileTuple(type: AvroType, writers: readonly Writer[]): Writer {
  return (sink, value) => {
    if (!Array.isArray(value) || value.length !== writers.length) throw mismatch(type, value);
    writers.forEach((write, index) => write(sink, value[index]));
  };
}

function fixedBytes(
  type: AvroType & { readonly kind: "fixed" },
  value: WritableValue,
): Uint8Array {
  const bytes = toBytes(type.logical, value, type.size);
  if (bytes?.length !== type.size) throw mismatch(type, value);
  return bytes;
}

function toBytes(
  logical: AvroLogicalType | null,
  value: WritableValue,
  size: number,
): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  if (logical?.kind === "uuid" && typeof value === "string") return uuidToBytes(value);
  if (logical?.kind !== "decimal" || typeof value !== "bigint") return null;
  if (BigInt.asIntN(size * 8, value) !== value) return null;
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let index = size - 1; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

function mismatch(type: AvroType, value: WritableValue): TypeError {
  const found = value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
  return new TypeError(`Cannot write ${found} as Avro type "${type.kind}"`);
}
