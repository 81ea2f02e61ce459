/** Types as text: for metadata files (spec Appendix C), and for people who write SQL. */
import type { JsonOutput } from "../../json.ts";
import type { NestedField, PrimitiveType, Type } from "./types.ts";
import { valueToJson } from "./values.ts";

/** The canonical text of a type without nested fields; `parsePrimitiveType` reads it. */
export function formatPrimitiveType(type: PrimitiveType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "fixed":
      return `fixed[${type.length}]`;
    case "geometry":
    case "geography":
      return formatGeoType(type);
    default:
      return type.kind;
  }
}

/** A type as metadata writes it; `parseType` reads it. */
export function typeToJson(type: Type): JsonOutput {
  switch (type.kind) {
    case "struct":
      return { type: "struct", fields: type.fields.map(fieldToJson) };
    case "list":
      return {
        type: "list",
        "element-id": type.elementId,
        element: typeToJson(type.element),
        "element-required": type.elementRequired,
      };
    case "map":
      return {
        type: "map",
        "key-id": type.keyId,
        key: typeToJson(type.key),
        "value-id": type.valueId,
        value: typeToJson(type.value),
        "value-required": type.valueRequired,
      };
    default:
      return formatPrimitiveType(type);
  }
}

/** A field of a struct as metadata writes it. */
export function fieldToJson(field: NestedField): JsonOutput {
  const { id, name, required, type, doc, initialDefault, writeDefault } = field;
  return {
    ...field.extra,
    id,
    name,
    required,
    type: typeToJson(type),
    ...(doc === null ? {} : { doc }),
    ...(initialDefault === undefined
      ? {}
      : { "initial-default": valueToJson(type, initialDefault) }),
    ...(writeDefault === undefined ? {} : { "write-default": valueToJson(type, writeDefault) }),
  };
}

/**
 * A type as the API shows it: lower-case, with Spark's names where Spark has one (`bigint`,
 * `array<int>`, `map<string,bigint>`, `struct<a:int>`).
 *
 * Four choices that Spark leaves open or would lose: Iceberg's `timestamp` stays `timestamp` and its
 * zoned sibling is `timestamptz`, because the API reference shows a plain column as `timestamp` and
 * calling both by one name (or the plain one `timestamp_ntz`, as Spark 3.4 does) would contradict it;
 * the nanosecond types keep their Iceberg names; `fixed(16)` keeps its length, which Spark's `binary`
 * would drop; names in a struct that are no plain identifier are quoted in backticks.
 */
export function engineTypeName(type: Type): string {
  switch (type.kind) {
    case "long":
      return "bigint";
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "fixed":
      return `fixed(${type.length})`;
    case "list":
      return `array<${engineTypeName(type.element)}>`;
    case "map":
      return `map<${engineTypeName(type.key)},${engineTypeName(type.value)}>`;
    case "struct":
      return `struct<${type.fields.map(engineField).join(",")}>`;
    default:
      return formatPrimitiveType(type);
  }
}

function engineField({ name, type }: NestedField): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  return `${plain ? name : `\`${name.replaceAll("`", "``")}\``}:${engineTypeName(type)}`;
}

function formatGeoType(type: PrimitiveType & { readonly kind: "geometry" | "geography" }): string {
  const algorithm = type.kind === "geography" ? type.algorithm : null;
  if (algorithm !== null) return `${type.kind}(${type.crs ?? ""}, ${algorithm})`;
  return type.crs === null ? type.kind : `${type.kind}(${type.crs})`;
}
