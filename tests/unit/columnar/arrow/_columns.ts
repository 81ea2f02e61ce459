/** Random types, values and columns of them, sliced and offset as real batches are. */
import { type Data, type RecordBatch } from "apache-arrow";
import fc from "fast-check";
import { makeBatch, sliceBatch } from "../../../../lib/columnar/arrow/batch.ts";
import { columnBuilder } from "../../../../lib/columnar/arrow/column_builder.ts";
import { arrowSchema } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { sliceColumn } from "../../../../lib/columnar/arrow/concat_columns.ts";
import { valueReader } from "../../../../lib/columnar/arrow/value_reader.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { valuesOf } from "../../iceberg/spec/_arbitraries.ts";

/** A type with values of it, nulls among them. */
export interface TypedValues {
  readonly type: Type;
  readonly values: readonly IcebergValue[];
}

/** A column of a table, every id its own. */
export function field(id: number, name: string, type: Type, required = false): NestedField {
  return {
    id,
    name,
    type,
    required,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

interface TypedArbitrary {
  readonly type: Type;
  readonly value: fc.Arbitrary<IcebergValue>;
}

const LEAVES: readonly TypedArbitrary[] = [
  ...Object.entries(valuesOf).map(([kind, value]) => ({ type: { kind } as Type, value })),
  { type: { kind: "float" }, value: fc.constantFrom(NaN, -0, Infinity, Math.fround(0.1)) },
  { type: { kind: "double" }, value: fc.constantFrom(NaN, -0, -Infinity, 5e-324) },
  ...[[1, 0], [9, 2], [18, 18], [19, 0], [38, 10]].map(([precision = 1, scale = 0]) => ({
    type: { kind: "decimal" as const, precision, scale },
    value: fc.bigInt({ min: 1n - 10n ** BigInt(precision), max: 10n ** BigInt(precision) - 1n }),
  })),
  ...[1, 3, 4, 8, 16].map((length) => ({
    type: { kind: "fixed" as const, length },
    value: fc.uint8Array({ minLength: length, maxLength: length }),
  })),
  {
    type: { kind: "string" },
    value: fc.string({ unit: "grapheme", minLength: 20, maxLength: 60 }),
  },
  { type: { kind: "unknown" }, value: fc.constant(null) },
];

/** Every leaf type with its values. */
export const LEAF_TYPES: readonly TypedArbitrary[] = LEAVES;

function optional(value: fc.Arbitrary<IcebergValue>): fc.Arbitrary<IcebergValue> {
  return fc.option(value, { freq: 4 });
}

/** Any type, nested up to `depth` levels, with an arbitrary of its values. */
export function typed(depth: number): fc.Arbitrary<TypedArbitrary> {
  const leaf = fc.constantFrom(...LEAVES);
  if (depth === 0) return leaf;
  const inner = typed(depth - 1);
  const list = inner.map((element): TypedArbitrary => ({
    type: { kind: "list", elementId: 900 + depth, elementRequired: false, element: element.type },
    value: fc.array(optional(element.value), { maxLength: 4 }),
  }));
  const map = fc.tuple(leaf.filter(({ type }) => type.kind !== "unknown"), inner).map(
    ([key, value]): TypedArbitrary => ({
      type: {
        kind: "map",
        keyId: 910 + depth,
        key: key.type,
        valueId: 920 + depth,
        valueRequired: false,
        value: value.type,
      },
      value: fc.array(fc.tuple(key.value, optional(value.value)), { maxLength: 3 }),
    }),
  );
  const struct = fc.array(inner, { minLength: 1, maxLength: 3 }).map((fields): TypedArbitrary => ({
    type: {
      kind: "struct",
      fields: fields.map(({ type }, at) => field(930 + 10 * depth + at, `f${at}`, type)),
    },
    value: fc.tuple(...fields.map(({ value }) => optional(value))),
  }));
  return fc.oneof({ arbitrary: leaf, weight: 3 }, list, map, struct);
}

/** A type with up to `maxLength` values. */
export function typedValues(depth = 2, maxLength = 40): fc.Arbitrary<TypedValues> {
  return typed(depth).chain(({ type, value }) =>
    fc.array(optional(value), { maxLength }).map((values) => ({ type, values }))
  );
}

/** The column of `values`, built one by one. */
export function columnOf(type: Type, values: readonly IcebergValue[]): Data {
  const builder = columnBuilder(type, { column: "c" });
  for (const value of values) builder.append(value);
  return builder.finish();
}

/** The column of `values` as a slice of a longer one: its buffers start anywhere. */
export function slicedColumnOf(
  type: Type,
  values: readonly IcebergValue[],
  before: readonly IcebergValue[],
): Data {
  const all = columnOf(type, [...before, ...values, ...before]);
  return sliceColumn(all, { at: before.length, length: values.length });
}

/** A batch of one column `c`. */
export function batchOf(type: Type, column: Data): RecordBatch {
  const schema = arrowSchema({ fields: [field(1, "c", type)] });
  return makeBatch(schema, [column], { length: column.length });
}

/** A batch of one column, sliced out of a longer one. */
export function slicedBatchOf(
  type: Type,
  values: readonly IcebergValue[],
  before: readonly IcebergValue[],
): RecordBatch {
  const all = batchOf(type, columnOf(type, [...before, ...values, ...before]));
  return sliceBatch(all, { at: before.length, length: values.length });
}

/** The values of a column. */
export function valuesIn(column: Data, type: Type): IcebergValue[] {
  const read = valueReader(column, type);
  return Array.from({ length: column.length }, (_, row) => read(row));
}

/** The values of a batch's first column. */
export function valuesOfBatch(batch: RecordBatch, type: Type): IcebergValue[] {
  const [column] = batch.data.children;
  if (column === undefined) throw new TypeError("Cannot read a batch without columns");
  if (column.length !== batch.numRows) throw new TypeError("Column and batch differ in length");
  return valuesIn(column, type);
}
