/** What Parquet's statistics do not tell of values, counted from the Arrow data itself. */
import { type Data, Type as ArrowTypeId } from "apache-arrow";
import type { NestedField } from "../../../iceberg/spec/types.ts";
import { compareBytes } from "../../../iceberg/spec/compare_values.ts";
import { getBit } from "../../arrow/bitmap.ts";
import { validityOf } from "../../arrow/layout.ts";
import { bytesReader } from "../../arrow/value_reader.ts";

/** A leaf's data in one batch, with what its parents say of which values are there. */
export interface LeafData {
  readonly leaf: number;
  readonly data: Data;
  /** Whether the structs around a value are there; null where all are. */
  readonly isPresent: ((row: number) => boolean) | null;
}

/** The leaves of a batch's columns that no list or map is above, by place among all leaves. */
export function* unrepeatedLeaves(
  columns: readonly Data[],
  fields: readonly NestedField[],
): Generator<LeafData> {
  const counter = { next: 0 };
  for (const [at, field] of fields.entries()) {
    yield* leavesOf(columns[at]!, field, { counter, isPresent: null });
  }
}

interface Walk {
  readonly counter: { next: number };
  readonly isPresent: ((row: number) => boolean) | null;
}

function* leavesOf(data: Data, { type }: NestedField, walk: Walk): Generator<LeafData> {
  const { counter } = walk;
  switch (type.kind) {
    case "struct": {
      const isPresent = bothPresent(walk.isPresent, presence(data));
      for (const [at, field] of type.fields.entries()) {
        yield* leavesOf(data.children[at]!, field, { counter, isPresent });
      }
      return;
    }
    case "list":
    case "map":
      counter.next += countLeaves(type);
      return;
    default:
      yield { leaf: counter.next++, data, isPresent: walk.isPresent };
  }
}

/** How many leaves a type has. */
export function countLeaves(type: NestedField["type"]): number {
  switch (type.kind) {
    case "struct":
      return type.fields.reduce((sum, field) => sum + countLeaves(field.type), 0);
    case "list":
      return countLeaves(type.element);
    case "map":
      return countLeaves(type.key) + countLeaves(type.value);
    default:
      return 1;
  }
}

type Presence = ((row: number) => boolean) | null;

function presence(data: Data): Presence {
  const validity = validityOf(data);
  if (validity === null) return null;
  const { offset } = data;
  return (row) => getBit(validity, offset + row);
}

function bothPresent(a: Presence, b: Presence): Presence {
  if (a === null || b === null) return a ?? b;
  return (row) => a(row) && b(row);
}

/** How many values are NaN; null where the type has none. */
export function countNans({ data, isPresent }: LeafData): number | null {
  if (data.typeId !== ArrowTypeId.Float) return null;
  const values: Float32Array | Float64Array | Uint16Array = data.values;
  if (values instanceof Uint16Array) return null;
  const there = bothPresent(isPresent, presence(data));
  let count = 0;
  for (let row = 0; row < data.length; row++) {
    const value = values[row]!;
    // Only NaN differs from itself; what lies under a null is of no account.
    if (value !== value && (there === null || there(row))) count++;
  }
  return count;
}

/** The smallest and the largest value seen so far. */
export interface ByteExtremes {
  min: Uint8Array | null;
  max: Uint8Array | null;
}

/** Folds a leaf's texts or binary values into the extremes so far, by unsigned bytes. */
export function foldExtremes({ data, isPresent }: LeafData, extremes: ByteExtremes): void {
  const there = bothPresent(isPresent, presence(data));
  const read = data.typeId === ArrowTypeId.FixedSizeBinary ? fixedReader(data) : bytesReader(data);
  for (let row = 0; row < data.length; row++) {
    if (there !== null && !there(row)) continue;
    const value = read(row);
    if (extremes.min === null || compareBytes(value, extremes.min) < 0) extremes.min = value;
    if (extremes.max === null || compareBytes(value, extremes.max) > 0) extremes.max = value;
  }
}

function fixedReader(data: Data): (row: number) => Uint8Array {
  const { stride } = data;
  const values: Uint8Array = data.values;
  return (row) => values.subarray(stride * row, stride * (row + 1));
}
