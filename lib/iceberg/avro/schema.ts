/**
 * The writer schema of an Avro file as a tree (spec: Avro "Schema Declaration"; Iceberg: "Appendix
 * A: Avro"). Named references are resolved, recursion is refused, and each type knows how small its
 * encoding can get, so that a count read from a file can be checked before it is believed.
 */

/** What a primitive or fixed stands for. Unrecognised logical types are dropped, as Avro demands. */
export type AvroLogicalType =
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | {
    readonly kind:
      | "date"
      | "time-millis"
      | "time-micros"
      | "timestamp-millis"
      | "timestamp-micros"
      | "timestamp-nanos"
      | "uuid";
  };

/** Costs that every type carries. */
export interface AvroTypeCost {
  /** The fewest bytes a value can take. */
  readonly minBytes: number;
  /** Steps per value that may consume no byte; see `MAX_FREE_STEPS`. Array items are not in it. */
  readonly freeSteps: number;
  /** Types in this subtree, named references written out. */
  readonly nodes: number;
}

/** Names of the types without parameters. */
export type AvroPrimitiveName =
  | "null"
  | "boolean"
  | "int"
  | "long"
  | "float"
  | "double"
  | "bytes"
  | "string";

/** A type without nested types and without a name. */
export interface AvroPrimitive extends AvroTypeCost {
  readonly kind: AvroPrimitiveName;
  readonly logical: AvroLogicalType | null;
}

/** A number of bytes known from the schema. */
export interface AvroFixed extends AvroTypeCost {
  readonly kind: "fixed";
  readonly size: number;
  readonly logical: AvroLogicalType | null;
}

/** One of a list of names. */
export interface AvroEnum extends AvroTypeCost {
  readonly kind: "enum";
  readonly symbols: readonly string[];
}

/** A list; with `isMap` an Iceberg map, stored as key-value records (`logicalType: map`). */
export interface AvroArray extends AvroTypeCost {
  readonly kind: "array";
  readonly items: AvroType;
  readonly isMap: boolean;
}

/** Avro's own map, whose keys are strings. */
export interface AvroMap extends AvroTypeCost {
  readonly kind: "map";
  readonly values: AvroType;
}

/** Alternatives, told apart by their position. */
export interface AvroUnion extends AvroTypeCost {
  readonly kind: "union";
  readonly branches: readonly AvroType[];
}

/** A member of a record; `fieldId` is Iceberg's, null where the writer set none. */
export interface AvroField {
  readonly name: string;
  readonly fieldId: number | null;
  readonly type: AvroType;
}

/** A tuple of fields. */
export interface AvroRecord extends AvroTypeCost {
  readonly kind: "record";
  readonly name: string;
  readonly fields: readonly AvroField[];
}

/** Any type of a writer schema. */
export type AvroType =
  | AvroPrimitive
  | AvroFixed
  | AvroEnum
  | AvroArray
  | AvroMap
  | AvroUnion
  | AvroRecord;

/** The two-branch union that Iceberg writes for optional fields, taken apart; null for any other. */
export function asNullable(type: AvroType): { nullIndex: number; value: AvroType } | null {
  if (type.kind !== "union" || type.branches.length !== 2) return null;
  const [first, second] = type.branches;
  if (first === undefined || second === undefined) return null;
  if (first.kind === "null") return { nullIndex: 0, value: second };
  return second.kind === "null" ? { nullIndex: 1, value: first } : null;
}
