/**
 * Runs one query. The tables are declared empty and the query is planned over them; the plan says
 * which columns and files each table needs; those rows enter the engine and the query runs.
 *
 * A query whose every row comes from one row of one table runs piece by piece, so that its result may
 * be larger than memory. Every other query holds what it reads, within the engine's bound.
 */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { throwIfAborted } from "../abort.ts";
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import {
  columnsToRead,
  declareTables,
  describe,
  distinctTables,
  explain,
  guessZones,
  mixedTimestamps,
  movesZones,
  recreate,
  STORE,
  type StoredTable,
  zonedColumns,
} from "./engine_session.ts";
import { timestampKinds, withZones, zonedSchema } from "./engine_types.ts";
import { fileFilter } from "./pushdown.ts";
import { INSERT, PIECE, portions } from "./portions.ts";
import type { MentionedTable } from "./query_table.ts";
import { withPortableTypes } from "./result_types.ts";
import { requireQuery, rewriteSql } from "./text/rewrite_sql.ts";
import type { PlannedScan, QueryPlan } from "./scan_plan.ts";
import { isSqlWord, type SqlToken, tokenizeSql } from "./text/sql_tokens.ts";
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

const NO_FILES = "SET enable_external_access = false";

/** Runs a query in a database that nobody else has used; see the module. */
export async function runQuery(db: DuckDb, options: RunQueryOptions): Promise<QueryResult> {
  const { signal } = options;
  const tables = distinctTables(options.tables);
  const declared = new Set(tables.flatMap(({ table }) => [...timestampKinds(table.schema)]));
  requireQuery(options.sql);
  const { nowMs } = options;
  const sql = rewriteSql(options.sql, options.tables);
  db.run(NO_FILES);
  let zoned: ReadonlySet<number> | null = null;
  if (declared.has("zoned")) {
    zoned = zonedColumns(db, { sql, nowMs, declare: () => declareTables(db, tables, "zoned") });
  }
  // Types do not depend on which kind of timestamps it is, and only those that are read count.
  const planned = declared.size > 1 ? new Set(["zoned"] as const) : declared;
  defineForPlanning(db, { sql, nowMs, timestamps: planned });
  declareTables(db, tables, "utc");
  db.check(sql);
  const described = describe(db, sql);
  const plan = explain(db, sql);
  const timestamps = timestampsRead(tables, plan);
  if (timestamps.size > 1 && movesZones(sql)) throw mixedTimestamps();
  defineForRunning(db, { sql, nowMs, timestamps });
  db.lock();
  const labels = zoned ?? guessZones(described, { sql, timestamps });
  const run = {
    db,
    plan,
    tables,
    sql: withPortableTypes(sql, { columns: described, zoned: labels }),
    signal,
  };
  const limit = plan.shape === "limited" ? limitOf(sql) : null;
  const inPieces = plan.shape === "rows" || (limit !== null && limit.offset === 0);
  const pieces = inPieces ? runByPieces(run) : runWhole(run, rowsNeeded(options, plan, limit));
  return await limited(pieces, {
    rowLimit: options.rowLimit,
    // Each piece has its own rows of the limit; the first of them all are as good as any.
    ownLimit: inPieces ? limit?.rows ?? null : null,
    labels,
  });
}

/** Kinds of timestamps among the columns that the plan reads, nested ones included. */
function timestampsRead(
  tables: readonly StoredTable[],
  plan: QueryPlan,
): ReadonlySet<"zoned" | "plain"> {
  return new Set(tables.flatMap((stored) => {
    const scan = plan.scans.get(stored.store);
    if (scan === undefined) return [];
    const read = new Set(columnsToRead(stored.table.schema, scan));
    const fields = stored.table.schema.fields.filter(({ name }) => read.has(name));
    return [...timestampKinds({ fields })];
  }));
}

interface Run {
  readonly db: DuckDb;
  readonly plan: QueryPlan;
  readonly tables: readonly StoredTable[];
  readonly sql: string;
  readonly signal: AbortSignal;
}

interface OwnLimit {
  readonly rows: number;
  readonly offset: number;
}

/** The limit at the end of the query, where it is plain numbers. */
function limitOf(sql: string): OwnLimit | null {
  const end = tokenizeSql(sql).slice(-4);
  const [first, rows, second, offset] = isSqlWord(end[0], "LIMIT") ? end : end.slice(-2);
  const isPlain = (token: SqlToken | undefined) => /^\d{1,9}$/.test(token?.text ?? "");
  if (!isSqlWord(first, "LIMIT") || !isPlain(rows)) return null;
  if (second === undefined) return { rows: Number(rows?.text), offset: 0 };
  if (!isSqlWord(second, "OFFSET") || !isPlain(offset)) return null;
  return { rows: Number(rows?.text), offset: Number(offset?.text) };
}

/** Rows that the query's only table must supply; null for all. */
function rowsNeeded(
  { rowLimit }: RunQueryOptions,
  plan: QueryPlan,
  limit: OwnLimit | null,
): number | null {
  const [scan] = plan.scans.values();
  const filtered = scan?.filters.some((filters) => filters.length > 0) ?? true;
  if (limit === null || filtered) return null;
  return Math.min(limit.rows, rowLimit === null ? Infinity : rowLimit + 1) + limit.offset;
}

interface Piece {
  readonly schema: ArrowSchema;
  readonly batches: AsyncIterable<RecordBatch>;
}

async function* runWhole(run: Run, needed: number | null): AsyncGenerator<Piece> {
  const { db, plan, tables, sql, signal } = run;
  for (const stored of tables) {
    const scan = plan.scans.get(stored.store);
    if (scan === undefined) continue;
    recreate(db, stored, scan);
    const bounds = { ...INSERT, rows: Math.min(INSERT.rows, needed ?? Infinity) };
    let missing = needed ?? Infinity;
    for await (const { batches, rows } of portions(read(stored, scan, signal), () => bounds)) {
      db.insert({ schema: STORE, name: stored.store }, batches);
      missing -= rows;
      if (missing <= 0) break;
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
  let ran = false;
  const piece = async (batches: readonly RecordBatch[]) => {
    recreate(db, stored, scan);
    db.insert({ schema: STORE, name: stored.store }, batches);
    ran = true;
    return await db.stream(sql, signal);
  };
  // The first rows go through at once: they may be all that is wanted.
  const bounds = () => ran ? PIECE : { rows: 1, bytes: PIECE.bytes };
  for await (const { batches } of portions(read(stored, scan, signal), bounds)) {
    yield await piece(batches);
  }
  if (!ran) yield await piece([]);
}

async function* read(
  stored: StoredTable,
  scan: PlannedScan,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  const { schema } = stored.table;
  const columns = columnsToRead(schema, scan);
  const filter = fileFilter(scan.filters, schema);
  yield* stored.table.scan({ columns, filter, signal });
}

/** Joins the pieces, puts zones back, and stops after the limits. */
async function limited(
  pieces: AsyncGenerator<Piece>,
  { rowLimit, ownLimit, labels }: {
    readonly rowLimit: number | null;
    readonly ownLimit: number | null;
    readonly labels: ReadonlySet<number>;
  },
): Promise<QueryResult> {
  const first = await pieces.next();
  if (first.done) throw new TypeError("A query has at least one piece");
  let truncated = false;
  async function* batches(piece: Piece): AsyncGenerator<RecordBatch> {
    // Rows beyond the query's own limit are none of the result, and are not missed.
    const cuts = (rowLimit ?? Infinity) < (ownLimit ?? Infinity);
    let left = Math.min(rowLimit ?? Infinity, ownLimit ?? Infinity);
    try {
      for (let next: IteratorResult<Piece> = { done: false, value: piece }; !next.done;) {
        for await (const batch of next.value.batches) {
          const kept = batch.numRows <= left ? batch : batch.slice(0, left);
          truncated ||= cuts && kept.numRows < batch.numRows;
          if (kept.numRows > 0) yield withZones(kept, labels);
          left -= kept.numRows;
          if (truncated || (left === 0 && !cuts)) return;
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
