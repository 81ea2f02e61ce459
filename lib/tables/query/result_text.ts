/** Results as bytes: JSON, NDJSON, CSV, an Arrow stream. */
import {
  AsyncByteQueue,
  type RecordBatch,
  RecordBatchStreamWriter,
  type Schema as ArrowSchema,
} from "apache-arrow";
import { type ValueReader, valueReader } from "../../columnar/mod.ts";
import { formatValue } from "../../iceberg/spec/values.ts";
import { type IcebergValue, isPrimitive, type Type } from "../../iceberg/spec/types.ts";
import { resultColumns, resultType } from "../../sql/mod.ts";

/** How a result is written. */
export type ResultFormat = "json" | "ndjson" | "csv" | "arrow";

/** A result to be written. */
export interface RunningResult {
  readonly schema: ArrowSchema;
  readonly batches: AsyncIterable<RecordBatch>;
  /** Whether rows were left out; known when the batches have ended. */
  readonly truncated: () => boolean;
}

/** Text is handed on in pieces of about this size, in UTF-16 units. */
const CHUNK_CHARS = 256 * 1024;

/** The result in a format, piece by piece. */
export async function* writeResult(
  result: RunningResult,
  format: ResultFormat,
): AsyncGenerator<Uint8Array> {
  if (format === "arrow") {
    yield* arrowPieces(result);
    return;
  }
  const encoder = new TextEncoder();
  let pending = "";
  for await (const piece of TEXT_FORMATS[format](result)) {
    pending += piece;
    if (pending.length < CHUNK_CHARS) continue;
    yield encoder.encode(pending);
    pending = "";
  }
  if (pending !== "") yield encoder.encode(pending);
}

const TEXT_FORMATS = { json: jsonPieces, ndjson: ndjsonPieces, csv: csvPieces };

async function* jsonPieces(result: RunningResult): AsyncGenerator<string> {
  yield `{"columns":${JSON.stringify(resultColumns(result.schema))},"rows":[`;
  let count = 0;
  for await (const row of jsonRows(result)) yield count++ === 0 ? row : `,${row}`;
  yield `],"row_count":${count},"truncated":${result.truncated()}}`;
}

async function* ndjsonPieces(result: RunningResult): AsyncGenerator<string> {
  for await (const row of jsonRows(result)) yield `${row}\n`;
}

/** RFC 4180 with a header; null is an empty field, an empty string a quoted one. */
async function* csvPieces(result: RunningResult): AsyncGenerator<string> {
  yield `${resultColumns(result.schema).map(({ name }) => csvField(name)).join(",")}\r\n`;
  for await (const { batch, columns } of readable(result)) {
    for (let row = 0; row < batch.numRows; row++) {
      const cells = columns.map(({ type, read }) => csvCell(type, read(row)));
      yield `${cells.join(",")}\r\n`;
    }
  }
}

async function* arrowPieces({ schema, batches }: RunningResult): AsyncGenerator<Uint8Array> {
  const written = new Written();
  const writer = new RecordBatchStreamWriter();
  writer.reset(written, schema);
  for await (const batch of batches) {
    writer.write(batch);
    yield* written.take();
  }
  writer.finish();
  yield* written.take();
}

/** Keeps what a writer puts out until it is taken, so that no batch is asked for ahead of its time. */
class Written extends AsyncByteQueue {
  #pieces: Uint8Array[] = [];

  override write(piece: Uint8Array): void {
    if (piece.byteLength > 0) this.#pieces.push(piece);
  }

  take(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

async function* jsonRows(result: RunningResult): AsyncGenerator<string> {
  const names = resultColumns(result.schema).map(({ name }) => JSON.stringify(name));
  for await (const { batch, columns } of readable(result)) {
    for (let row = 0; row < batch.numRows; row++) {
      const cells = columns.map(({ type, read }, i) => `${names[i]}:${jsonCell(type, read(row))}`);
      yield `{${cells.join(",")}}`;
    }
  }
}

interface ReadableColumn {
  readonly type: Type;
  readonly read: ValueReader;
}

async function* readable({ schema, batches }: RunningResult): AsyncGenerator<{
  readonly batch: RecordBatch;
  readonly columns: readonly ReadableColumn[];
}> {
  const types = schema.fields.map(resultType);
  for await (const batch of batches) {
    const columns = types.map((type, i) => {
      const data = batch.data.children[i];
      if (data === undefined) throw new TypeError("A batch has the columns of its schema");
      return { type, read: valueReader(data, type) };
    });
    yield { batch, columns };
  }
}

/** A cell as a JSON value; 64-bit integers beyond 2^53, decimals, NaN and infinities are strings. */
function jsonCell(type: Type, value: IcebergValue): string {
  if (value === null) return "null";
  switch (type.kind) {
    case "boolean":
    case "int":
      return String(value);
    case "long":
      return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`;
    case "float":
    case "double":
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case "list":
      return `[${(value as readonly IcebergValue[]).map((one) => jsonCell(type.element, one))}]`;
    case "struct": {
      const values = value as readonly IcebergValue[];
      const cells = type.fields.map((field, i) =>
        `${JSON.stringify(field.name)}:${jsonCell(field.type, values[i] ?? null)}`
      );
      return `{${cells.join(",")}}`;
    }
    case "map":
      return jsonMap(type, value as readonly (readonly [IcebergValue, IcebergValue])[]);
    default:
      return JSON.stringify(plainText(type, value));
  }
}

/** An object where the keys are strings, a list of pairs elsewhere. */
function jsonMap(
  type: Type & { readonly kind: "map" },
  entries: readonly (readonly [IcebergValue, IcebergValue])[],
): string {
  const pairs = entries.map(([key, value]) =>
    [jsonCell(type.key, key), jsonCell(type.value, value)] as const
  );
  return type.key.kind === "string"
    ? `{${pairs.map(([key, value]) => `${key}:${value}`).join(",")}}`
    : `[${pairs.map(([key, value]) => `[${key},${value}]`).join(",")}]`;
}

function csvCell(type: Type, value: IcebergValue): string {
  if (value === null) return "";
  const text = plainText(type, value);
  return text === "" ? '""' : csvField(text);
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plainText(type: Type, value: IcebergValue): string {
  if (!isPrimitive(type)) return jsonCell(type, value);
  const text = formatValue(type, value);
  return type.kind.startsWith("timestamptz") ? text.replace("+00:00", "Z") : text;
}
