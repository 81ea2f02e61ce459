/** The kernel behind `concat` and `filter` by ranges: columns end to end, copied whole. */
import { type Data, type DataType, type FixedSizeList, Type } from "apache-arrow";
import { copyBits, fillBits, newBitmap, type Span } from "./bitmap.ts";
import {
  checkOffset,
  layoutOf,
  makeColumn,
  newOffsets,
  newValues,
  nullsOf,
  offsetsOf,
  storedOffsets,
  strideOf,
  validityOf,
  type ValueArray,
} from "./layout.ts";

/** The values of all chunks, which have one type, as one column. */
export function concatColumns(chunks: readonly [Data, ...Data[]]): Data {
  const { type } = chunks[0];
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  switch (layoutOf(type)) {
    case "null":
      return makeColumn(type, { length });
    case "bits":
      return makeColumn(type, { length, ...concatValidity(chunks, length), values: bits(chunks) });
    case "fixed":
      return makeColumn(type, { length, ...concatValidity(chunks, length), values: fixed(chunks) });
    case "bytes":
      return makeColumn(type, { length, ...concatValidity(chunks, length), ...bytes(chunks) });
    case "list":
      return makeColumn(type, { length, ...concatValidity(chunks, length), ...lists(chunks) });
    case "fixed_list": {
      const size = (type as FixedSizeList).listSize;
      const children = chunks.map((chunk) => childOf(chunk, 0).slice(0, chunk.length * size));
      return makeColumn(type, {
        length,
        ...concatValidity(chunks, length),
        children: [concatColumns(nonEmpty(children))],
      });
    }
    case "struct":
      return makeColumn(type, {
        length,
        ...concatValidity(chunks, length),
        children: chunks[0].children.map((_, at) =>
          concatColumns(nonEmpty(chunks.map((chunk) => childOf(chunk, at))))
        ),
      });
    case "dictionary":
    case "views":
      throw new TypeError(`Cannot concatenate columns of ${type}: write them out first`);
  }
}

/** Part of a column, without a copy. */
export function sliceColumn(column: Data, { at, length }: Span): Data {
  // apache-arrow loses count of a slice of nulls.
  if (column.typeId === Type.Null) return makeColumn(column.type, { length });
  return column.slice(at, length);
}

function concatValidity(
  chunks: readonly Data[],
  length: number,
): { validity: Uint8Array | null; nullCount: number } {
  const nullCount = chunks.reduce((sum, chunk) => sum + nullsOf(chunk), 0);
  if (nullCount === 0) return { validity: null, nullCount };
  const validity = newBitmap(length);
  let at = 0;
  for (const chunk of chunks) {
    const bitmap = validityOf(chunk);
    if (bitmap === null) fillBits(validity, { at, length: chunk.length });
    else copyBits(bitmap, validity, { from: chunk.offset, to: at, length: chunk.length });
    at += chunk.length;
  }
  return { validity, nullCount };
}

function bits(chunks: readonly Data[]): Uint8Array {
  const values = newBitmap(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let to = 0;
  for (const chunk of chunks) {
    copyBits(chunk.values, values, { from: chunk.offset, to, length: chunk.length });
    to += chunk.length;
  }
  return values;
}

function fixed(chunks: readonly [Data, ...Data[]]): ValueArray {
  const { type } = chunks[0];
  const stride = strideOf(type);
  const values = newValues(type, chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let to = 0;
  for (const chunk of chunks) {
    const elements = stride * chunk.length;
    values.set(chunk.values.subarray(0, elements), to);
    to += elements;
  }
  return values;
}

function bytes(chunks: readonly [Data, ...Data[]]) {
  const { spans, offsets } = concatOffsets(chunks[0].type, chunks);
  const values = new Uint8Array(offsets.at(-1) ?? 0);
  let to = 0;
  for (const { chunk, start, end } of spans) {
    values.set(chunk.values.subarray(start, end), to);
    to += end - start;
  }
  return { values, offsets: storedOffsets(offsets) };
}

function lists(chunks: readonly [Data, ...Data[]]) {
  const { spans, offsets } = concatOffsets(chunks[0].type, chunks);
  const children = spans.map(({ chunk, start, end }) =>
    sliceColumn(childOf(chunk, 0), { at: start, length: end - start })
  );
  return { children: [concatColumns(nonEmpty(children))], offsets: storedOffsets(offsets) };
}

interface ReachedItems {
  readonly chunk: Data;
  /** First and last item of the chunk that its offsets reach. */
  readonly start: number;
  readonly end: number;
}

function concatOffsets(type: DataType, chunks: readonly Data[]) {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const offsets = newOffsets(type, length);
  const spans: ReachedItems[] = [];
  let to = 0;
  let base = 0;
  for (const chunk of chunks) {
    const own = offsetsOf(chunk);
    const start = own[0] ?? 0;
    const end = own[chunk.length] ?? start;
    spans.push({ chunk, start, end });
    checkOffset(type, base + end - start);
    for (let row = 0; row < chunk.length; row++) offsets[++to] = base + own[row + 1]! - start;
    base += end - start;
  }
  return { spans, offsets };
}

function childOf(chunk: Data, at: number): Data {
  const child = chunk.children[at];
  if (child === undefined) throw new TypeError(`Cannot find child ${at} of ${chunk.type}`);
  return child;
}

function nonEmpty(chunks: readonly Data[]): [Data, ...Data[]] {
  const [first, ...rest] = chunks;
  if (first === undefined) throw new TypeError("Cannot concatenate no columns");
  return [first, ...rest];
}
