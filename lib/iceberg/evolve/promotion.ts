/** Type promotion (spec "Schema Evolution"): which types a column may change to, and its values. */
import type { FormatVersion } from "../spec/table_metadata.ts";
import type { Transform } from "../spec/transform.ts";
import type { IcebergValue, Type } from "../spec/types.ts";

const MICROS_PER_DAY = 86_400_000_000n;
const NANOS_PER_DAY = 86_400_000_000_000n;

/** Whether a table of this version may promote a column from one type to another, different one. */
export function canPromote(from: Type, to: Type, version: FormatVersion): boolean {
  switch (from.kind) {
    case "int":
      return to.kind === "long";
    case "float":
      return to.kind === "double";
    case "decimal":
      return to.kind === "decimal" && to.scale === from.scale && to.precision > from.precision;
    case "date":
      return version >= 3 && (to.kind === "timestamp" || to.kind === "timestamp_ns");
    case "unknown":
      return version >= 3;
    default:
      return false;
  }
}

/**
 * Whether a transform gives the same values before and after a promotion that
 * {@linkcode canPromote} allows. Only dates change their value: to the units of a timestamp, which
 * hash and store otherwise. An unknown transform may do anything.
 */
export function keepsPartitions(transform: Transform, from: Type): boolean {
  switch (transform.kind) {
    case "identity":
    case "bucket":
    case "truncate":
      return from.kind !== "date";
    case "unknown":
      return false;
    case "year":
    case "month":
    case "day":
    case "hour":
    case "void":
      return true;
  }
}

/** A default of the old type in the memory form of the new one; undefined where it does not fit. */
export function promoteValue(
  from: Type,
  to: Type,
  value: IcebergValue,
): IcebergValue | undefined {
  if (typeof value !== "number") return value;
  if (from.kind === "int" && to.kind === "long") return BigInt(value);
  if (from.kind !== "date") return value;
  const units = BigInt(value) * (to.kind === "timestamp" ? MICROS_PER_DAY : NANOS_PER_DAY);
  return BigInt.asIntN(64, units) === units ? units : undefined;
}
