/**
 * Thrift structs declared once for both directions. Fields that a declaration does not name are
 * skipped, absent optional fields are null, and a missing required one is `corrupt_data`.
 */
import { type CompactReader, WireType } from "./compact_reader.ts";
import type { CompactWriter } from "./compact_writer.ts";

/** How one kind of value is read and written. */
export interface Codec<T> {
  /** As in field headers; booleans have two and are told by `WireType.true`. */
  readonly wire: number;
  read(reader: CompactReader): T;
  write(writer: CompactWriter, value: T): void;
}

/** One field of a struct. */
export interface FieldSpec<V> {
  readonly id: number;
  readonly required: boolean;
  readonly codec: Codec<NonNullable<V>>;
}

/** An integer of 16 or 32 bits, or an enumeration. */
export const i32: Codec<number> = {
  wire: WireType.i32,
  read: (reader) => reader.readI32(),
  write: (writer, value) => writer.writeI32(value),
};

/** An integer of 16 bits. */
export const i16: Codec<number> = { ...i32, wire: WireType.i16 };

/** A signed byte. */
export const i8: Codec<number> = {
  wire: WireType.i8,
  read: (reader) => reader.readI8(),
  write: (writer, value) => writer.writeByte(value & 0xff),
};

/** A count, size or offset. */
export const i64: Codec<number> = {
  wire: WireType.i64,
  read: (reader) => reader.readI64(),
  write: (writer, value) => writer.writeI64(value),
};

/** A boolean as a field; its value is in the field's header. */
export const bool: Codec<boolean> = {
  wire: WireType.true,
  read: (reader) => reader.fieldType === WireType.true,
  write: () => {},
};

/** Bytes. */
export const binary: Codec<Uint8Array<ArrayBuffer>> = {
  wire: WireType.binary,
  read: (reader) => reader.readBinary(),
  write: (writer, value) => writer.writeBinary(value),
};

/** Text. */
export const string: Codec<string> = {
  wire: WireType.binary,
  read: (reader) => reader.readString(),
  write: (writer, value) => writer.writeString(value),
};

/** A field that is always there. */
export function required<V>(id: number, codec: Codec<NonNullable<V>>): FieldSpec<V> {
  return { id, codec, required: true };
}

/** A field that is null where it is absent. */
export function optional<V>(id: number, codec: Codec<NonNullable<V>>): FieldSpec<V | null> {
  return { id, codec, required: false };
}

/** A list of at most `maxSize` elements; there are no lists of booleans in Parquet. */
export function list<T>(element: Codec<T>, maxSize: number): Codec<readonly T[]> {
  return {
    wire: WireType.list,
    read: (reader) => {
      const { type, size } = reader.readListHeader();
      if (size === 0) return [];
      if (type !== element.wire) reader.fail("a list in its metadata is of the wrong type");
      if (size > maxSize) reader.fail(`a list has ${size} elements, at most ${maxSize} are read`);
      reader.spendItems(size);
      const items: T[] = [];
      for (let at = 0; at < size; at++) items.push(element.read(reader));
      return items;
    },
    write: (writer, items) => {
      writer.writeListHeader(element.wire, items.length);
      for (const item of items) element.write(writer, item);
    },
  };
}

/** The fields of a struct by name. */
export type FieldSpecs<T> = { readonly [K in keyof T]-?: FieldSpec<T[K]> };

/** A struct. `name` is for messages. */
export function struct<T extends object>(name: string, specs: FieldSpecs<T>): Codec<T> {
  const fields = (Object.entries(specs) as [keyof T, FieldSpec<T[keyof T]>][])
    .map(([key, spec]) => ({ key, ...spec })).sort((a, b) => a.id - b.id);
  const byId = new Map(fields.map((field) => [field.id, field]));
  const empty = Object.fromEntries(fields.map(({ key }) => [key, null])) as T;
  return {
    wire: WireType.struct,
    read: (reader) => {
      const value = { ...empty };
      let id = 0;
      while ((id = reader.readFieldHeader(id)) !== 0) {
        const field = byId.get(id);
        if (field === undefined) {
          reader.skip(reader.fieldType);
        } else {
          const type = reader.fieldType === WireType.false ? WireType.true : reader.fieldType;
          if (type !== field.codec.wire) reader.fail(`a field of ${name} is of the wrong type`);
          value[field.key] = field.codec.read(reader);
        }
      }
      for (const { key, required } of fields) {
        if (required && value[key] === null) reader.fail(`${name} lacks ${String(key)}`);
      }
      return value;
    },
    write: (writer, value) => {
      let previous = 0;
      for (const { key, id, codec } of fields) {
        const member = value[key];
        if (member === null || member === undefined) continue;
        const type = codec.wire === WireType.true && !member ? WireType.false : codec.wire;
        writer.writeFieldHeader(id, { type, previous });
        codec.write(writer, member);
        previous = id;
      }
      writer.writeStop();
    },
  };
}
