/** Rows as lines of JSON or as CSV, made into batches of the table's schema. */
import { Readable } from "node:stream";
import { type CsvError, type Info, parse as csvParser } from "csv-parse";
import type { RecordBatch } from "apache-arrow";
import { BatchBuilder } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { isPrimitive, type NestedField, type Type } from "../../iceberg/spec/types.ts";
import { type JsonValue, parseJson } from "../../json.ts";
import { rowInvalid, type RowPlace } from "./row_error.ts";
import { rowFromJson, RowValueError, valueFromRowJson } from "./value_from_json.ts";

/** A batch is handed on when it has this many rows or bytes. */
const BATCH_ROWS = 65_536;
const BATCH_BYTES = 16 * 1024 * 1024;
/** Longest line of JSON or record of CSV, in bytes. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/** One JSON object a line; blank lines are passed over. Absent and null members are nulls. */
export async function* ndjsonBatches(
  input: ReadableStream<Uint8Array>,
  schema: Schema,
): AsyncGenerator<RecordBatch> {
  const rows = new RowCollector(schema);
  let number = 0;
  for await (const line of linesOf(input)) {
    number++;
    const place: RowPlace = { unit: "line", number };
    const json = parseLine(line, place);
    if (json !== undefined) {
      rows.add(place, () => rowFromJson(json, { fields: schema.fields, path: "" }));
    }
    if (rows.isFull) yield rows.take();
  }
  if (rows.length > 0) yield rows.take();
}

/**
 * RFC 4180 with a header that names columns of the table, in any order. An empty field is null, a
 * quoted empty one an empty string. Lists, maps and structs are JSON.
 */
export async function* csvBatches(
  input: ReadableStream<Uint8Array>,
  schema: Schema,
): AsyncGenerator<RecordBatch> {
  const rows = new RowCollector(schema);
  let header: readonly NestedField[] | null = null;
  try {
    for await (const { record, info } of csvRecords(input)) {
      const place: RowPlace = { unit: "line", number: info.lines };
      if (header === null) header = readHeader(record, schema, place);
      else {
        const columns = header;
        if (record.length !== columns.length) {
          const counts = `it has ${record.length} fields, the header ${columns.length}`;
          throw rowInvalid(place, { column: null, problem: counts });
        }
        rows.add(place, () => csvRow(record, columns, schema));
      }
      if (rows.isFull) yield rows.take();
    }
  } catch (error) {
    throw csvFailure(error);
  }
  if (rows.length > 0) yield rows.take();
}

/** Builds batches and says which row was wrong. */
class RowCollector {
  readonly #builder: BatchBuilder;
  readonly #required: readonly NestedField[];

  constructor(schema: Schema) {
    this.#builder = new BatchBuilder(schema);
    this.#required = schema.fields;
  }

  get length(): number {
    return this.#builder.length;
  }

  get isFull(): boolean {
    // Asking for the bytes costs a walk over the columns, so not for every row.
    if (this.length % 1024 !== 0) return false;
    return this.length >= BATCH_ROWS || this.#builder.byteLength >= BATCH_BYTES;
  }

  add(place: RowPlace, read: () => ReturnType<typeof rowFromJson>): void {
    try {
      const values = read();
      for (const [i, field] of this.#required.entries()) {
        if (!field.required || values[i] !== null) continue;
        throw new RowValueError(field.name, "it is required, and the row has none or null");
      }
      this.#builder.append(values);
    } catch (error) {
      if (error instanceof RowValueError) {
        throw rowInvalid(place, { column: error.path, problem: error.message });
      }
      // What only the builder sees: a null in a required field of a struct, say.
      const [issue] = error instanceof AppError ? error.issues : [];
      if (issue !== undefined) {
        throw rowInvalid(place, { column: issue.path, problem: issue.message });
      }
      throw error;
    }
  }

  take(): RecordBatch {
    return this.#builder.finish();
  }
}

function parseLine(line: Uint8Array, place: RowPlace): JsonValue | undefined {
  if (line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) return undefined;
  try {
    return parseJson(line);
  } catch (error) {
    if (!(error instanceof AppError || error instanceof SyntaxError)) throw error;
    throw rowInvalid(place, { column: null, problem: `it is no JSON (${error.message})` });
  }
}

/** Lines without their ends; the last one may have none. */
async function* linesOf(input: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end);
      yield pending.length === 0 ? part : joinBytes([...pending, part]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    if (rest.length > 0) pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > MAX_ROW_BYTES) throw rowTooLong();
  }
  if (pendingBytes > 0) yield joinBytes(pending);
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

interface CsvField {
  readonly text: string;
  readonly quoted: boolean;
}

interface CsvRecord {
  readonly record: readonly CsvField[];
  readonly info: Info;
}

function csvRecords(input: ReadableStream<Uint8Array>): AsyncIterable<CsvRecord> {
  const parser = csvParser({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    cast: (text, { quoting }): CsvField => ({ text, quoted: quoting }),
  });
  // A source that breaks has to break the parser too, or nobody hears of it.
  const source = Readable.from(input);
  source.on("error", (error) => parser.destroy(error));
  return source.pipe(parser);
}

function readHeader(
  record: readonly CsvField[],
  schema: Schema,
  place: RowPlace,
): readonly NestedField[] {
  const seen = new Set<string>();
  const columns = record.map(({ text }) => {
    const name = text.trim();
    if (seen.has(name)) {
      throw rowInvalid(place, { column: name, problem: "the header names it twice" });
    }
    seen.add(name);
    const field = schema.fields.find((one) => one.name === name);
    if (field === undefined) {
      throw rowInvalid(place, { column: name, problem: "the table has no such column" });
    }
    return field;
  });
  return columns;
}

function csvRow(
  record: readonly CsvField[],
  columns: readonly NestedField[],
  schema: Schema,
): ReturnType<typeof rowFromJson> {
  const values = new Map(columns.map((field, i) => [field, record[i]]));
  return schema.fields.map((field) => {
    const cell = values.get(field);
    if (cell === undefined || (cell.text === "" && !cell.quoted)) return null;
    return valueFromRowJson(csvJson(field.type, cell.text, field.name), {
      type: field.type,
      path: field.name,
    });
  });
}

/** A field as the JSON that would say the same. */
function csvJson(type: Type, text: string, path: string): JsonValue {
  if (!isPrimitive(type)) {
    try {
      return parseJson(text);
    } catch (error) {
      if (!(error instanceof AppError || error instanceof SyntaxError)) throw error;
      throw new RowValueError(path, "lists, maps and structs are written as JSON");
    }
  }
  if (type.kind !== "boolean") return text;
  const lower = text.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : text;
}

function csvFailure(error: unknown): unknown {
  if (!isCsvError(error)) return error;
  const number = typeof error["lines"] === "number" ? error["lines"] : 0;
  if (error.code === "CSV_MAX_RECORD_SIZE") return rowTooLong();
  return rowInvalid({ unit: "line", number }, {
    column: null,
    problem: `it is no CSV (${error.message})`,
  });
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("CSV_");
}

function rowTooLong(): AppError {
  const message = `Cannot append: a row takes more than ${MAX_ROW_BYTES} bytes`;
  return new AppError("too_large", "row_too_large", message);
}
