/**
 * Cuts text into blocks of whole rows, so that rows can be read in several isolates at once. Only
 * ends of rows are looked for: a newline, and in CSV one that no quotes hold.
 */
import { AppError } from "../../errors.ts";

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
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const rows = new RowEnds(format);
  let parts: Uint8Array[] = [];
  let length = 0;
  /** End of the last whole row among them. */
  let end = 0;
  let isFirst = true;
  for await (const chunk of input) {
    const found = rows.lastEnd(chunk);
    if (found > 0) end = length + found;
    parts.push(chunk);
    length += chunk.length;
    if (length - end > MAX_ROW_BYTES) throw rowTooLong();
    if (length < blockBytes || end === 0) continue;
    const bytes = join(parts, length);
    // Copies: each is sent away with its memory.
    yield withoutMark(bytes.slice(0, end), isFirst);
    parts = [bytes.subarray(end)];
    length -= end;
    end = 0;
    isFirst = false;
  }
  if (length > 0) yield withoutMark(join(parts, length), isFirst);
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

function withoutMark(bytes: Uint8Array<ArrayBuffer>, isFirst: boolean): Uint8Array<ArrayBuffer> {
  const has = isFirst && BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte);
  return has ? bytes.slice(BYTE_ORDER_MARK.length) : bytes;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
