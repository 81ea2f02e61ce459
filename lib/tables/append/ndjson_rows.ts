/**
 * Lines of JSON as batches. Plain values go from bytes to columns directly; whatever else JSON and
 * the types allow goes the way of single values, which also knows what is wrong with them.
 */
import { isUtf8 } from "node:buffer";
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { Type } from "../../iceberg/spec/types.ts";
import { type JsonValue, parseJson } from "../../json.ts";
import { RowCollector, rowFailure } from "./row_collector.ts";
import { rowInvalid } from "./row_error.ts";
import { quoteJson, RowValueError, valueFromRowJson } from "./value_from_json.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** How a plain value of a type is written: as a number, or as text without escapes. */
const PLAIN_FORM: Readonly<Partial<Record<Type["kind"], "number" | "text">>> = {
  int: "number",
  long: "number",
  float: "number",
  double: "number",
  decimal: "number",
  string: "text",
  date: "text",
  timestamp: "text",
  timestamptz: "text",
  uuid: "text",
};

/** Lines of a block that were read. */
export interface LineCount {
  lines: number;
}

/**
 * One JSON object a line; blank lines are passed over. Errors name the line, counted from 1 in this
 * block. Tells in `count` how many lines there were, once all batches are taken.
 */
export function* ndjsonBatches(
  bytes: Uint8Array,
  schema: Schema,
  count: LineCount,
): Generator<RecordBatch> {
  checkUtf8(bytes);
  const reader = new LineReader(bytes, new RowCollector(schema));
  yield* reader.batches(count);
}

class LineReader {
  readonly #bytes: Uint8Array;
  readonly #rows: RowCollector;
  readonly #names: readonly Uint8Array[];
  readonly #byName: ReadonlyMap<string, number>;
  readonly #forms: readonly (string | undefined)[];
  /** Fields in the order of the row before: rows tend to be alike. */
  #order: number[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, rows: RowCollector) {
    this.#bytes = bytes;
    this.#rows = rows;
    const names = rows.fields.map(({ name }) => name);
    this.#names = names.map((name) => new TextEncoder().encode(name));
    this.#byName = new Map(names.map((name, at) => [name, at]));
    this.#forms = rows.fields.map(({ type }) => PLAIN_FORM[type.kind]);
  }

  *batches(count: LineCount): Generator<RecordBatch> {
    const bytes = this.#bytes;
    const rows = this.#rows;
    while (this.#at < bytes.length) {
      const start = this.#at;
      count.lines++;
      const first = this.#skipBlanks();
      if (first === NEWLINE) this.#at++;
      if (first === NEWLINE || first === undefined) continue;
      try {
        this.#readLine(start, first);
      } catch (error) {
        throw rowFailure(error, count.lines);
      }
      if (rows.isFull) yield rows.take();
    }
    if (rows.length > 0) yield rows.take();
  }

  #readLine(start: number, first: number): void {
    const isRead = first === OPEN && this.#readObject();
    const behind = isRead ? this.#skipBlanks() : null;
    if (behind !== NEWLINE && behind !== undefined) throw this.#malformed(start);
    this.#at++;
    this.#rows.endRow();
  }

  /** False where it is none, or is not alone in its line. */
  #readObject(): boolean {
    const bytes = this.#bytes;
    this.#at++;
    if (this.#skipBlanks() === CLOSE) {
      this.#at++;
      return true;
    }
    for (let member = 0;; member++) {
      const field = this.#readKey(member);
      if (field < 0 || this.#skipBlanks() !== COLON) return false;
      this.#at++;
      if (!this.#readValue(field)) return false;
      const next = this.#skipBlanks();
      this.#at++;
      if (next === CLOSE) return true;
      if (next !== COMMA) return false;
      if (bytes[this.#at] !== QUOTE) this.#skipBlanks();
    }
  }

  /** The field that a key names; -1 where there is no key. */
  #readKey(member: number): number {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== QUOTE) return -1;
    const start = this.#at + 1;
    const guess = this.#order[member];
    let field = -1;
    if (guess !== undefined) {
      const name = this.#names[guess]!;
      const end = start + name.length;
      if (bytes[end] === QUOTE && isAt(bytes, start, name)) {
        this.#at = end + 1;
        field = guess;
      }
    }
    if (field < 0) {
      const { end, isPlain } = endOfString(bytes, start);
      if (end < 0) return -1;
      const json = bytes.subarray(start - 1, end + 1);
      const name = isPlain ? DECODER.decode(bytes.subarray(start, end)) : String(parseJson(json));
      this.#at = end + 1;
      const found = this.#byName.get(name);
      if (found === undefined) throw new RowValueError(name, "the table has no such column");
      field = found;
      this.#order[member] = field;
    }
    if (this.#rows.claim(field)) return field;
    throw new RowValueError(this.#rows.fields[field]!.name, "the row names it twice");
  }

  /** False where there is no JSON value. */
  #readValue(field: number): boolean {
    const bytes = this.#bytes;
    const first = this.#skipBlanks();
    const start = this.#at;
    const form = this.#forms[field];
    if (first === QUOTE) {
      const { end, isPlain } = endOfString(bytes, start + 1);
      if (end < 0) return false;
      this.#at = end + 1;
      const column = this.#rows.columns[field]!;
      if (form === "text" && isPlain && column.appendText(bytes, start + 1, end)) return true;
    } else if (first === OPEN || first === OPEN_LIST) {
      const end = endOfNested(bytes, start);
      if (end < 0) return false;
      this.#at = end;
    } else {
      const end = endOfWord(bytes, start);
      if (end === start) return false;
      this.#at = end;
      const column = this.#rows.columns[field]!;
      if (form === "number" && column.appendText(bytes, start, end)) return true;
    }
    return this.#readSlowly(field, start);
  }

  #readSlowly(field: number, start: number): boolean {
    const text = this.#bytes.subarray(start, this.#at);
    const { type, name } = this.#rows.fields[field]!;
    let json: JsonValue;
    try {
      json = parseJson(text, { uniqueKeys: true });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Where the whole line is JSON but for this, its own message says more.
      throw new RowValueError(name, `it is no JSON (${error.message})`);
    }
    this.#rows.append(field, valueFromRowJson(json, { type, path: name }));
    return true;
  }

  /** Passes over blanks within a line; what comes next, undefined at the end. */
  #skipBlanks(): number | undefined {
    const bytes = this.#bytes;
    let at = this.#at;
    let code = bytes[at];
    while (code === SPACE || code === 0x09 || code === 0x0d) code = bytes[++at];
    this.#at = at;
    return code;
  }

  /** What is wrong with the line that begins at `start`. */
  #malformed(start: number): unknown {
    const newline = this.#bytes.indexOf(NEWLINE, start);
    const line = this.#bytes.subarray(start, newline === -1 ? this.#bytes.length : newline);
    let problem = "it is no JSON object";
    try {
      problem = `${quoteJson(parseJson(line))} is no object`;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problem = `it is no JSON (${error.message})`;
    }
    return new RowValueError("", problem);
  }
}

const DECODER = new TextDecoder();

/** The closing quote, -1 where there is none; plain where the text is what it says. */
function endOfString(
  bytes: Uint8Array,
  start: number,
): { readonly end: number; readonly isPlain: boolean } {
  let at = start;
  let code = bytes[at]!;
  while (code >= SPACE && code !== QUOTE && code !== BACKSLASH) code = bytes[++at]!;
  if (code === QUOTE) return { end: at, isPlain: true };
  while (code >= SPACE && code !== QUOTE) {
    if (code === BACKSLASH) at++;
    code = bytes[++at]!;
  }
  return { end: code === QUOTE ? at : -1, isPlain: false };
}

/** Behind the list or object that begins at `start`, -1 where it does not end in its line. */
function endOfNested(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const code = bytes[at]!;
    if (code === QUOTE) {
      at = endOfString(bytes, at + 1).end;
      if (at < 0) return -1;
    } else if (code === OPEN || code === OPEN_LIST) depth++;
    else if (code === CLOSE || code === CLOSE_LIST) {
      if (--depth === 0) return at + 1;
    } else if (code === NEWLINE) return -1;
  }
  return -1;
}

/** Behind a number or a word. */
function endOfWord(bytes: Uint8Array, start: number): number {
  let at = start;
  let code = bytes[at]!;
  while (code > SPACE && code !== COMMA && code !== CLOSE && code !== CLOSE_LIST) {
    code = bytes[++at]!;
  }
  return at;
}

function isAt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false;
  return true;
}

/** Refuses the first line that is not UTF-8; so many lines come before. */
export function checkUtf8(bytes: Uint8Array, before = 0): void {
  if (isUtf8(bytes)) return;
  for (let number = before + 1, start = 0; start < bytes.length; number++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) {
      throw rowInvalid({ unit: "line", number }, { column: null, problem: "it is no UTF-8" });
    }
    start = end + 1;
  }
}
