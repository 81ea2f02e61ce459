/**
 * Which rows of a data file are live: not deleted by position, not deleted by equality, and of those
 * asked for. Made once per file, asked once per batch.
 */
import type { Data } from "apache-arrow";
import type { BoundExpression } from "../../../iceberg/expression/bound.ts";
import { rowMatcher } from "../../../iceberg/expression/match_row.ts";
import { getBit } from "../../arrow/bitmap.ts";
import { type ValueReader, valueReader } from "../../arrow/value_reader.ts";
import type { NeededColumn } from "../needed_column.ts";
import type { DeletedPositions, PositionRange } from "./deleted_positions.ts";
import { hashKeys, type KeySet } from "./key_set.ts";
import { equalityKeys } from "./load_equality_keys.ts";

/** Equality deletes that compare the same columns. */
export interface EqualityDeletes {
  readonly columns: readonly NeededColumn[];
  readonly sets: readonly KeySet[];
}

/** What a file's rows are tested with. */
export interface RowFilterParts {
  readonly positions: readonly DeletedPositions[];
  readonly equality: readonly EqualityDeletes[];
  /** What rows must match; `constant` true for all. */
  readonly residual: BoundExpression;
}

/** The rows of one batch. */
export interface FilteredRows extends PositionRange {
  /** Columns that filters need, by field id. */
  readonly columns: ReadonlyMap<number, Data>;
}

/** Whether a filter keeps every row, so that batches need not be tested. */
export function keepsAll({ positions, equality, residual }: RowFilterParts): boolean {
  return positions.length === 0 && equality.length === 0 && residual.kind === "constant" &&
    residual.value;
}

/** Clears the bits in `keep` of rows that are not live; bit 0 stands for the batch's first row. */
export function clearDeadRows(
  keep: Uint8Array,
  rows: FilteredRows,
  filter: FilterAtWork,
): void {
  for (const positions of filter.parts.positions) positions.clearIn(keep, rows);
  for (const deletes of filter.parts.equality) clearEqual(keep, rows, deletes);
  const { residual } = filter.parts;
  if (residual.kind === "constant" && residual.value) return;
  const readers = new Map<number, ValueReader>();
  for (const column of filter.residualColumns) {
    readers.set(column.id, valueReader(column.leafOf(columnOf(rows, column)), column.type));
  }
  const matches = rowMatcher<number>(
    residual,
    (row, { fieldId }) => readers.get(fieldId)?.(row) ?? null,
  );
  for (let row = 0; row < rows.length; row++) {
    if (getBit(keep, row) && !matches(row)) clearBit(keep, row);
  }
}

/** A filter with the columns that it reads. */
export interface FilterAtWork {
  readonly parts: RowFilterParts;
  /** Columns of the residual. */
  readonly residualColumns: readonly NeededColumn[];
}

function clearEqual(
  keep: Uint8Array,
  rows: FilteredRows,
  { columns, sets }: EqualityDeletes,
): void {
  const fields = columns.map((column) => columnOf(rows, column));
  const keys = equalityKeys(fields, columns, { numRows: rows.length });
  const hashes = hashKeys(keys);
  for (let row = 0; row < rows.length; row++) {
    if (!getBit(keep, row)) continue;
    const hash = hashes[row]!;
    if (sets.some((set) => set.has(keys, row, hash))) clearBit(keep, row);
  }
}

function columnOf({ columns }: FilteredRows, { id, name }: NeededColumn): Data {
  const column = columns.get(id);
  if (column === undefined) throw new TypeError(`Cannot find column "${name}" among those read`);
  return column;
}

function clearBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3]! &= ~(1 << (at & 7));
}
