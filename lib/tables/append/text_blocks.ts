/**
 * Cuts text into blocks of whole rows, so that rows can be read in several isolates at once. Only
 * ends of rows are looked for: a newline, and in CSV one that no quotes hold.
 */
import { AppError } from "../../errors.ts";
import { releaseBytes } from "../../release_bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Longest line of JSON or record of CSV, in bytes. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Options of {@linkcode textBlocks}. */
export interface TextBlockOptions {
  readonly format: "ndjson" | "csv";
  /** Bytes of a block; a longer row has one by itself. */
  readonly blockBytes: number;
}

/** Blocks in order, each with its bytes for itself; only the last may lack the end of its last row. */
export async function* textBlocks(
  input: ReadableStream<Uint8Array>,
  { format, blockBytes }: TextBlockOptions,
): AsyncGenerator<Bytes> {
  const rows = new RowEnds(format);
  let block: Bytes = new Uint8Array(0);
  let length = 0;
  /** End of the last whole row in the block. */
  let end = 0;
  let isFirst = true;
  for await (const chunk of input) {
    const found = rows.lastEnd(chunk);
    if (found > 0) end = length + found;
    block = withRoom(block, length, chunk.length);
    block.set(chunk, length);
    length += chunk.length;
    if (length - end > MAX_ROW_BYTES) throw rowTooLong();
    if (length < blockBytes || end === 0) continue;
    // Chunks are small against blocks: what is left of one begins the next.
    const next = new Uint8Array(Math.max(blockBytes, length - end) + chunk.length);
    next.set(block.subarray(end, length));
    yield withoutMark(shortened(block, end), isFirst);
    block = next;
    length -= end;
    end = 0;
    isFirst = false;
  }
  if (length > 0) yield withoutMark(shortened(block, length), isFirst);
}

/** Kind `too_large`, code `row_too_large`. */
export function rowTooLong(): AppError {
  const message =
    `Cannot append: a row takes more than ${MAX_ROW_BYTES} bytes. Nothing was appended`;
  return new AppError("too_large", "row_too_large", message);
}

/** Where rows end, in chunk after chunk. */
class RowEnds {
  readonly #isCsv: boolean;
  #isQuoted = false;

  constructor(format: TextBlockOptions["format"]) {
    this.#isCsv = format === "csv";
  }

  /** Behind the last newline that ends a row; 0 where none does. */
  lastEnd(chunk: Uint8Array): number {
    if (!this.#isCsv) return chunk.lastIndexOf(NEWLINE) + 1;
    let last = 0;
    let isQuoted = this.#isQuoted;
    for (let from = 0;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const until = quote === -1 ? chunk.length : quote;
      if (!isQuoted) {
        const newline = chunk.subarray(from, until).lastIndexOf(NEWLINE);
        if (newline !== -1) last = from + newline + 1;
      }
      if (quote === -1) break;
      // Two quotes in a quoted field end it and begin it again: the same as going on.
      isQuoted = !isQuoted;
      from = quote + 1;
    }
    this.#isQuoted = isQuoted;
    return last;
  }
}

function withoutMark(bytes: Bytes, isFirst: boolean): Bytes {
  const has = isFirst && BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte);
  return has ? bytes.slice(BYTE_ORDER_MARK.length) : bytes;
}

/** The block, or a larger one with its first `length` bytes: rows may be longer than blocks. */
function withRoom(block: Bytes, length: number, more: number): Bytes {
  if (length + more <= block.length) return block;
  const larger = new Uint8Array(Math.max(length + more, 2 * block.length));
  larger.set(block.subarray(0, length));
  releaseBytes(block);
  return larger;
}

/** Its first bytes, with their memory for themselves, so that they can be sent away with it. */
function shortened(block: Bytes, length: number): Bytes {
  return new Uint8Array(block.buffer.transfer(length));
}
