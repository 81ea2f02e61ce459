/**
 * Conditions that only the engine can test. Where rows stay as they are, the engine gets the columns
 * that the condition reads and answers with the places of rows, so that rows keep their types.
 */
import {
  Field,
  Int32,
  makeData,
  makeVector,
  RecordBatch,
  Schema as ArrowSchema,
  Struct,
} from "apache-arrow";
import { batchBytes, concatBatches, takeRows } from "../columnar/mod.ts";
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import { BATCH_STORE, BATCH_TABLE, emptyBatch, fillBatch, pickColumns } from "./_batch_tables.ts";
import { asTransform, transformError, type TransformStep } from "./_transform_error.ts";
import {
  columnsToRead,
  declarations,
  explain,
  mixedTimestamps,
  movesZones,
  runAll,
  STORE,
} from "./engine_session.ts";
import { timestampKinds, toEngine } from "./engine_types.ts";
import { PIECE } from "./portions.ts";
import { fileFilter } from "./pushdown.ts";
import { defineForPlanning, defineForRunning, mayAskForTime, moveNow } from "./stand_ins.ts";
import { quoteName } from "./text/quote_name.ts";
import { requireCondition, rewriteCondition } from "./text/rewrite_sql.ts";
import type { PlannedTransform, TransformOptions, TransformRunOptions } from "./transform.ts";
import { isVolatile } from "./volatile_functions.ts";

const OPENING: TransformStep = { part: "where", step: "open", names: [] };
const NO_FILES = "SET enable_external_access = false";

/** The condition as the end of a query. */
export function whereClause(where: string): string {
  return asTransform(() => {
    requireCondition(where);
    return ` WHERE (\n${rewriteCondition(where)}\n)`;
  }, OPENING);
}

/** Throws where the engine does not understand a clause over a table with these columns. */
export function checkCondition(
  db: DuckDb,
  { columns, clause }: { readonly columns: string; readonly clause: string },
): void {
  asTransform(() => {
    runAll(db, [`CREATE SCHEMA ${STORE}`, `CREATE TABLE ${BATCH_TABLE} (${columns})`]);
    db.check(`FROM ${BATCH_TABLE}${clause}`);
    db.run(`DROP SCHEMA ${STORE} CASCADE`);
  }, OPENING);
}

/** Options of {@linkcode planCondition}. */
export interface PlanConditionOptions extends Pick<TransformOptions, "schema" | "nowMs"> {
  readonly where: string;
}

/** Plans a condition in an empty database; rows that pass come out as they are. */
export function planCondition(
  db: DuckDb,
  { schema, where, nowMs }: PlanConditionOptions,
): PlannedTransform {
  const clause = whereClause(where);
  const kinds = timestampKinds(schema);
  const timestamps = kinds.size > 1 ? new Set(["zoned"] as const) : kinds;
  db.run(NO_FILES);
  defineForPlanning(db, { sql: where, nowMs, timestamps });
  const place = freeName(schema);
  const columnsOf = (fields: Schema["fields"]) =>
    [`${quoteName(place)} INTEGER`, ...fields.map((field) => declarations([field]))].join(", ");
  checkCondition(db, { columns: columnsOf(schema.fields), clause });
  const sql = `SELECT ${quoteName(place)} FROM ${BATCH_TABLE}${clause}`;
  const scan = asTransform(() => {
    runAll(db, [
      `CREATE SCHEMA ${STORE}`,
      `CREATE TABLE ${BATCH_TABLE} (${columnsOf(schema.fields)})`,
    ]);
    return explain(db, sql).scans.get(BATCH_STORE);
  }, OPENING) ?? { columns: new Set<string>(), filters: [[]] };
  const names = asTransform(() => columnsToRead(schema, scan), OPENING);
  const fields = schema.fields.filter(({ name }) => names.includes(name));
  const read = timestampKinds({ fields });
  if (read.size > 1 && movesZones(where)) throw transformError(mixedTimestamps(), OPENING);
  const standIns = { sql: where, timestamps: read };
  defineForRunning(db, { ...standIns, nowMs });
  db.lock();
  const volatile = isVolatile(where);
  const test = { db, sql, place, names, declared: columnsOf(fields) };
  return {
    outputSchema: schema,
    columns: schema.fields.map(({ name }) => name),
    filter: fileFilter(scan.filters, schema),
    filterSuffices: false,
    isRowWise: !volatile,
    isRepeatable: !volatile && !mayAskForTime(where),
    run: async function* (batches, { nowMs, signal }: TransformRunOptions) {
      asTransform(() => moveNow(db, { ...standIns, nowMs }), { ...OPENING, step: "run" });
      try {
        for await (const rows of pieces(batches)) yield* passing(rows, test, signal);
      } finally {
        if (!db.trapped) emptyBatch(db, test.declared);
      }
    },
  };
}

interface Test {
  readonly db: DuckDb;
  readonly sql: string;
  /** The column that says which row it is. */
  readonly place: string;
  /** Columns that the condition reads. */
  readonly names: readonly string[];
  readonly declared: string;
}

/** The rows of a piece that pass. */
async function* passing(
  rows: RecordBatch,
  { db, sql, place, names, declared }: Test,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  const found: Int32Array[] = [];
  try {
    emptyBatch(db, declared);
    fillBatch(db, [withPlaces(toEngine(pickColumns(rows, names)), place)]);
    const { batches } = await db.stream(sql, signal);
    for await (const batch of batches) {
      const [places] = batch.data.children;
      if (places !== undefined) found.push(Int32Array.from(places.values as Int32Array));
    }
  } catch (error) {
    throw transformError(error, { ...OPENING, step: "run" });
  }
  const places = new Int32Array(found.reduce((sum, { length }) => sum + length, 0));
  found.reduce((at, some) => (places.set(some, at), at + some.length), 0);
  if (places.length === rows.numRows) yield rows;
  else if (places.length > 0) yield takeRows(rows, places.sort());
}

/** Batches put together as far as a piece of the engine goes. */
async function* pieces(batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  let waiting: RecordBatch[] = [];
  let [rows, bytes] = [0, 0];
  for await (const batch of batches) {
    if (batch.numRows === 0) continue;
    waiting.push(batch);
    rows += batch.numRows;
    bytes += batchBytes(batch);
    if (rows < PIECE.rows && bytes < PIECE.bytes) continue;
    yield joined(waiting);
    [waiting, rows, bytes] = [[], 0, 0];
  }
  if (rows > 0) yield joined(waiting);
}

function joined([first, ...others]: readonly RecordBatch[]): RecordBatch {
  if (first === undefined) throw new TypeError("A piece has rows");
  return concatBatches([first, ...others]);
}

/** The batch with a column that counts its rows, in front. */
function withPlaces(batch: RecordBatch, name: string): RecordBatch {
  const counted = makeVector(Int32Array.from({ length: batch.numRows }, (_, row) => row)).data[0];
  if (counted === undefined) throw new TypeError("A vector without its column");
  const fields = [new Field(name, new Int32(), false), ...batch.schema.fields];
  const type = new Struct(fields);
  const children = [counted, ...batch.data.children];
  const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
  return new RecordBatch(new ArrowSchema(fields), data);
}

/** A name that no column of the schema has, in any case. */
function freeName({ fields }: Schema): string {
  const taken = new Set(fields.map(({ name }) => name.toLowerCase()));
  let name = "drls_row";
  while (taken.has(name)) name += "_";
  return name;
}
