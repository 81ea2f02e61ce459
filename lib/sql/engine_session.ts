/** The tables of a query inside the engine: declared, described, planned over. */
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import { AppError } from "../errors.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import type { NestedField } from "../iceberg/spec/types.ts";
import type { MentionedTable, QueryTable } from "./query_table.ts";
import { columnDeclaration, engineType, unsupportedType, type ZoneMode } from "./engine_types.ts";
import type { DescribedColumn } from "./result_types.ts";
import { quoteName } from "./text/quote_name.ts";
import { isSqlSymbol, isSqlWord, tokenizeSql } from "./text/sql_tokens.ts";
import { type PlannedScan, type QueryPlan, readPlan } from "./scan_plan.ts";
import { defineForPlanning } from "./stand_ins.ts";

/** Schema of the engine's own tables, so that no namespace of the catalog meets them. */
export const STORE = "drls_store";
const OPTIMIZERS_OFF = "statistics_propagation,late_materialization";

/** Where tables lie that have no namespace, as at the root of a hadoop warehouse. */
export const ROOT_NAMESPACE = "main";
/** Schemas of the engine's own; tables of namespaces with these names cannot be told apart from theirs. */
const RESERVED_NAMESPACES = new Set([STORE, "information_schema", "pg_catalog"]);

/** A table of the query and where the engine keeps its rows. */
export interface StoredTable {
  readonly namespace: string;
  readonly name: string;
  readonly table: QueryTable;
  /** Its name in the engine. */
  readonly store: string;
}

/** Tables mentioned more than once are read once. */
export function distinctTables(mentioned: readonly MentionedTable[]): readonly StoredTable[] {
  const byName = new Map<string, StoredTable>();
  for (const { namespace, name, table } of mentioned) {
    if (RESERVED_NAMESPACES.has(namespace.toLowerCase())) throw reservedNamespace(namespace);
    const key = `${namespace}\0${name}`;
    const store = `t${byName.size}`;
    if (!byName.has(key)) byName.set(key, { namespace, name, table, store });
  }
  return [...byName.values()];
}

/** Declares the tables empty, under their own names. */
export function declareTables(db: DuckDb, tables: readonly StoredTable[], mode: ZoneMode): void {
  const statements = [`CREATE SCHEMA ${STORE}`];
  for (const { store, table, namespace, name } of tables) {
    statements.push(
      `CREATE TABLE ${STORE}.${store} (${declarations(table.schema.fields, mode)})`,
      `CREATE SCHEMA IF NOT EXISTS ${quoteName(namespace)}`,
      `CREATE VIEW ${quoteName(namespace)}.${quoteName(name)} AS FROM ${STORE}.${store}`,
    );
  }
  runAll(db, statements);
}

/** In one call: each costs more than what it does. */
export function runAll(db: DuckDb, statements: readonly string[]): void {
  db.run(statements.join(";\n"));
}

/** The columns of a query's result. */
export function describe(db: DuckDb, sql: string): readonly DescribedColumn[] {
  const rows = db.run(`DESCRIBE ${sql}`).toArray();
  return rows.map((row) => ({ name: row["column_name"], type: row["column_type"] }));
}

/**
 * Which columns of the result are zoned: the engine is asked about the same tables with zoned types.
 * Null where the query computes with them what only UTC timestamps can. Nothing of it stays.
 */
export function zonedColumns(
  db: DuckDb,
  { sql, declare, nowMs }: {
    readonly sql: string;
    /** Declares what the query reads, with zoned types. */
    readonly declare: () => void;
    readonly nowMs: number;
  },
): ReadonlySet<number> | null {
  db.run("BEGIN TRANSACTION");
  try {
    defineForPlanning(db, { sql, nowMs, timestamps: new Set() });
    runAll(db, ZONE_KEEPERS);
    declare();
    db.check(sql);
    const columns = describe(db, sql);
    return new Set(columns.flatMap(({ type }, i) => type.includes("WITH TIME ZONE") ? [i] : []));
  } catch (error) {
    if (
      error instanceof AppError && ["sql_invalid", "sql_extension_missing"].includes(error.code)
    ) {
      return null;
    }
    throw error;
  } finally {
    // A new database would do as well, and take ten times as long.
    if (!db.trapped) db.run("ROLLBACK");
  }
}

/** What keeps the zone of its argument; only types are asked for. */
const ZONE_KEEPERS = [
  "CREATE OR REPLACE MACRO date_trunc(p, t) AS t",
  "CREATE OR REPLACE MACRO time_bucket(w, t) AS t",
];

/** Whether the query says `AT TIME ZONE`, whose meaning depends on the kind of its timestamp. */
export function movesZones(sql: string): boolean {
  const tokens = tokenizeSql(sql);
  return tokens.some((token, i) =>
    isSqlWord(token, "TIMEZONE") && isSqlSymbol(tokens[i + 1], "(") ||
    isSqlWord(token, "AT") && isSqlWord(tokens[i + 1], "TIME") && isSqlWord(tokens[i + 2], "ZONE")
  );
}

/** The refusal of a query that moves timestamps of both kinds, which the engine cannot tell apart. */
export function mixedTimestamps(): AppError {
  const message =
    "Cannot run the query: AT TIME ZONE is not part of it where both timestamps with " +
    "and without a zone are read; write to_local_time(timestamp, zone) for what it does to those " +
    "with one, and to_instant(timestamp, zone) for the others";
  return new AppError("unsupported", "sql_timestamps_mixed", message);
}

/** What turns an instant into a wall-clock time under its own name. */
const TO_LOCAL_TIME = /\bto_local_time\s*\(/i;

/**
 * Without a better answer: where all timestamps read are zoned and none is moved to another zone,
 * those of the result are zoned.
 */
export function guessZones(
  columns: readonly DescribedColumn[],
  { sql, timestamps }: {
    readonly sql: string;
    readonly timestamps: ReadonlySet<"zoned" | "plain">;
  },
): ReadonlySet<number> {
  const shifts = movesZones(sql) || TO_LOCAL_TIME.test(sql);
  if (!timestamps.has("zoned") || timestamps.has("plain") || shifts) {
    return new Set();
  }
  return new Set(columns.flatMap(({ type }, i) => /\bTIMESTAMP/.test(type) ? [i] : []));
}

/** What the query needs of its tables. */
export function explain(db: DuckDb, sql: string): QueryPlan {
  const plan = (off: string) => {
    const [row] = db.run(
      `SET disabled_optimizers = '${off}'; EXPLAIN (FORMAT json) ${sql}`,
    ).toArray();
    return String(row?.["explain_value"]);
  };
  const columns = plan(`${OPTIMIZERS_OFF},filter_pushdown`);
  const filters = plan(OPTIMIZERS_OFF);
  db.run("SET disabled_optimizers = ''");
  return readPlan({ columns, filters });
}

/** Replaces the table behind a view by one that has only the columns that the query reads. */
export function recreate(db: DuckDb, stored: StoredTable, scan: PlannedScan): void {
  const { store, table, namespace, name } = stored;
  const columns = columnsToRead(table.schema, scan);
  const view = `${quoteName(namespace)}.${quoteName(name)}`;
  const declared = table.schema.fields.filter(({ name }) => columns.includes(name));
  runAll(db, [
    `DROP VIEW ${view}`,
    `DROP TABLE ${STORE}.${store}`,
    `CREATE TABLE ${STORE}.${store} (${declarations(declared)})`,
    `CREATE VIEW ${view} AS ${selectAll(table.schema, columns)} FROM ${STORE}.${store}`,
  ]);
}

/** The declarations of a table's columns. */
export function declarations(fields: readonly NestedField[], mode: ZoneMode = "utc"): string {
  return fields.map((field) => columnDeclaration(field, mode)).join(", ");
}

/** `SELECT` of every column of the schema, without its FROM; those that are not `stored` are null. */
export function selectAll(schema: Schema, stored: readonly string[]): string {
  const shown = schema.fields.map(({ name, type }) =>
    stored.includes(name)
      ? quoteName(name)
      : `NULL::${engineType(type, "utc")} AS ${quoteName(name)}`
  );
  return `SELECT ${shown.join(", ")}`;
}

/** At least one: rows are counted by a column. The plan names parts of structs by their path. */
export function columnsToRead(schema: Schema, scan: PlannedScan): readonly string[] {
  const names = schema.fields.map(({ name }) => name);
  const needed = names.filter((name) =>
    [...scan.columns].some((column) => column === name || column.startsWith(`${name}.`))
  );
  for (const field of schema.fields) {
    const why = needed.includes(field.name) ? unsupportedType(field.type) : null;
    if (why === null) continue;
    const message = `Cannot run the query: column "${field.name}" holds ${why} values, which ` +
      "cannot be queried; select other columns";
    throw new AppError("unsupported", "column_type_unsupported", message);
  }
  if (needed.length > 0) return needed;
  const cheap = schema.fields.find(({ type }) => ["boolean", "int", "date"].includes(type.kind)) ??
    schema.fields.find(({ type }) => unsupportedType(type) === null);
  if (cheap === undefined) {
    throw new AppError("unsupported", "no_columns", "Cannot query a table without columns");
  }
  return [cheap.name];
}

function reservedNamespace(namespace: string): AppError {
  const message = `Cannot query tables of the namespace "${namespace}": the engine has its own ` +
    "tables under this name";
  return new AppError("unsupported", "namespace_reserved", message);
}
