/**
 * Projection of row predicates onto partitions (spec: "Scan Planning"). Inclusive: if a row
 * matches, its partition matches. Strict: if a partition matches, all its rows match.
 */
import type { PartitionField, PartitionSpec } from "../spec/partition_spec.ts";
import { canTransform, transformResultType } from "../spec/transform.ts";
import { alwaysFalse, alwaysTrue } from "./_tree.ts";
import { type ProjectionMode, projectThrough } from "./_project_transform.ts";
import {
  boundAnd,
  type BoundExpression,
  boundOr,
  type BoundPredicate,
  type BoundReference,
  mapPredicates,
} from "./bound.ts";

/** A partition predicate that matches the partition of every row that `filter` matches. */
export function projectInclusive(filter: BoundExpression, spec: PartitionSpec): BoundExpression {
  return mapPredicates(filter, (predicate) => {
    // Every projection must hold, so several fields over one column narrow together.
    const projected = projections(predicate, spec, "inclusive");
    return projected.length === 0 ? alwaysTrue : boundAnd(projected);
  });
}

/** A partition predicate that matches only partitions all of whose rows `filter` matches. */
export function projectStrict(filter: BoundExpression, spec: PartitionSpec): BoundExpression {
  return mapPredicates(filter, (predicate) => {
    const projected = projections(predicate, spec, "strict");
    return projected.length === 0 ? alwaysFalse : boundOr(projected);
  });
}

function projections(
  predicate: BoundPredicate,
  spec: PartitionSpec,
  mode: ProjectionMode,
): BoundExpression[] {
  const found: BoundExpression[] = [];
  for (const field of spec.fields) {
    // v3 multi-argument transforms say nothing about one column alone.
    if (field.sourceIds.length !== 1 || field.sourceIds[0] !== predicate.ref.fieldId) continue;
    // Void is always null, whatever its source; an unknown transform is never pruned on.
    if (field.transform.kind === "void") continue;
    if (!canTransform(field.transform, predicate.ref.type)) continue;
    const projected = projectThrough(predicate, {
      transform: field.transform,
      target: partitionReference(field, predicate),
      mode,
    });
    if (projected !== null) found.push(projected);
  }
  return found;
}

function partitionReference(field: PartitionField, predicate: BoundPredicate): BoundReference {
  return {
    fieldId: field.fieldId,
    name: field.name,
    type: transformResultType(field.transform, predicate.ref.type),
    nullable: true,
    underOptional: false,
  };
}
