/**
 * Writer schemas of manifests and manifest lists (spec: "Manifests", "Manifest Lists", "Appendix A:
 * Avro"), field for field as the Java implementation writes them for each format version.
 */
import { decimalBytes } from "../avro/compile_write.ts";
import type { PrimitiveType, StructType } from "../spec/types.ts";
import { isPrimitive } from "../spec/types.ts";

/** JSON of an Avro type. */
export type AvroJson = string | readonly AvroJson[] | { readonly [key: string]: unknown };

/** A field of a writer schema. */
export interface AvroJsonField {
  readonly "name": string;
  readonly "type": AvroJson;
  readonly "doc"?: string;
  readonly "default"?: null;
  readonly "field-id": number;
  readonly "iceberg-field-name"?: string;
}

/** What a field of the specification's tables says. */
export interface FieldDefinition {
  readonly id: number;
  readonly name: string;
  readonly type: AvroJson;
  readonly doc?: string;
}

/** A field that is always there. */
export function requiredField({ id, name, type, doc }: FieldDefinition): AvroJsonField {
  return { name, type, ...(doc === undefined ? {} : { doc }), "field-id": id };
}

/** A field that may be null, and is by default. */
export function optionalField({ id, name, type, doc }: FieldDefinition): AvroJsonField {
  return {
    name,
    type: ["null", type],
    ...(doc === undefined ? {} : { doc }),
    default: null,
    "field-id": id,
  };
}

/** A list without null elements. */
export function listOf(elementId: number, items: AvroJson): AvroJson {
  return { type: "array", items, "element-id": elementId };
}

/** An Iceberg map with integer keys: an array of key-value records. */
export function mapOf(keyId: number, valueId: number, values: AvroJson): AvroJson {
  const fields = [
    requiredField({ id: keyId, name: "key", type: "int" }),
    requiredField({ id: valueId, name: "value", type: values }),
  ];
  return {
    type: "array",
    items: { type: "record", name: `k${keyId}_v${valueId}`, fields },
    logicalType: "map",
  };
}

/** The record of a partition tuple; fields are optional, as in every partition type. */
export function tupleOf(partitionType: StructType): AvroJson {
  const names = new Set<string>();
  const fields = partitionType.fields.map(({ id, name, type }) => {
    if (!isPrimitive(type)) throw new TypeError(`Cannot partition by a value of ${type.kind}`);
    const avroName = compatibleName(name);
    const field = optionalField({ id, name: avroName, type: primitiveJson(type, { id, names }) });
    // Null may stand in a union once; a column of type unknown has no other value.
    const base = type.kind === "unknown" ? { ...field, type: "null" } : field;
    return avroName === name ? base : { ...base, "iceberg-field-name": name };
  });
  return { type: "record", name: "r102", fields };
}

/**
 * A name that Avro accepts: as in Java, a leading digit gets `_` in front and any other character
 * becomes `_x` and its code in hexadecimal.
 */
export function compatibleName(name: string): string {
  return name.replace(
    /^[0-9]|[^A-Za-z0-9_]/g,
    (char) =>
      /[0-9]/.test(char) ? `_${char}` : `_x${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The Avro type of a primitive. A fixed that occurs twice gets the field's id into its name: a
 * reference by name would be as valid, but not every reader resolves it.
 */
function primitiveJson(
  type: PrimitiveType,
  field: { readonly id: number; readonly names: Set<string> },
): AvroJson {
  const fixed = (name: string, rest: { readonly [key: string]: unknown }) => {
    const unique = field.names.has(name) ? `${name}_${field.id}` : name;
    field.names.add(unique);
    return { type: "fixed", name: unique, ...rest };
  };
  switch (type.kind) {
    case "unknown":
      return "null";
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
      return type.kind;
    case "date":
      return { type: "int", logicalType: "date" };
    case "time":
      return { type: "long", logicalType: "time-micros" };
    case "timestamp":
    case "timestamptz":
      return timestampJson("timestamp-micros", type.kind === "timestamptz");
    case "timestamp_ns":
    case "timestamptz_ns":
      return timestampJson("timestamp-nanos", type.kind === "timestamptz_ns");
    case "uuid":
      return fixed("uuid_fixed", { size: 16, logicalType: "uuid" });
    case "fixed":
      return fixed(`fixed_${type.length}`, { size: type.length });
    case "decimal": {
      const { precision, scale } = type;
      const size = decimalBytes(precision);
      const name = `decimal_${precision}_${scale}`;
      return fixed(name, { size, logicalType: "decimal", precision, scale });
    }
    case "binary":
    case "geometry":
    case "geography":
      return "bytes";
    case "variant":
      throw new TypeError("Cannot partition by a variant");
  }
}

function timestampJson(logicalType: string, adjustToUtc: boolean): AvroJson {
  return { type: "long", logicalType, "adjust-to-utc": adjustToUtc };
}
