/** Files of orders to append, one in each format that appends take. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { type RecordBatch, RecordBatchStreamWriter } from "apache-arrow";
import { encodeRowGroup, ParquetAssembler, writeSettings } from "../../lib/columnar/parquet/mod.ts";
import { initParquet } from "../../lib/columnar/parquet/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { ORDERS, orders } from "./sample_rows.ts";

/** Rows of one Arrow batch. */
const BATCH_ROWS = 62_500;
/** Batches in a row group: a million rows, as PyArrow writes them. */
const GROUP_BATCHES = 16;

/** What appends take, with the media type of each. */
export const APPEND_FORMATS = {
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.stream",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
} as const;

/** A format of {@linkcode APPEND_FORMATS}. */
export type AppendFormatName = keyof typeof APPEND_FORMATS;

/** Options of {@linkcode writeAppendFile}. */
export interface AppendFileOptions {
  readonly format: AppendFormatName;
  /** A multiple of a million. */
  readonly rows: number;
}

/** Writes the same orders, whatever the format. */
export async function writeAppendFile(
  path: string,
  { format, rows }: AppendFileOptions,
): Promise<void> {
  const batches = Math.ceil(rows / BATCH_ROWS);
  if (format === "parquet") return await writeParquet(path, batches);
  const file = createWriteStream(path);
  const write = async (bytes: Uint8Array | string) => {
    if (!file.write(bytes)) await once(file, "drain");
  };
  if (format === "arrow") {
    const stream = RecordBatchStreamWriter.writeAll(ordersOf(batches));
    for await (const bytes of stream) await write(bytes);
  } else {
    if (format === "csv") await write(`${NAMES.join(",")}\n`);
    for (const batch of ordersOf(batches)) await write(format === "csv" ? csv(batch) : json(batch));
  }
  file.end();
  await once(file, "finish");
}

const NAMES = ORDERS.fields.map(({ name }) => name);

function* ordersOf(batches: number): Generator<RecordBatch> {
  for (let at = 0; at < batches; at++) yield orders(at, BATCH_ROWS);
}

async function writeParquet(path: string, batches: number): Promise<void> {
  initParquet(await loadWasmModule("parquet"));
  const roots = [path.slice(0, path.lastIndexOf("/"))];
  const io = openStorage({ local: { kind: "local", roots }, s3: null });
  const assembler = new ParquetAssembler(await io.openWriter(path), { schema: ORDERS });
  const options = { schema: ORDERS, settings: writeSettings({}), metrics: new Map() };
  for (let at = 0; at < batches; at += GROUP_BATCHES) {
    const group = Array.from(
      { length: Math.min(GROUP_BATCHES, batches - at) },
      (_, next) => orders(at + next, BATCH_ROWS),
    );
    await assembler.append(encodeRowGroup(group, options));
  }
  await assembler.finish();
}

function csv(batch: RecordBatch): string {
  return linesOf(
    batch,
    (id, at, customer, country, amount) => `${id},${at},${customer},${country},${amount}\n`,
  );
}

function json(batch: RecordBatch): string {
  const [id, at, customer, country, amount] = NAMES.map((name) => JSON.stringify(name));
  return linesOf(
    batch,
    (...row) =>
      `{${id}:${row[0]},${at}:"${row[1]}",${customer}:${row[2]},${country}:"${row[3]}",` +
      `${amount}:${row[4]}}\n`,
  );
}

type Line = (id: bigint, at: string, customer: number, country: string, amount: number) => string;

function linesOf(batch: RecordBatch, line: Line): string {
  const [ids, times, customers, countries, amounts] = NAMES.map((name) => batch.getChild(name));
  const timesUs: BigInt64Array = times!.data[0]!.values;
  const lines = Array.from({ length: batch.numRows }, (_, row) => {
    const at = new Date(Number(timesUs[row]! / 1000n)).toISOString();
    return line(ids!.get(row), at, customers!.get(row), countries!.get(row), amounts!.get(row));
  });
  return lines.join("");
}
