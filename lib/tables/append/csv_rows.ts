/**
 * CSV (RFC 4180) as batches. An empty field is null, a quoted empty one an empty text; lists, maps
 * and structs are JSON.
 */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { isPrimitive, type Type } from "../../iceberg/spec/types.ts";
import { type JsonValue, parseJson } from "../../json.ts";
import { checkUtf8, type LineCount } from "./ndjson_rows.ts";
import { RowCollector, rowFailure } from "./row_collector.ts";
import { RowValueError, valueFromRowJson } from "./value_from_json.ts";

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const DECODER = new TextDecoder();

/** What a block of records does not say itself. */
export interface CsvPlace {
  /** Columns of the file as places in the schema; see {@linkcode csvHeader}. */
  readonly header: readonly number[];
  /** Lines of the header, where it was cut off the block. */
  readonly headerLines: number;
}

/** Options of {@linkcode csvBatches}. */
export interface CsvBatchesOptions extends CsvPlace {
  readonly schema: Schema;
  readonly count: LineCount;
}

/**
 * Records of a block, without the header. Errors name the line on which a record ends, counted from
 * 1 at the header's or the block's first. Tells in `count` how many lines there were, once all
 * batches are taken.
 */
export function* csvBatches(
  bytes: Uint8Array,
  { schema, header, headerLines, count }: CsvBatchesOptions,
): Generator<RecordBatch> {
  count.lines += headerLines;
  checkUtf8(bytes, headerLines);
  const rows = new RowCollector(schema);
  const fields = new FieldReader(bytes, count);
  while (fields.nextRecord()) {
    try {
      readRecord(fields, { rows, header });
    } catch (error) {
      throw rowFailure(error, fields.line);
    }
    if (rows.isFull) yield rows.take();
  }
  if (rows.length > 0) yield rows.take();
}

/**
 * The columns that the first record names, as places in the schema, and where the rows begin. Every
 * name has to be one of the table's, and to come once.
 */
export function csvHeader(
  bytes: Uint8Array,
  schema: Schema,
): { readonly header: readonly number[]; readonly end: number; readonly lines: number } {
  checkUtf8(bytes);
  const count = { lines: 0 };
  const fields = new FieldReader(bytes, count);
  const header: number[] = [];
  if (!fields.nextRecord()) return { header, end: bytes.length, lines: count.lines };
  try {
    while (fields.next()) {
      const name = fields.text().trim();
      const at = schema.fields.findIndex((field) => field.name === name);
      if (at === -1) throw new RowValueError(name, "the table has no such column");
      if (header.includes(at)) throw new RowValueError(name, "the header names it twice");
      header.push(at);
    }
    const given = new Set(header);
    for (const [at, { name, required, writeDefault }] of schema.fields.entries()) {
      if (!required || given.has(at) || writeDefault !== undefined) continue;
      throw new RowValueError(name, "it is required, and the header does not name it");
    }
  } catch (error) {
    throw rowFailure(error, fields.line);
  }
  return { header, end: fields.position, lines: count.lines };
}

function readRecord(
  fields: FieldReader,
  { rows, header }: { readonly rows: RowCollector; readonly header: readonly number[] },
): void {
  let given = 0;
  while (fields.next()) {
    const at = header[given++];
    if (at === undefined) continue;
    rows.claim(at);
    if (fields.isEmpty) rows.append(at, null);
    else if (!rows.columns[at]!.appendText(fields.bytes, fields.start, fields.end)) {
      const { type, name } = rows.fields[at]!;
      const json = csvJson(type, fields.text(), name);
      rows.append(at, valueFromRowJson(json, { type, path: name }));
    }
  }
  if (given !== header.length) {
    throw new RowValueError("", `it has ${given} fields, the header ${header.length}`);
  }
  rows.endRow();
}

/** Walks through the fields of records; what is at hand is `bytes` from `start` to `end`. */
class FieldReader {
  readonly #input: Uint8Array;
  readonly #count: LineCount;
  #at = 0;
  /** Whether the record at hand has fields left. */
  #hasMore = false;
  bytes: Uint8Array;
  start = 0;
  end = 0;
  isEmpty = false;

  constructor(input: Uint8Array, count: LineCount) {
    this.#input = this.bytes = input;
    this.#count = count;
  }

  /** Behind the record that was read. */
  get position(): number {
    return this.#at;
  }

  /** The line on which the record at hand ends, or goes on. */
  get line(): number {
    return this.#hasMore ? this.#count.lines + 1 : this.#count.lines;
  }

  /** Goes to the next record, over empty lines; false at the end. */
  nextRecord(): boolean {
    const input = this.#input;
    for (; this.#at < input.length; this.#at++) {
      const code = input[this.#at];
      if (code === NEWLINE) this.#count.lines++;
      else if (code !== RETURN || input[this.#at + 1] !== NEWLINE) return this.#hasMore = true;
    }
    return false;
  }

  /** Goes to the next field of the record; false behind the last. */
  next(): boolean {
    if (!this.#hasMore) return false;
    if (this.#input[this.#at] === QUOTE) this.#readQuoted();
    else this.#readBare();
    return true;
  }

  text(): string {
    return DECODER.decode(this.bytes.subarray(this.start, this.end));
  }

  #readBare(): void {
    const input = this.#input;
    const start = this.#at;
    let at = start;
    let code = input[at];
    while (code !== COMMA && code !== NEWLINE && code !== undefined) {
      if (code === QUOTE) {
        throw new RowValueError("", "it is no CSV: it has a quote in a field without quotes");
      }
      code = input[++at];
    }
    const isLast = code !== COMMA;
    this.bytes = input;
    this.start = start;
    this.end = isLast && at > start && input[at - 1] === RETURN ? at - 1 : at;
    this.isEmpty = this.start === this.end;
    this.#finishField(at, isLast);
  }

  #readQuoted(): void {
    const input = this.#input;
    const start = this.#at + 1;
    let at = start;
    let doubled = 0;
    for (;; at++) {
      const code = input[at];
      if (code === undefined) throw new RowValueError("", "it is no CSV: it ends within quotes");
      if (code === NEWLINE) this.#count.lines++;
      if (code !== QUOTE) continue;
      if (input[at + 1] !== QUOTE) break;
      doubled++;
      at++;
    }
    if (doubled === 0) {
      this.bytes = input;
      this.start = start;
      this.end = at;
    } else {
      this.bytes = withoutDoubled(input.subarray(start, at), doubled);
      this.start = 0;
      this.end = this.bytes.length;
    }
    this.isEmpty = false;
    const next = input[++at];
    if (next === RETURN && (input[at + 1] === NEWLINE || at + 1 === input.length)) at++;
    else if (next !== COMMA && next !== NEWLINE && next !== undefined) {
      throw new RowValueError("", "it is no CSV: it has text behind the end of a quoted field");
    }
    this.#finishField(at, next !== COMMA);
  }

  #finishField(at: number, isLast: boolean): void {
    this.#at = at + 1;
    if (!isLast) return;
    this.#count.lines++;
    this.#hasMore = false;
  }
}

function withoutDoubled(bytes: Uint8Array, doubled: number): Uint8Array {
  const text = new Uint8Array(bytes.length - doubled);
  for (let from = 0, to = 0; from < bytes.length; from++) {
    text[to++] = bytes[from]!;
    if (bytes[from] === QUOTE) from++;
  }
  return text;
}

/** The JSON that a field stands for. */
function csvJson(type: Type, text: string, path: string): JsonValue {
  if (!isPrimitive(type)) {
    try {
      return parseJson(text, { uniqueKeys: true });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new RowValueError(path, "lists, maps and structs are written as JSON");
    }
  }
  if (type.kind !== "boolean") return text;
  const lower = text.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : text;
}
