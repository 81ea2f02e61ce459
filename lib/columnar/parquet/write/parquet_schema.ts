/**
 * The Parquet schema of an Iceberg schema (spec Appendix A, "Parquet"): field ids on every node that
 * has one, lists and maps on three levels, decimals in the smallest type that holds them.
 */
import { AppError } from "../../../errors.ts";
import { compatibleName } from "../../../iceberg/manifest/avro_schema_json.ts";
import { formatPrimitiveType } from "../../../iceberg/spec/format_type.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { NestedField, PrimitiveType, Type } from "../../../iceberg/spec/types.ts";
import type { SchemaElement } from "../footer/file_metadata.ts";
import { ConvertedType, type LogicalType } from "../footer/logical_type.ts";
import { PhysicalType } from "../footer/physical_type.ts";
import { buildSchemaTree, type ParquetSchema } from "../footer/schema_tree.ts";

/** A leaf of a file to write. */
export interface WriteLeaf {
  readonly fieldId: number;
  readonly type: PrimitiveType;
  /** Full dotted name in the table's schema. */
  readonly name: string;
  /** Whether a list or a map is above it: then it has no metrics but its size. */
  readonly isRepeated: boolean;
}

/** What files of a table schema look like. */
export interface WriteSchema {
  /** What is written: the table's fields without those of type `unknown`, which no file holds. */
  readonly fields: readonly NestedField[];
  /** As footers list them. */
  readonly elements: readonly SchemaElement[];
  readonly tree: ParquetSchema;
  /** In the order of column chunks. */
  readonly leaves: readonly WriteLeaf[];
  /** The same fields and elements with types for which the encoder chooses these physical types. */
  readonly encoder: {
    readonly fields: readonly NestedField[];
    readonly elements: readonly SchemaElement[];
  };
}

/** Largest precisions that 32 and 64 bits hold. */
const INT32_DIGITS = 9;
const INT64_DIGITS = 18;

/**
 * The Parquet schema for rows of `schema`. Types that cannot be written are `unsupported` (code
 * `type_unsupported`), with the column's name.
 */
export function writeSchemaOf(schema: Pick<Schema, "fields">): WriteSchema {
  const fields = writableFields(schema.fields, []);
  const { elements, leaves } = new SchemaBuilder(fields);
  const forEncoder = fields.map((field) => ({ ...field, type: encoderType(field.type) }));
  const tree = buildSchemaTree(elements, (detail) => {
    throw new TypeError(`Cannot build a Parquet schema: ${detail}`);
  });
  const encoder = { fields: forEncoder, elements: new SchemaBuilder(forEncoder).elements };
  return { fields, elements, leaves, tree, encoder };
}

/** The encoder puts decimals of one digit into 64 bits, where the specification wants 32. */
function encoderType(type: Type): Type {
  switch (type.kind) {
    case "decimal":
      return { ...type, precision: Math.max(2, type.precision) };
    case "struct": {
      const fields = type.fields.map((field) => ({ ...field, type: encoderType(field.type) }));
      return { kind: "struct", fields };
    }
    case "list":
      return { ...type, element: encoderType(type.element) };
    case "map":
      return { ...type, key: encoderType(type.key), value: encoderType(type.value) };
    default:
      return type;
  }
}

/** Fields without those of type `unknown`; a struct that keeps none cannot be written. */
function writableFields(
  fields: readonly NestedField[],
  parent: readonly string[],
): readonly NestedField[] {
  return fields.filter(({ type }) => type.kind !== "unknown").map((field) => {
    const path = [...parent, field.name];
    const type = writableType(field.type, path);
    return type === field.type ? field : { ...field, type };
  });
}

function writableType(type: Type, path: readonly string[]): Type {
  switch (type.kind) {
    case "struct": {
      const fields = writableFields(type.fields, path);
      if (fields.length === 0) throw unwritable("struct without fields", path);
      return { kind: "struct", fields };
    }
    case "list":
      return { ...type, element: writableType(type.element, [...path, "element"]) };
    case "map":
      return {
        ...type,
        key: writableType(type.key, [...path, "key"]),
        value: writableType(type.value, [...path, "value"]),
      };
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      throw unwritable(formatPrimitiveType(type), path);
    default:
      return type;
  }
}

function unwritable(type: string, path: readonly string[]): AppError {
  return new AppError(
    "unsupported",
    "type_unsupported",
    `Cannot write column "${path.join(".")}" to Parquet: drls does not write the type ${type}`,
  );
}

interface Place {
  readonly path: readonly string[];
  readonly isRepeated: boolean;
}

class SchemaBuilder {
  readonly elements: SchemaElement[] = [];
  readonly leaves: WriteLeaf[] = [];

  constructor(fields: readonly NestedField[]) {
    this.elements.push(group("table", { numChildren: fields.length, repetition: null }));
    for (const field of fields) this.#field(field, { path: [], isRepeated: false });
  }

  #field(
    field: Pick<NestedField, "id" | "name" | "required" | "type">,
    { path: parent, isRepeated }: Place,
  ): void {
    const { id, type } = field;
    const path = [...parent, field.name];
    const name = compatibleName(field.name);
    const common = { repetition: field.required ? 0 : 1, fieldId: id };
    switch (type.kind) {
      case "struct":
        this.elements.push(group(name, { ...common, numChildren: type.fields.length }));
        for (const child of type.fields) this.#field(child, { path, isRepeated });
        return;
      case "list": {
        const list = { convertedType: ConvertedType.list, logicalType: { kind: "list" } } as const;
        this.elements.push(group(name, { ...common, ...list, numChildren: 1 }));
        this.elements.push(group("list", { repetition: 2, numChildren: 1 }));
        const { elementId, elementRequired, element } = type;
        this.#field(
          { id: elementId, name: "element", required: elementRequired, type: element },
          { path, isRepeated: true },
        );
        return;
      }
      case "map": {
        const map = { convertedType: ConvertedType.map, logicalType: { kind: "map" } } as const;
        this.elements.push(group(name, { ...common, ...map, numChildren: 1 }));
        this.elements.push(group("key_value", { repetition: 2, numChildren: 2 }));
        const place = { path, isRepeated: true };
        this.#field({ id: type.keyId, name: "key", required: true, type: type.key }, place);
        const { valueId, valueRequired, value } = type;
        this.#field({ id: valueId, name: "value", required: valueRequired, type: value }, place);
        return;
      }
      default:
        this.elements.push({ ...NO_ELEMENT, name, ...common, ...leafElement(type) });
        this.leaves.push({ fieldId: id, type, name: path.join("."), isRepeated });
    }
  }
}

const NO_ELEMENT: Omit<SchemaElement, "name"> = {
  type: null,
  typeLength: null,
  repetition: null,
  numChildren: null,
  convertedType: null,
  scale: null,
  precision: null,
  fieldId: null,
  logicalType: null,
};

function group(name: string, rest: Partial<SchemaElement>): SchemaElement {
  return { ...NO_ELEMENT, name, ...rest };
}

function leafElement(type: PrimitiveType): Partial<SchemaElement> {
  const { boolean, int32, int64, float, double, byteArray, fixedLenByteArray } = PhysicalType;
  switch (type.kind) {
    case "boolean":
      return { type: boolean };
    case "int":
      return { type: int32 };
    case "long":
      return { type: int64 };
    case "float":
      return { type: float };
    case "double":
      return { type: double };
    case "date":
      return { type: int32, convertedType: ConvertedType.date, logicalType: { kind: "date" } };
    case "time":
      return { type: int64, logicalType: instant("time", { unit: "micros", isAdjusted: false }) };
    case "timestamp":
    case "timestamp_ns":
    case "timestamptz":
    case "timestamptz_ns":
      return { type: int64, ...timestampElement(type.kind) };
    case "string":
      return {
        type: byteArray,
        convertedType: ConvertedType.utf8,
        logicalType: { kind: "string" },
      };
    case "binary":
      return { type: byteArray };
    case "uuid":
      return { type: fixedLenByteArray, typeLength: 16, logicalType: { kind: "uuid" } };
    case "fixed":
      return { type: fixedLenByteArray, typeLength: type.length };
    case "decimal":
      return decimalElement(type.precision, type.scale);
    default:
      throw new TypeError(`Cannot write values of ${type.kind}`);
  }
}

function instant(
  kind: "time" | "timestamp",
  { unit, isAdjusted }: { readonly unit: "micros" | "nanos"; readonly isAdjusted: boolean },
): LogicalType {
  return { kind, unit, isAdjustedToUtc: isAdjusted };
}

function timestampElement(
  kind: "timestamp" | "timestamp_ns" | "timestamptz" | "timestamptz_ns",
): Partial<SchemaElement> {
  const isAdjusted = kind.startsWith("timestamptz");
  const unit = kind.endsWith("_ns") ? "nanos" : "micros";
  const logicalType = instant("timestamp", { unit, isAdjusted });
  // The old annotation means an instant in UTC, and has no nanoseconds.
  const isOld = isAdjusted && unit === "micros";
  return { logicalType, ...(isOld ? { convertedType: ConvertedType.timestampMicros } : {}) };
}

function decimalElement(precision: number, scale: number): Partial<SchemaElement> {
  const { int32, int64, fixedLenByteArray } = PhysicalType;
  const physical = precision <= INT32_DIGITS
    ? { type: int32 }
    : precision <= INT64_DIGITS
    ? { type: int64 }
    : { type: fixedLenByteArray, typeLength: decimalBytes(precision) };
  return {
    ...physical,
    convertedType: ConvertedType.decimal,
    logicalType: { kind: "decimal", precision, scale },
    precision,
    scale,
  };
}

/** The fewest bytes whose two's complement holds every unscaled value of that many digits. */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  let bytes = 1;
  while (BigInt.asIntN(8 * bytes, largest) !== largest) bytes++;
  return bytes;
}
