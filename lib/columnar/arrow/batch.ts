/** Kernels on whole batches. Dictionaries and views in what they take are written out first. */
import { type Data, RecordBatch, type Schema, Struct } from "apache-arrow";
import {
  copyBits,
  countBits,
  countRuns,
  newBitmap,
  setPositions,
  setRanges,
  type Span,
} from "./bitmap.ts";
import { concatColumns, sliceColumn } from "./concat_columns.ts";
import { gather, type Picks } from "./gather.ts";
import { makeColumn } from "./layout.ts";
import { plainBatch } from "./plain.ts";

/** Rows to keep: a bitmap with a set bit for each, read from bit `offset` on. */
export interface RowMask {
  readonly bits: Uint8Array;
  /** 0 by default. */
  readonly offset?: number;
}

/** A batch from its columns, which have the schema's types and `length` values each. */
export function makeBatch(schema: Schema, columns: readonly Data[], { length }: BatchSize) {
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeColumn(type, { length, children: columns }));
}

/** Options of {@linkcode makeBatch}. */
export interface BatchSize {
  /** Rows; a batch without columns has them too. */
  readonly length: number;
}

/** Rows `offset` to `offset + length`, without a copy; parts outside of the batch are left out. */
export function sliceBatch(batch: RecordBatch, { at, length }: Span): RecordBatch {
  const start = Math.min(Math.max(at, 0), batch.numRows);
  const rows = Math.min(Math.max(length, 0), batch.numRows - start);
  if (rows === batch.numRows) return batch;
  const columns = batch.data.children.map((column) =>
    sliceColumn(column, { at: start, length: rows })
  );
  return makeBatch(batch.schema, columns, { length: rows });
}

/** All rows of all batches, which have one schema; the first of them where it is the only one. */
export function concatBatches(batches: readonly [RecordBatch, ...RecordBatch[]]): RecordBatch {
  const [first, ...rest] = nonEmpty(batches.map(plainBatch));
  if (rest.length === 0) return first;
  const length = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  const columns = first.schema.fields.map((_, at) =>
    concatColumns(columnsAt([first, ...rest], at))
  );
  return makeBatch(first.schema, columns, { length });
}

/** The rows at `rows`, in that order; a row outside of the batch is a `RangeError`. */
export function takeRows(batch: RecordBatch, rows: Int32Array): RecordBatch {
  checkRows(rows, batch.numRows);
  return gatherRows([batch], { rows, chunkOf: null });
}

/**
 * Rows picked from several batches of one schema, in the order of the picks, which are not checked:
 * sorts and merges make them by the million.
 */
export function gatherRows(
  batches: readonly [RecordBatch, ...RecordBatch[]],
  picks: Picks,
): RecordBatch {
  const [first, ...rest] = nonEmpty(batches.map(plainBatch));
  const columns = first.schema.fields.map((_, at) =>
    gather(columnsAt([first, ...rest], at), picks)
  );
  return makeBatch(first.schema, columns, { length: picks.rows.length });
}

/** The rows that the mask keeps, in their order; the batch itself where it keeps all. */
export function filterRows(batch: RecordBatch, mask: RowMask): RecordBatch {
  const bits = alignedBits(mask, batch.numRows);
  const kept = countBits(bits, { at: 0, length: batch.numRows });
  if (kept === batch.numRows) return batch;
  // Long runs are copied whole, short ones row by row.
  if (kept >= MIN_RUN * countRuns(bits, batch.numRows)) {
    return filterRanges(batch, setRanges(bits, batch.numRows));
  }
  return gatherRows([batch], { rows: setPositions(bits, kept), chunkOf: null });
}

/** The rows of all ranges, in the order of the ranges; parts outside of the batch are left out. */
export function filterRanges(batch: RecordBatch, ranges: readonly Span[]): RecordBatch {
  const slices = ranges.map((range) => sliceBatch(plainBatch(batch), range));
  const [first, ...rest] = slices;
  return first === undefined
    ? sliceBatch(batch, { at: 0, length: 0 })
    : concatBatches([first, ...rest]);
}

/** Average rows of a run from which on runs are copied as slices. */
const MIN_RUN = 64;

/** The mask's bits from bit 0 on, with zeros after the last row. */
function alignedBits({ bits, offset = 0 }: RowMask, rows: number): Uint8Array {
  const aligned = newBitmap(rows);
  copyBits(bits, aligned, { from: offset, to: 0, length: rows });
  return aligned;
}

function checkRows(rows: Int32Array, length: number): void {
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!;
    if (row < 0 || row >= length) {
      throw new RangeError(`Cannot take row ${row} of a batch of ${length} rows`);
    }
  }
}

function columnsAt(batches: readonly RecordBatch[], at: number): [Data, ...Data[]] {
  return nonEmpty(batches.map((batch) => {
    const column = batch.data.children[at];
    if (column === undefined) throw new TypeError(`Cannot find column ${at} in a batch`);
    return column;
  }));
}

function nonEmpty<T>(items: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = items;
  if (first === undefined) throw new TypeError("Cannot work on no batches");
  return [first, ...rest];
}
