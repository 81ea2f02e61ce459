/** The Iceberg types of an Avro file's own schema (spec "Appendix A: Avro"). */
import {
  asNullable,
  type AvroLogicalType,
  type AvroRecord,
  type AvroType,
} from "../../iceberg/avro/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import { NO_FIELD_ID } from "../arrow/arrow_schema.ts";

/** The fields of a record, in its order. Their ids are those of the file where it has them. */
export function avroFields(record: AvroRecord): readonly NestedField[] {
  return record.fields.map(({ name, fieldId, type }) => field(fieldId, name, type));
}

function field(fieldId: number | null, name: string, type: AvroType): NestedField {
  return {
    id: fieldId ?? NO_FIELD_ID,
    name,
    required: false,
    type: typeOf(type),
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

function typeOf(type: AvroType): Type {
  switch (type.kind) {
    case "null":
      return { kind: "unknown" };
    case "boolean":
    case "float":
    case "double":
      return { kind: type.kind };
    case "int":
      if (type.logical?.kind === "date") return { kind: "date" };
      return { kind: type.logical?.kind === "time-millis" ? "time" : "int" };
    case "long":
      return longType(type.logical?.kind);
    case "bytes":
    case "fixed":
      return binaryType(type.logical, type.kind === "fixed" ? type.size : null);
    case "string":
      return { kind: type.logical?.kind === "uuid" ? "uuid" : "string" };
    case "enum":
      return { kind: "string" };
    case "union": {
      const nullable = asNullable(type);
      // Other unions are no Iceberg type: as variant they are refused by name.
      return nullable === null ? { kind: "variant" } : typeOf(nullable.value);
    }
    case "record":
      return { kind: "struct", fields: avroFields(type) };
    case "array":
      return type.isMap && type.items.kind === "record"
        ? mapType(type.items.fields[0]?.type, type.items.fields[1]?.type)
        : {
          kind: "list",
          elementId: NO_FIELD_ID,
          elementRequired: false,
          element: typeOf(type.items),
        };
    case "map":
      return mapType(undefined, type.values);
  }
}

function longType(logical: string | undefined): Type {
  switch (logical) {
    case "time-micros":
      return { kind: "time" };
    case "timestamp-millis":
    case "timestamp-micros":
      return { kind: "timestamp" };
    case "timestamp-nanos":
      return { kind: "timestamp_ns" };
    default:
      return { kind: "long" };
  }
}

/** `size` is null where the length varies. */
function binaryType(logical: AvroLogicalType | null, size: number | null): Type {
  if (logical?.kind === "decimal") {
    return { kind: "decimal", precision: logical.precision, scale: logical.scale };
  }
  if (logical?.kind === "uuid") return { kind: "uuid" };
  return size === null ? { kind: "binary" } : { kind: "fixed", length: size };
}

/** `key` undefined stands for text, the keys of Avro's own maps. */
function mapType(key: AvroType | undefined, value: AvroType | undefined): Type {
  return {
    kind: "map",
    keyId: NO_FIELD_ID,
    key: key === undefined ? { kind: "string" } : typeOf(key),
    valueId: NO_FIELD_ID,
    valueRequired: false,
    value: value === undefined ? { kind: "unknown" } : typeOf(value),
  };
}
