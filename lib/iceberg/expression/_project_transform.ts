/** How one predicate projects through one partition transform (spec: "Partition Transforms"). */
import { applyTransform } from "../spec/apply_transform.ts";
import type { Transform } from "../spec/transform.ts";
import type { Type } from "../spec/types.ts";
import { alwaysFalse, alwaysTrue } from "./_tree.ts";
import {
  boundAnd,
  type BoundExpression,
  boundOr,
  type BoundPredicate,
  boundPredicate,
  type BoundReference,
  boundSet,
  type ScalarValue,
} from "./bound.ts";
import type { ComparisonOp, SetOp } from "./expression.ts";

/** Inclusive: no row is missed. Strict: no row is wrongly claimed. */
export type ProjectionMode = "inclusive" | "strict";

/** What {@linkcode projectThrough} projects onto. */
export interface ProjectionTarget {
  readonly transform: Transform;
  readonly target: BoundReference;
  readonly mode: ProjectionMode;
}

/** The projected predicate, or null where the partition value decides nothing. */
export function projectThrough(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const { transform, target } = projection;
  if (transform.kind === "identity") return { ...predicate, ref: target };
  // Every other transform gives null for null, and only for null.
  if (predicate.op === "is_null" || predicate.op === "not_null") {
    return boundPredicate(predicate.op, target);
  }
  switch (transform.kind) {
    case "bucket":
      return projectEquality(predicate, projection);
    case "truncate":
      return projectTruncate(predicate, projection, transform.width);
    case "year":
    case "month":
    case "day":
    case "hour":
      return projectTime(predicate, projection);
    default:
      return null;
  }
}

/** Hashes keep equality only. */
function projectEquality(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const usable = projection.mode === "inclusive" ? ["eq", "in"] : ["not_eq", "not_in"];
  return usable.includes(predicate.op) ? projectSet(predicate, projection) : null;
}

/**
 * Equality through any transform: a row equal to a literal lies in the literal's partition;
 * a row outside the partitions of all literals equals none of them.
 */
function projectSet(predicate: BoundPredicate, projection: ProjectionTarget): BoundExpression {
  const { target } = projection;
  const op: SetOp = predicate.op === "eq" || predicate.op === "in" ? "in" : "not_in";
  return boundSet(
    op,
    target,
    predicate.values.map((value) => transformed(predicate, value, projection)),
  );
}

/**
 * Ordering through a transform that never decreases, over discrete values: `x < v` is
 * `x <= v - 1`. Inclusive bounds take the partition of the last matching value; strict ones stop
 * short of the partition of the first that does not match.
 */
function projectOrdered(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const { op, values: [value] } = predicate;
  const { mode, target } = projection;
  if (value === undefined) return null;
  const strict = mode === "strict";
  switch (op) {
    case "eq":
    case "in":
      return strict ? null : projectSet(predicate, projection);
    case "not_eq":
    case "not_in":
      return strict ? projectSet(predicate, projection) : null;
    case "lt":
    case "lt_eq":
    case "gt":
    case "gt_eq": {
      const boundary = orderedBoundary(op, value, strict);
      if (!isInRange(boundary, predicate.ref.type)) {
        // Past the type's last value: no row can match, or every row that is not null does.
        return strict ? boundPredicate("not_null", target) : alwaysFalse;
      }
      const below = op === "lt" || op === "lt_eq";
      const projectedOp: ComparisonOp = strict
        ? (below ? "lt" : "gt")
        : (below ? "lt_eq" : "gt_eq");
      return boundPredicate(projectedOp, target, [transformed(predicate, boundary, projection)]);
    }
    default:
      return null;
  }
}

/** Inclusive: the last value that matches. Strict: the first that does not. */
function orderedBoundary(op: ComparisonOp, value: ScalarValue, strict: boolean): ScalarValue {
  switch (op) {
    case "lt":
      return strict ? value : step(value, -1);
    case "lt_eq":
      return strict ? step(value, 1) : value;
    case "gt":
      return strict ? value : step(value, 1);
    default:
      return strict ? step(value, -1) : value;
  }
}

function step(value: ScalarValue, by: 1 | -1): ScalarValue {
  if (typeof value === "bigint") return value + BigInt(by);
  if (typeof value === "number") return value + by;
  throw new TypeError(`Cannot step a value of type ${typeof value}`);
}

function isInRange(value: ScalarValue, type: Type): boolean {
  if (typeof value === "number") return value >= -(2 ** 31) && value < 2 ** 31;
  if (type.kind === "decimal" || typeof value !== "bigint") return true;
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}

function projectTruncate(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
  width: number,
): BoundExpression | null {
  switch (predicate.ref.type.kind) {
    case "int":
    case "long":
      return projectTruncatedInteger(predicate, projection);
    case "decimal":
      return projectOrdered(predicate, projection);
    case "string":
    case "binary":
      return predicate.op === "starts_with" || predicate.op === "not_starts_with"
        ? projectPrefix(predicate, projection, width)
        : projectTruncatedText(predicate, projection);
    default:
      return null;
  }
}

/**
 * Truncating the lowest integers passes the type's range, and Java wraps the result around to the
 * top: one partition out of order, which bounds have to let in, or leave out, by name.
 */
function projectTruncatedInteger(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const projected = projectOrdered(predicate, projection);
  const lowest = predicate.ref.type.kind === "int" ? -(2 ** 31) : -(2n ** 63n);
  const wrapped = transformed(predicate, lowest, projection);
  const boundary = projected?.kind === "predicate" ? projected.values[0] : undefined;
  if (projected?.kind !== "predicate" || boundary === undefined || wrapped === lowest) {
    return projected;
  }
  const { target, mode } = projection;
  const strict = mode === "strict";
  switch (projected.op) {
    case "lt_eq":
      return boundOr([projected, boundPredicate("eq", target, [wrapped])]);
    case "gt":
      return boundAnd([projected, boundPredicate("not_eq", target, [wrapped])]);
    case "lt":
    case "gt_eq":
      // A boundary that wrapped itself orders nothing.
      return boundary === wrapped ? (strict ? alwaysFalse : alwaysTrue) : projected;
    default:
      return projected;
  }
}

/** Strings and bytes have no "value before", so that inclusive bounds keep the literal's own. */
function projectTruncatedText(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const { op, values: [value] } = predicate;
  const { mode, target } = projection;
  if (value === undefined) return null;
  const strict = mode === "strict";
  switch (op) {
    case "eq":
    case "in":
      return strict ? null : projectSet(predicate, projection);
    case "not_eq":
    case "not_in":
      return strict ? projectSet(predicate, projection) : null;
    case "lt":
    case "lt_eq":
      return boundPredicate(
        strict ? "lt" : "lt_eq",
        target,
        [transformed(predicate, value, projection)],
      );
    case "gt":
    case "gt_eq":
      return boundPredicate(
        strict ? "gt" : "gt_eq",
        target,
        [transformed(predicate, value, projection)],
      );
    default:
      return null;
  }
}

/** Prefixes up to the width survive truncation exactly; longer ones lose their tail. */
function projectPrefix(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
  width: number,
): BoundExpression | null {
  const { op, values: [prefix] } = predicate;
  const { mode, target } = projection;
  if (typeof prefix !== "string") return null;
  // The transform counts code points, not UTF-16 units.
  const length = [...prefix].length;
  const starts = op === "starts_with";
  if (length < width) return boundPredicate(op, target, [prefix]);
  if (length === width) return boundPredicate(starts ? "eq" : "not_eq", target, [prefix]);
  const cut = transformed(predicate, prefix, projection);
  if (starts) return mode === "inclusive" ? boundPredicate("eq", target, [cut]) : null;
  return mode === "strict" ? boundPredicate("not_eq", target, [cut]) : null;
}

function projectTime(
  predicate: BoundPredicate,
  projection: ProjectionTarget,
): BoundExpression | null {
  const projected = projectOrdered(predicate, projection);
  const { transform, mode } = projection;
  if (projected?.kind !== "predicate") return projected;
  // The day of a date is the date itself: nothing to round, so nothing was rounded wrongly.
  if (transform.kind === "day" && predicate.ref.type.kind === "date") return projected;
  return admitRoundedUp(projected, mode);
}

/**
 * Iceberg before 0.11 rounded times before 1970 towards zero, one too high, and tables hold such
 * partition values for ever. Java widens its projections for them; so do we.
 */
function admitRoundedUp(projected: BoundPredicate, mode: ProjectionMode): BoundExpression {
  const { op, ref, values: [value] } = projected;
  switch (op) {
    case "lt_eq":
      if (typeof value !== "number" || value >= 0 || mode === "strict") return projected;
      return boundPredicate(op, ref, [value + 1]);
    case "gt":
      if (typeof value !== "number" || value > 0 || mode === "inclusive") return projected;
      return boundPredicate(op, ref, [value + 1]);
    case "eq":
    case "in":
      return boundSet("in", ref, withRoundedUp(projected.values));
    case "not_eq":
    case "not_in":
      return boundSet("not_in", ref, withRoundedUp(projected.values));
    default:
      return projected;
  }
}

function withRoundedUp(values: readonly ScalarValue[]): ScalarValue[] {
  return values.flatMap((value) =>
    typeof value === "number" && value < 0 ? [value, value + 1] : [value]
  );
}

function transformed(
  predicate: BoundPredicate,
  value: ScalarValue,
  projection: ProjectionTarget,
): ScalarValue {
  const result = applyTransform(projection.transform, predicate.ref.type, value);
  if (result === null || Array.isArray(result)) {
    throw new TypeError(`Cannot project through ${projection.transform.kind}: it gave no value`);
  }
  return result as ScalarValue;
}
