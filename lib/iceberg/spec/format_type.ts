/** Types as metadata files write them (spec Appendix C). For people who write SQL see `ddl/`. */
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

function formatGeoType(type: PrimitiveType & { readonly kind: "geometry" | "geography" }): string {
  const algorithm = type.kind === "geography" ? type.algorithm : null;
  if (algorithm !== null) return `${type.kind}(${type.crs ?? ""}, ${algorithm})`;
  return type.crs === null ? type.kind : `${type.kind}(${type.crs})`;
}
