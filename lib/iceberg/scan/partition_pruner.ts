/** Which manifests may hold files of given partitions, by their summaries alone. */
import {
  boundAnd,
  type BoundExpression,
  boundOr,
  boundPredicate,
  type BoundReference,
  boundSet,
  type ScalarValue,
} from "../expression/bound.ts";
import { isComparable } from "../expression/compare.ts";
import { alwaysTrue } from "../expression/expression.ts";
import { manifestMatcher } from "../expression/match_manifest.ts";
import type { DataFile } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";
import { partitionType } from "../spec/partition_type.ts";
import { schemaOfSpec, type TableMetadata } from "../spec/table_metadata.ts";
import type { IcebergValue, Type } from "../spec/types.ts";

/** A file as far as its partition goes. */
export type Partitioned = Pick<DataFile, "specId" | "partition">;

/**
 * Compiles a test of manifests. Fields are looked at one by one, each against all values that it has
 * among the files: a few manifests too many are read, but a test takes the same time for one
 * partition as for ten thousand.
 */
export function partitionPruner(
  metadata: TableMetadata,
  files: Iterable<Partitioned>,
): (manifest: ManifestFile) => boolean {
  const bySpec = new Map<number, Set<Partitioned["partition"]>>();
  for (const { specId, partition } of files) {
    let tuples = bySpec.get(specId);
    if (tuples === undefined) bySpec.set(specId, tuples = new Set());
    tuples.add(partition);
  }
  const tests = new Map(
    [...bySpec].map(([specId, tuples]) => [specId, specTest(metadata, specId, tuples)]),
  );
  return (manifest) => tests.get(manifest.partitionSpecId)?.(manifest) ?? false;
}

function specTest(
  metadata: TableMetadata,
  specId: number,
  tuples: ReadonlySet<Partitioned["partition"]>,
): (manifest: ManifestFile) => boolean {
  const spec = metadata.partitionSpecs.find((one) => one.specId === specId);
  // Files of a spec that the table no longer has are in none of its manifests.
  if (spec === undefined) return () => false;
  return manifestMatcher(tupleFilter(metadata, spec, tuples), spec);
}

function tupleFilter(
  metadata: TableMetadata,
  spec: PartitionSpec,
  tuples: ReadonlySet<Partitioned["partition"]>,
): BoundExpression {
  const { fields } = partitionType(spec, schemaOfSpec(metadata, spec));
  return boundAnd(fields.map(({ id, name, type }, place) => {
    if (!isComparable(type)) return alwaysTrue;
    const ref = { fieldId: id, name, type, nullable: true, underOptional: false };
    return fieldFilter(ref, [...tuples].map((tuple) => inForm(type, tuple[place] ?? null)));
  }));
}

function fieldFilter(ref: BoundReference, values: readonly IcebergValue[]): BoundExpression {
  const scalars: ScalarValue[] = [];
  let hasNull = false;
  let hasNan = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else if (Number.isNaN(value)) hasNan = true;
    else if (!isNested(value)) scalars.push(value);
  }
  return boundOr([
    boundSet("in", ref, scalars),
    ...hasNull ? [boundPredicate("is_null", ref)] : [],
    ...hasNan ? [boundPredicate("is_nan", ref)] : [],
  ]);
}

/** Readers give values in the width that the column had then; integers of either width are equal. */
function inForm(type: Type, value: IcebergValue): IcebergValue {
  if (type.kind === "long" && typeof value === "number") return BigInt(value);
  if (type.kind === "int" && typeof value === "bigint") return Number(value);
  return value;
}

function isNested(value: Exclude<IcebergValue, null>): value is readonly IcebergValue[] {
  return Array.isArray(value);
}
