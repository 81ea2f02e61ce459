/**
 * Iceberg types (spec: "Schemas and Data Types"). A type is plain immutable data; schemas index
 * fields by id in `schema.ts`. Types drls does not compute with (variant, geometry, geography,
 * unknown) are kept exactly, so that a commit writes back what it read.
 */
import type { JsonObject } from "../../json.ts";

/** Types without parameters, by their spec names. */
export type SimpleTypeName =
  | "unknown"
  | "boolean"
  | "int"
  | "long"
  | "float"
  | "double"
  | "date"
  | "time"
  | "timestamp"
  | "timestamptz"
  | "timestamp_ns"
  | "timestamptz_ns"
  | "string"
  | "uuid"
  | "binary"
  | "variant";

/** A type without nested fields. `variant` is semi-structured in the spec; here it is a leaf too. */
export type PrimitiveType =
  | { readonly kind: SimpleTypeName }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "fixed"; readonly length: number }
  /** `crs` is null where the type string names none (the spec's default applies). */
  | { readonly kind: "geometry"; readonly crs: string | null }
  | { readonly kind: "geography"; readonly crs: string | null; readonly algorithm: string | null };

/** One field of a struct. Defaults are in memory form (`spec/values.ts`), undefined when absent. */
export interface NestedField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: Type;
  readonly doc: string | null;
  /** v3 `initial-default`: value of rows written before the field was added. */
  readonly initialDefault: IcebergValue | undefined;
  /** v3 `write-default`: value for writers that do not supply the field. */
  readonly writeDefault: IcebergValue | undefined;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A tuple of named fields. */
export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly NestedField[];
}

/** A collection; the element has a field id of its own. */
export interface ListType {
  readonly kind: "list";
  readonly elementId: number;
  readonly elementRequired: boolean;
  readonly element: Type;
}

/** Key-value pairs; keys are always required. */
export interface MapType {
  readonly kind: "map";
  readonly keyId: number;
  readonly key: Type;
  readonly valueId: number;
  readonly valueRequired: boolean;
  readonly value: Type;
}

/** Any Iceberg type. */
export type Type = PrimitiveType | StructType | ListType | MapType;

/**
 * A value in memory form, by type:
 * boolean -> boolean; int, date (days since epoch), float, double -> number;
 * long, time (µs), timestamp and timestamptz (µs since epoch), the `_ns` forms (ns) -> bigint;
 * decimal -> bigint, unscaled (the scale is in the type); string -> string;
 * uuid -> string, lower-case canonical; fixed, binary -> Uint8Array;
 * struct -> array in field order; list -> array; map -> array of [key, value];
 * null -> null. Values of other types are kept as the JSON they came as.
 */
export type IcebergValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | null
  | readonly IcebergValue[];

/** Whether `type` has no nested fields. */
export function isPrimitive(type: Type): type is PrimitiveType {
  return type.kind !== "struct" && type.kind !== "list" && type.kind !== "map";
}
