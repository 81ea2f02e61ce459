/**
 * Order of values as predicates see it. It is the order of the spec's bounds, except that
 * -0.0 equals 0.0 and NaN is the greatest value, as in Spark and DuckDB.
 */
import { type IcebergValue, isPrimitive, type Type } from "../spec/types.ts";
import { compareValues } from "../spec/values.ts";

/** Negative, zero or positive, as for `Array.sort`. */
export type Comparator = (a: IcebergValue, b: IcebergValue) => number;

/** The comparator of a type; non-null values only. Nested values do not compare. */
export function comparatorFor(type: Type): Comparator {
  if (isFloating(type)) return compareFloats;
  if (isPrimitive(type)) return (a, b) => compareValues(type, a, b);
  return () => {
    throw new TypeError(`Cannot compare values of type ${type.kind}`);
  };
}

/** Whether values of `type` may be NaN. */
export function isFloating(type: Type): boolean {
  return type.kind === "float" || type.kind === "double";
}

/** Whether predicates may compare values of `type`. */
export function isComparable(type: Type): boolean {
  switch (type.kind) {
    case "struct":
    case "list":
    case "map":
    case "variant":
    case "geometry":
    case "geography":
    case "unknown":
      return false;
    default:
      return true;
  }
}

function compareFloats(a: IcebergValue, b: IcebergValue): number {
  const x = Number(a);
  const y = Number(b);
  if (x < y) return -1;
  if (x > y) return 1;
  if (x === y) return 0;
  return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
}
