/** Parquet's logical types: what the bytes of a physical type mean. */
import { type Codec, i32, i8, string, struct } from "../thrift/codec.ts";
import { bool, optional, required } from "../thrift/codec.ts";
import { type CompactReader, WireType } from "../thrift/compact_reader.ts";
import type { CompactWriter } from "../thrift/compact_writer.ts";

/** Resolution of times and timestamps. */
export type TimeUnit = "millis" | "micros" | "nanos";

/** A logical type. */
export type LogicalType =
  | {
    readonly kind:
      | "string"
      | "map"
      | "list"
      | "enum"
      | "date"
      | "null"
      | "json"
      | "bson"
      | "uuid"
      | "float16"
      | "variant"
      | "geometry"
      | "geography"
      /** A type that later versions of Parquet define. */
      | "unknown";
  }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | {
    readonly kind: "time" | "timestamp";
    readonly isAdjustedToUtc: boolean;
    readonly unit: TimeUnit;
  }
  | { readonly kind: "integer"; readonly bitWidth: number; readonly isSigned: boolean };

const SIMPLE_BY_ID = {
  1: "string",
  2: "map",
  3: "list",
  4: "enum",
  6: "date",
  11: "null",
  12: "json",
  13: "bson",
  14: "uuid",
  15: "float16",
  16: "variant",
  17: "geometry",
  18: "geography",
} as const;

type SimpleKind = typeof SIMPLE_BY_ID[keyof typeof SIMPLE_BY_ID];

const ID_BY_SIMPLE = new Map<string, number>(
  Object.entries(SIMPLE_BY_ID).map(([id, kind]) => [kind, Number(id)]),
);

const DECIMAL_ID = 5;
const TIME_ID = 7;
const TIMESTAMP_ID = 8;
const INTEGER_ID = 10;

const decimalParameters = struct<{ scale: number; precision: number }>("DecimalType", {
  scale: required(1, i32),
  precision: required(2, i32),
});

const integerParameters = struct<{ bitWidth: number; isSigned: boolean }>("IntType", {
  bitWidth: required(1, i8),
  isSigned: required(2, bool),
});

const UNITS: readonly TimeUnit[] = ["millis", "micros", "nanos"];

/** A union whose members have no fields; the member is its id. */
const unitCodec: Codec<TimeUnit> = {
  wire: WireType.struct,
  read: (reader) => {
    const id = reader.readFieldHeader(0);
    const unit = UNITS[id - 1];
    if (unit === undefined) return reader.fail("a time is of an unknown unit");
    reader.skip(reader.fieldType);
    skipRest(reader, id);
    return unit;
  },
  write: (writer, unit) => writeMember(writer, UNITS.indexOf(unit) + 1),
};

const timeParameters = struct<{ isAdjustedToUtc: boolean; unit: TimeUnit }>("TimeType", {
  isAdjustedToUtc: required(1, bool),
  unit: required(2, unitCodec),
});

const geoParameters = struct<{ crs: string | null }>("GeometryType", { crs: optional(1, string) });

/** The union `LogicalType` of Parquet's metadata. */
export const logicalTypeCodec: Codec<LogicalType> = {
  wire: WireType.struct,
  read: (reader) => {
    const id = reader.readFieldHeader(0);
    if (id === 0) reader.fail("a logical type is empty");
    if (reader.fieldType !== WireType.struct) reader.fail("a logical type is of the wrong type");
    const type = readMember(reader, id);
    skipRest(reader, id);
    return type;
  },
  write: (writer, type) => {
    switch (type.kind) {
      case "decimal":
        return writeMember(writer, DECIMAL_ID, (w) => decimalParameters.write(w, type));
      case "time":
        return writeMember(writer, TIME_ID, (w) => timeParameters.write(w, type));
      case "timestamp":
        return writeMember(writer, TIMESTAMP_ID, (w) => timeParameters.write(w, type));
      case "integer":
        return writeMember(writer, INTEGER_ID, (w) => integerParameters.write(w, type));
      default: {
        const id = ID_BY_SIMPLE.get(type.kind);
        if (id === undefined) throw new TypeError(`Cannot write the logical type "${type.kind}"`);
        return writeMember(writer, id);
      }
    }
  },
};

function readMember(reader: CompactReader, id: number): LogicalType {
  switch (id) {
    case DECIMAL_ID:
      return { kind: "decimal", ...decimalParameters.read(reader) };
    case TIME_ID:
      return { kind: "time", ...timeParameters.read(reader) };
    case TIMESTAMP_ID:
      return { kind: "timestamp", ...timeParameters.read(reader) };
    case INTEGER_ID:
      return { kind: "integer", ...integerParameters.read(reader) };
    case 17:
    case 18:
      geoParameters.read(reader);
      return { kind: SIMPLE_BY_ID[id] };
  }
  reader.skip(reader.fieldType);
  return { kind: isSimpleId(id) ? SIMPLE_BY_ID[id] as SimpleKind : "unknown" };
}

function isSimpleId(id: number): id is keyof typeof SIMPLE_BY_ID {
  return id in SIMPLE_BY_ID;
}

/** Moves past what a union should not have: further members. */
function skipRest(reader: CompactReader, last: number): void {
  let id = last;
  while ((id = reader.readFieldHeader(id)) !== 0) reader.skip(reader.fieldType);
}

function writeMember(
  writer: CompactWriter,
  id: number,
  write: (writer: CompactWriter) => void = (w) => w.writeStop(),
): void {
  writer.writeFieldHeader(id, { type: WireType.struct, previous: 0 });
  write(writer);
  writer.writeStop();
}

/** Annotations of old files (`ConvertedType`), by their number, where they have one meaning. */
const CONVERTED: readonly (LogicalType | null)[] = [
  { kind: "string" },
  { kind: "map" },
  null, // MAP_KEY_VALUE marks the group inside a map in some files and the map itself in others.
  { kind: "list" },
  { kind: "enum" },
  null, // DECIMAL takes its parameters from the schema element.
  { kind: "date" },
  { kind: "time", isAdjustedToUtc: true, unit: "millis" },
  { kind: "time", isAdjustedToUtc: true, unit: "micros" },
  { kind: "timestamp", isAdjustedToUtc: true, unit: "millis" },
  { kind: "timestamp", isAdjustedToUtc: true, unit: "micros" },
  { kind: "integer", bitWidth: 8, isSigned: false },
  { kind: "integer", bitWidth: 16, isSigned: false },
  { kind: "integer", bitWidth: 32, isSigned: false },
  { kind: "integer", bitWidth: 64, isSigned: false },
  { kind: "integer", bitWidth: 8, isSigned: true },
  { kind: "integer", bitWidth: 16, isSigned: true },
  { kind: "integer", bitWidth: 32, isSigned: true },
  { kind: "integer", bitWidth: 64, isSigned: true },
  { kind: "json" },
  { kind: "bson" },
];

/** Numbers of `ConvertedType` that code here names. */
export const ConvertedType = {
  utf8: 0,
  map: 1,
  mapKeyValue: 2,
  list: 3,
  decimal: 5,
  date: 6,
  timeMicros: 8,
  timestampMicros: 10,
} as const;

/** The logical type that an old annotation stands for; null where it stands for none. */
export function fromConverted(
  converted: number | null,
  element: { readonly precision: number | null; readonly scale: number | null },
): LogicalType | null {
  if (converted === null) return null;
  if (converted === ConvertedType.decimal) {
    return { kind: "decimal", precision: element.precision ?? 0, scale: element.scale ?? 0 };
  }
  return CONVERTED[converted] ?? null;
}
