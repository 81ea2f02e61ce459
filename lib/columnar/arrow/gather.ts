/**
 * The kernel behind `take`, sorting and merging: copies chosen values, from any number of chunks of
 * one type, into new columns. Loops run over typed arrays; no value becomes an object.
 */
import type { Data, DataType, FixedSizeList } from "apache-arrow";
import { getBit, newBitmap, setBit } from "./bitmap.ts";
import {
  checkOffset,
  layoutOf,
  makeColumn,
  newOffsets,
  newValues,
  offsetsOf,
  storedOffsets,
  validityOf,
  type ValueArray,
} from "./layout.ts";

/** Which values to copy: value `rows[i]` of chunk `chunkOf[i]`, or of the only chunk. */
export interface Picks {
  readonly rows: Int32Array;
  /** Null where there is one chunk. */
  readonly chunkOf: Int32Array | null;
}

/** Values shorter than this are copied byte by byte, which beats the call that copies memory. */
const SHORT_BYTES = 24;

/**
 * The picked values as one column. All chunks have the same type, without dictionaries and views
 * (see `plain.ts`); picks are within their chunks.
 */
export function gather(chunks: readonly [Data, ...Data[]], picks: Picks): Data {
  const { type } = chunks[0];
  const length = picks.rows.length;
  switch (layoutOf(type)) {
    case "null":
      return makeColumn(type, { length });
    case "bits": {
      const validity = gatherValidity(chunks, picks);
      return makeColumn(type, { length, ...validity, values: gatherBits(chunks, picks) });
    }
    case "fixed": {
      const validity = gatherValidity(chunks, picks);
      return makeColumn(type, { length, ...validity, values: gatherFixed(chunks, picks) });
    }
    case "bytes":
      return gatherBytes(chunks, picks);
    case "list":
      return gatherLists(chunks, picks);
    case "fixed_list":
      return gatherFixedLists(chunks, picks);
    case "struct":
      return makeColumn(type, {
        length,
        ...gatherValidity(chunks, picks),
        children: chunks[0].children.map((_, child) => gather(childrenAt(chunks, child), picks)),
      });
    case "dictionary":
    case "views":
      throw new TypeError(`Cannot gather values of ${type}: write them out first`);
  }
}

/** The validity bitmap of the picked values. */
function gatherValidity(
  chunks: readonly Data[],
  picks: Picks,
): { validity: Uint8Array | null; nullCount: number } {
  const bitmaps = chunks.map(validityOf);
  if (bitmaps.every((bitmap) => bitmap === null)) return { validity: null, nullCount: 0 };
  const { rows, chunkOf } = picks;
  const offsets = chunks.map((chunk) => chunk.offset);
  const validity = newBitmap(rows.length);
  let nullCount = 0;
  for (let at = 0; at < rows.length; at++) {
    const chunk = chunkOf === null ? 0 : chunkOf[at]!;
    const bitmap = bitmaps[chunk]!;
    if (bitmap === null || getBit(bitmap, offsets[chunk]! + rows[at]!)) setBit(validity, at);
    else nullCount++;
  }
  return { validity, nullCount };
}

function gatherBits(chunks: readonly Data[], { rows, chunkOf }: Picks): Uint8Array {
  const values = newBitmap(rows.length);
  const sources = chunks.map((chunk): Uint8Array => chunk.values);
  const offsets = chunks.map((chunk) => chunk.offset);
  for (let at = 0; at < rows.length; at++) {
    const chunk = chunkOf === null ? 0 : chunkOf[at]!;
    if (getBit(sources[chunk]!, offsets[chunk]! + rows[at]!)) setBit(values, at);
  }
  return values;
}

type Words = Uint8Array | Uint16Array | Int32Array;

/** Values of known width, copied as words of up to 32 bits: floats and bigints never materialise. */
function gatherFixed(chunks: readonly [Data, ...Data[]], picks: Picks): ValueArray {
  const { type } = chunks[0];
  const target = newValues(type, picks.rows.length);
  const valueBytes = target.byteLength / Math.max(1, picks.rows.length);
  const wordBytes = wordSize(valueBytes, chunks);
  const sources = chunks.map((chunk) => asWords(chunk.values, wordBytes));
  copyWords(sources, asWords(target, wordBytes), { ...picks, perValue: valueBytes / wordBytes });
  return target;
}

function copyWords(
  sources: readonly Words[],
  target: Words,
  { rows, chunkOf, perValue }: Picks & { readonly perValue: number },
): void {
  const [only] = sources;
  const { length } = rows;
  if (chunkOf === null && only !== undefined && perValue <= 2) {
    if (perValue === 1) { for (let at = 0; at < length; at++) target[at] = only[rows[at]!]!; }
    else {
      for (let at = 0; at < length; at++) {
        const from = 2 * rows[at]!;
        target[2 * at] = only[from]!;
        target[2 * at + 1] = only[from + 1]!;
      }
    }
    return;
  }
  for (let at = 0, to = 0; at < length; at++) {
    const source = sources[chunkOf === null ? 0 : chunkOf[at]!]!;
    const from = perValue * rows[at]!;
    for (let word = 0; word < perValue; word++) target[to++] = source[from + word]!;
  }
}

/** The widest word that divides the value and its place in memory. */
function wordSize(valueBytes: number, chunks: readonly Data[]): 1 | 2 | 4 {
  const fits = (bytes: number) =>
    valueBytes % bytes === 0 && chunks.every((chunk) => chunk.values.byteOffset % bytes === 0);
  return fits(4) ? 4 : fits(2) ? 2 : 1;
}

function asWords(values: ValueArray, wordBytes: 1 | 2 | 4): Words {
  const { buffer, byteOffset, byteLength } = values;
  switch (wordBytes) {
    case 1:
      return new Uint8Array(buffer, byteOffset, byteLength);
    case 2:
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 4:
      return new Int32Array(buffer, byteOffset, byteLength / 4);
  }
}

function gatherBytes(chunks: readonly [Data, ...Data[]], picks: Picks): Data {
  const { rows, chunkOf } = picks;
  const { type } = chunks[0];
  const starts = chunks.map(offsetsOf);
  const offsets = gatherOffsets(type, starts, picks);
  const sources = chunks.map((chunk): Uint8Array => chunk.values);
  const values = new Uint8Array(offsets[rows.length]!);
  for (let at = 0; at < rows.length; at++) {
    const chunk = chunkOf === null ? 0 : chunkOf[at]!;
    const source = sources[chunk]!;
    const row = rows[at]!;
    let from = starts[chunk]![row]!;
    const to = starts[chunk]![row + 1]!;
    let target = offsets[at]!;
    if (to - from < SHORT_BYTES) { while (from < to) values[target++] = source[from++]!; }
    else values.set(source.subarray(from, to), target);
  }
  return makeColumn(type, {
    length: rows.length,
    values,
    offsets: storedOffsets(offsets),
    ...gatherValidity(chunks, picks),
  });
}

function gatherLists(chunks: readonly [Data, ...Data[]], picks: Picks): Data {
  const { rows, chunkOf } = picks;
  const { type } = chunks[0];
  const starts = chunks.map(offsetsOf);
  const offsets = gatherOffsets(type, starts, picks);
  const total = offsets[rows.length]!;
  const childRows = new Int32Array(total);
  const childChunks = chunkOf === null ? null : new Int32Array(total);
  for (let at = 0; at < rows.length; at++) {
    const chunk = chunkOf === null ? 0 : chunkOf[at]!;
    const from = starts[chunk]![rows[at]!]!;
    const first = offsets[at]!;
    const last = offsets[at + 1]!;
    for (let to = first; to < last; to++) childRows[to] = from + to - first;
    childChunks?.fill(chunk, first, last);
  }
  const child = gather(childrenAt(chunks, 0), { rows: childRows, chunkOf: childChunks });
  return makeColumn(type, {
    length: rows.length,
    offsets: storedOffsets(offsets),
    ...gatherValidity(chunks, picks),
    children: [child],
  });
}

function gatherFixedLists(chunks: readonly [Data, ...Data[]], picks: Picks): Data {
  const { rows, chunkOf } = picks;
  const type = chunks[0].type as FixedSizeList;
  const size = type.listSize;
  const childRows = new Int32Array(rows.length * size);
  const childChunks = chunkOf === null ? null : new Int32Array(rows.length * size);
  for (let at = 0, to = 0; at < rows.length; at++) {
    childChunks?.fill(chunkOf?.[at] ?? 0, to, to + size);
    for (let item = 0; item < size; item++) childRows[to++] = rows[at]! * size + item;
  }
  return makeColumn(type, {
    length: rows.length,
    ...gatherValidity(chunks, picks),
    children: [gather(childrenAt(chunks, 0), { rows: childRows, chunkOf: childChunks })],
  });
}

/** Offsets of the picked values, from 0 on. */
function gatherOffsets(
  type: DataType,
  starts: readonly (Int32Array | Float64Array)[],
  { rows, chunkOf }: Picks,
): Int32Array | Float64Array {
  const offsets = newOffsets(type, rows.length);
  let end = 0;
  for (let at = 0; at < rows.length; at++) {
    const source = starts[chunkOf === null ? 0 : chunkOf[at]!]!;
    const row = rows[at]!;
    end += source[row + 1]! - source[row]!;
    offsets[at + 1] = end;
  }
  checkOffset(type, end);
  return offsets;
}

function childrenAt(chunks: readonly [Data, ...Data[]], child: number): [Data, ...Data[]] {
  const [first, ...rest] = chunks.map((chunk) => chunk.children[child]);
  const others = rest.filter((data) => data !== undefined);
  if (first === undefined || others.length !== rest.length) {
    throw new TypeError(`Cannot gather from chunks of different types: child ${child} is missing`);
  }
  return [first, ...others];
}
