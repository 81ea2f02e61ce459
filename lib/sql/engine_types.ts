/**
 * Iceberg types as DuckDB declares them, and Arrow batches on their way in and out.
 *
 * `timestamptz` enters the engine as a plain timestamp in UTC: its own type would need the time-zone
 * extension for nearly everything. `labels` says which columns get their zone back on the way out.
 */
import {
  Data,
  type DataType,
  Field,
  makeData,
  type Map_,
  RecordBatch,
  Schema as ArrowSchema,
  Struct,
  TimestampMicrosecond,
  TimestampNanosecond,
  Type as ArrowType,
} from "apache-arrow";
import { type Schema, walkFields } from "../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../iceberg/spec/types.ts";
import { quoteName } from "./text/quote_name.ts";

/** Whether zoned timestamps are declared as such (to ask for types) or as UTC (to compute). */
export type ZoneMode = "zoned" | "utc";

/** A column's declaration: `"name" BIGINT`. */
export function columnDeclaration(field: NestedField, mode: ZoneMode): string {
  return `${quoteName(field.name)} ${engineType(field.type, mode)}`;
}

/** Why columns of this type cannot be queried; null where they can. */
export function unsupportedType(type: Type): string | null {
  switch (type.kind) {
    case "variant":
    case "geometry":
    case "geography":
      return type.kind;
    case "list":
      return unsupportedType(type.element);
    case "map":
      return unsupportedType(type.key) ?? unsupportedType(type.value);
    case "struct":
      return type.fields.map((field) => unsupportedType(field.type)).find((why) => why !== null) ??
        null;
    default:
      return null;
  }
}

/** Whether any column, nested ones included, is zoned, plain, both or neither. */
export function timestampKinds(
  { fields }: Pick<Schema, "fields">,
): ReadonlySet<"zoned" | "plain"> {
  const kinds = new Set<"zoned" | "plain">();
  for (const { field } of walkFields({ kind: "struct", fields })) {
    if (field.type.kind.startsWith("timestamptz")) kinds.add("zoned");
    else if (field.type.kind.startsWith("timestamp")) kinds.add("plain");
  }
  return kinds;
}

/** The DuckDB type that holds values of `type`. */
export function engineType(type: Type, mode: ZoneMode): string {
  switch (type.kind) {
    case "boolean":
    case "date":
    case "time":
    case "double":
    case "uuid":
      return type.kind.toUpperCase();
    case "int":
      return "INTEGER";
    case "long":
      return "BIGINT";
    case "float":
      return "REAL";
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case "timestamp":
      return "TIMESTAMP";
    case "timestamptz":
      return mode === "zoned" ? "TIMESTAMPTZ" : "TIMESTAMP";
    case "timestamp_ns":
      return "TIMESTAMP_NS";
    case "timestamptz_ns":
      return mode === "zoned" ? "TIMESTAMPTZ" : "TIMESTAMP_NS";
    case "string":
      return "VARCHAR";
    case "fixed":
    case "binary":
      return "BLOB";
    case "list":
      return `${engineType(type.element, mode)}[]`;
    case "map":
      return `MAP(${engineType(type.key, mode)}, ${engineType(type.value, mode)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => columnDeclaration(field, mode)).join(", ")})`;
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      // A stand-in: these are always null, or refused before they are read.
      return "INTEGER";
  }
}

/** The batch as the engine takes it: zones off, UUIDs marked as such. The buffers are shared. */
export function toEngine(batch: RecordBatch): RecordBatch {
  return relabel(
    batch,
    (type) =>
      ArrowType.Timestamp === type.typeId && "timezone" in type && type.timezone !== null
        ? withZone(type, null)
        : type,
    UUID_MARK,
  );
}

/** The batch with UTC put back on every timestamp of the columns whose index is in `zoned`. */
export function withZones(batch: RecordBatch, zoned: ReadonlySet<number>): RecordBatch {
  return zoned.size === 0 ? batch : relabel(batch, addZone(zoned), new Map());
}

/** A result's schema with UTC on the columns whose index is in `zoned`. */
export function zonedSchema(schema: ArrowSchema, zoned: ReadonlySet<number>): ArrowSchema {
  const change = addZone(zoned);
  const fields = schema.fields.map((field, i) =>
    relabelField(field, { change, i, uuidMark: new Map() })
  );
  return new ArrowSchema(fields);
}

function addZone(zoned: ReadonlySet<number>): Relabel {
  return (type, column) =>
    type.typeId === ArrowType.Timestamp && zoned.has(column) ? withZone(type, "UTC") : type;
}

const UUID_MARK = new Map([
  ["ARROW:extension:name", "arrow.uuid"],
  ["ARROW:extension:metadata", ""],
]);

type Relabel = (type: DataType, column: number) => DataType;

function relabel(
  batch: RecordBatch,
  change: Relabel,
  uuidMark: ReadonlyMap<string, string>,
): RecordBatch {
  const fields = batch.schema.fields.map((field, i) =>
    relabelField(field, { change, i, uuidMark })
  );
  const children = batch.data.children.map((data, i) => relabelData(data, fields[i]!.type));
  const type = new Struct(fields);
  const { length, nullCount } = batch.data;
  const data = makeData({ type, length, nullCount, children });
  return new RecordBatch(new ArrowSchema(fields), data);
}

interface RelabelContext {
  readonly change: Relabel;
  /** Index of the column that the field lies in. */
  readonly i: number;
  readonly uuidMark: ReadonlyMap<string, string>;
}

function relabelField(field: Field, context: RelabelContext): Field {
  const { type } = field;
  const isUuid = type.typeId === ArrowType.FixedSizeBinary && "byteWidth" in type &&
    type.byteWidth === 16;
  const metadata = new Map(isUuid ? [...field.metadata, ...context.uuidMark] : field.metadata);
  const children = type.children?.map((child: Field) => relabelField(child, context)) ?? [];
  return new Field(field.name, relabelType(type, children, context), field.nullable, metadata);
}

function relabelType(
  type: DataType,
  children: readonly Field[],
  { change, i }: RelabelContext,
): DataType {
  const changed = change(type, i);
  if (children.length === 0) return changed;
  // A nested type is its children: a copy that has the relabelled ones in their place.
  const copy: DataType & { children?: readonly Field[] } = Object.create(
    Object.getPrototypeOf(type),
    Object.getOwnPropertyDescriptors(type),
  );
  Object.defineProperty(copy, "children", { value: children });
  return copy as Map_ | Struct;
}

function relabelData(data: Data, type: DataType): Data {
  const children = data.children.map((child, i) => relabelData(child, type.children![i]!.type));
  return data.clone(type, data.offset, data.length, data.nullCount, [
    data.valueOffsets,
    data.values,
    data.nullBitmap,
    data.typeIds,
  ], children);
}

function withZone(type: DataType, zone: string | null): DataType {
  const nanos = "unit" in type && type.unit === 3;
  return nanos ? new TimestampNanosecond(zone) : new TimestampMicrosecond(zone);
}
