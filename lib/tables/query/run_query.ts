/**
 * Runs one query. The tables are declared empty and the query is planned over them; the plan says
 * which columns and files each table needs; those rows enter the engine and the query runs.
 *
 * A query whose every row comes from one row of one table runs piece by piece, so that its result may
 * be larger than memory. Every other query holds what it reads, within the engine's bound.
 */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { throwIfAborted } from "../../abort.ts";
import type { DuckDb } from "../../columnar/duckdb/mod.ts";
import {
  columnsToRead,
  declareTables,
  describe,
  distinctTables,
  explain,
  guessZones,
  recreate,
  STORE,
  type StoredTable,
  zonedColumns,
} from "./engine_session.ts";
import { timestampKinds, toEngine, withZones, zonedSchema } from "./engine_types.ts";
import { fileFilter } from "./pushdown.ts";
import type { MentionedTable } from "./query_table.ts";
import { withPortableTypes } from "./result_types.ts";
import { requireQuery, rewriteSql } from "./rewrite_sql.ts";
import type { PlannedScan, QueryPlan } from "./scan_plan.ts";
import { defineForPlanning, defineForRunning } from "./stand_ins.ts";

/** Options of {@linkcode runQuery}. */
export interface RunQueryOptions {
  readonly sql: string;
  readonly tables: readonly MentionedTable[];
  /** Most rows of the result; null for all. */
  readonly rowLimit: number | null;
  /** `now()` in SQL. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A query's result as it runs. */
export interface QueryResult {
  readonly schema: ArrowSchema;
  readonly batches: AsyncIterable<RecordBatch>;
  /** Whether the row limit cut the result; final when the batches have ended. */
  readonly truncated: () => boolean;
}

/** Rows that enter the engine before a query runs over them piece by piece. */
const PIECE_ROWS = 122_880;
const NO_FILES = "SET enable_external_access = false";

/** Runs a query in a database that nobody else has used; see the module. */
export async function runQuery(db: DuckDb, options: RunQueryOptions): Promise<QueryResult> {
  const { signal } = options;
  const tables = distinctTables(options.tables);
  const timestamps = new Set(tables.flatMap(({ table }) => [...timestampKinds(table.schema)]));
  requireQuery(options.sql);
  const { nowMs } = options;
  const sql = rewriteSql(options.sql, options.tables);
  db.run(NO_FILES);
  let zoned: ReadonlySet<number> | null = null;
  if (timestamps.has("zoned")) {
    zoned = zonedColumns(db, { sql, tables, nowMs });
    db.reset();
    db.run(NO_FILES);
  }
  defineForPlanning(db, { nowMs, timestamps });
  declareTables(db, tables, "utc");
  db.check(sql);
  const described = describe(db, sql);
  const plan = explain(db, sql);
  defineForRunning(db, { nowMs, timestamps });
  db.lock();
  const labels = zoned ?? guessZones(described, { sql, timestamps });
  const run = { db, plan, tables, sql: withPortableTypes(sql, described), signal };
  const pieces = plan.shape === "rows" ? runByPieces(run) : runWhole(run, limitOf(options, plan));
  return await limited(pieces, { rowLimit: options.rowLimit, labels });
}

interface Run {
  readonly db: DuckDb;
  readonly plan: QueryPlan;
  readonly tables: readonly StoredTable[];
  readonly sql: string;
  readonly signal: AbortSignal;
}

/** Rows that the query's only table must supply where a limit stands on top; null for all. */
function limitOf({ sql, rowLimit }: RunQueryOptions, plan: QueryPlan): number | null {
  const [scan] = plan.scans.values();
  const filtered = scan?.filters.some((filters) => filters.length > 0) ?? true;
  if (plan.shape !== "limited" || filtered) return null;
  const match = /\blimit\s+(\d{1,9})(?:\s+offset\s+(\d{1,9}))?[\s;]*$/i.exec(sql);
  if (match === null) return null;
  const limit = Math.min(Number(match[1]), rowLimit === null ? Infinity : rowLimit + 1);
  return limit + Number(match[2] ?? 0);
}

interface Piece {
  readonly schema: ArrowSchema;
  readonly batches: AsyncIterable<RecordBatch>;
}

async function* runWhole(run: Run, rowsNeeded: number | null): AsyncGenerator<Piece> {
  const { db, plan, tables, sql, signal } = run;
  for (const stored of tables) {
    const scan = plan.scans.get(stored.store);
    if (scan === undefined) continue;
    recreate(db, stored, scan);
    let rows = 0;
    for await (const batch of read(stored, scan, signal)) {
      db.insert({ schema: STORE, name: stored.store }, [toEngine(batch)]);
      rows += batch.numRows;
      if (rowsNeeded !== null && rows >= rowsNeeded) break;
      throwIfAborted(signal);
    }
  }
  yield await db.stream(sql, signal);
}

async function* runByPieces(run: Run): AsyncGenerator<Piece> {
  const { db, plan, tables, sql, signal } = run;
  const [stored] = tables.filter(({ store }) => plan.scans.has(store));
  const scan = stored === undefined ? undefined : plan.scans.get(stored.store);
  if (stored === undefined || scan === undefined) throw new TypeError("A scan without its table");
  let held: RecordBatch[] = [];
  let rows = 0;
  let ran = false;
  const piece = async () => {
    recreate(db, stored, scan);
    db.insert({ schema: STORE, name: stored.store }, held);
    [held, rows, ran] = [[], 0, true];
    return await db.stream(sql, signal);
  };
  for await (const batch of read(stored, scan, signal)) {
    held.push(toEngine(batch));
    rows += batch.numRows;
    if (rows >= PIECE_ROWS) yield await piece();
  }
  if (rows > 0 || !ran) yield await piece();
}

async function* read(
  stored: StoredTable,
  scan: PlannedScan,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  const { schema } = stored.table;
  const columns = columnsToRead(stored, scan);
  const filter = fileFilter(scan.filters, schema);
  yield* stored.table.scan({ columns, filter, signal });
}

/** Joins the pieces, puts zones back, and stops after the limit. */
async function limited(
  pieces: AsyncGenerator<Piece>,
  { rowLimit, labels }: { readonly rowLimit: number | null; readonly labels: ReadonlySet<number> },
): Promise<QueryResult> {
  const first = await pieces.next();
  if (first.done) throw new TypeError("A query has at least one piece");
  let truncated = false;
  async function* batches(piece: Piece): AsyncGenerator<RecordBatch> {
    let left = rowLimit ?? Infinity;
    try {
      for (let next: IteratorResult<Piece> = { done: false, value: piece }; !next.done;) {
        for await (const batch of next.value.batches) {
          const kept = batch.numRows <= left ? batch : batch.slice(0, left);
          truncated ||= kept.numRows < batch.numRows;
          if (kept.numRows > 0) yield withZones(kept, labels);
          left -= kept.numRows;
          if (truncated) return;
        }
        next = await pieces.next();
      }
    } finally {
      await pieces.return(undefined);
    }
  }
  const { schema } = first.value;
  return {
    schema: zonedSchema(schema, labels),
    batches: batches(first.value),
    truncated: () => truncated,
  };
}
