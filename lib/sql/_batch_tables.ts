/**
 * A batch inside the engine: one table, filled anew for each piece, and views over it under all names
 * that a transform may call it by.
 */
import {
  type Data,
  type Field,
  makeData,
  RecordBatch,
  Schema as ArrowSchema,
  Struct,
} from "apache-arrow";
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import { runAll, STORE } from "./engine_session.ts";
import { quoteName } from "./text/quote_name.ts";
import type { NamedMention } from "./text/rewrite_sql.ts";
import { tableNames } from "./text/sql_tables.ts";

/** The engine's table, as plans name it. */
export const BATCH_STORE = "t0";
/** The engine's table, as SQL names it. */
export const BATCH_TABLE = `${STORE}.${BATCH_STORE}`;
/** What the batch is always called. */
const OWN_NAMES = ["batch", "source"];
const ROOT = "main";

/** Where the batch is named in a query. */
export interface BatchMentions {
  /** Everything that it may be called. */
  readonly names: readonly string[];
  /** Mentions by a dotted name, to be rewritten. */
  readonly dotted: readonly NamedMention[];
  /** Whether it is named at all. */
  readonly some: boolean;
}

/** Looks for the batch, which is also called `sourceNames`, in a query. */
export function batchMentions(sql: string, sourceNames: readonly string[]): BatchMentions {
  const names = [...OWN_NAMES, ...sourceNames];
  const found = tableNames(sql).filter(({ parts }) => {
    const name = parts.join(".");
    return names.includes(parts.length === 1 ? ownCase(name) : name);
  });
  const dotted = found.filter(({ parts }) => parts.length > 1).map((mention) => ({
    mention,
    namespace: mention.parts.slice(0, -1).join("."),
    name: mention.parts.at(-1) ?? "",
  }));
  return { names, dotted, some: found.length > 0 };
}

/** Our own names count in any case, as SQL's do. */
function ownCase(name: string): string {
  return OWN_NAMES.includes(name.toLowerCase()) ? name.toLowerCase() : name;
}

/** Declares the batch, empty: `columns` are declarations, `select` what the views show of it. */
export function declareBatch(
  db: DuckDb,
  { columns, select, mentions: { names, dotted } }: {
    readonly columns: string;
    readonly select: string;
    readonly mentions: BatchMentions;
  },
): void {
  const views = new Map<string, string>();
  const add = (namespace: string, name: string) => {
    const view = `${quoteName(namespace)}.${quoteName(name)}`;
    // Names that differ by case are one to the engine.
    if (!views.has(view.toLowerCase())) views.set(view.toLowerCase(), view);
  };
  for (const name of names) if (!name.includes(".")) add(ROOT, name);
  for (const { namespace, name } of dotted) add(namespace, name);
  const [first = "", ...others] = views.values();
  runAll(db, [
    `CREATE SCHEMA ${STORE}`,
    `CREATE TABLE ${BATCH_TABLE} (${columns})`,
    `CREATE VIEW ${first} AS ${select}`,
    ...dotted.map(({ namespace }) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(namespace)}`),
    ...others.map((view) => `CREATE VIEW ${view} AS FROM ${first}`),
  ]);
}

/** Another table and another view behind the same names: columns that nobody reads are left out. */
export function narrowBatch(
  db: DuckDb,
  { columns, select }: { readonly columns: string; readonly select: string },
): void {
  emptyBatch(db, columns);
  const [first] = OWN_NAMES.map((name) => `${quoteName(ROOT)}.${quoteName(name)}`);
  db.run(`CREATE OR REPLACE VIEW ${first} AS ${select}`);
}

/** Empties the table, for some 0.7 ms; what its rows took is free again. */
export function emptyBatch(db: DuckDb, columns: string): void {
  db.run(`CREATE OR REPLACE TABLE ${BATCH_TABLE} (${columns})`);
}

/** Appends rows to the table. */
export function fillBatch(db: DuckDb, batches: readonly RecordBatch[]): void {
  db.insert({ schema: STORE, name: BATCH_STORE }, batches);
}

/** A batch with these columns only, in this order. */
export function pickColumns(batch: RecordBatch, names: readonly string[]): RecordBatch {
  const { fields: given } = batch.schema;
  if (given.length === names.length && names.every((name, at) => given[at]?.name === name)) {
    return batch;
  }
  const fields: Field[] = [];
  const children: Data[] = [];
  for (const name of names) {
    const at = given.findIndex((field) => field.name === name);
    const [field, column] = [given[at], batch.data.children[at]];
    if (field === undefined || column === undefined) {
      throw new TypeError(`Cannot transform a batch without the column "${name}"`);
    }
    fields.push(field);
    children.push(column);
  }
  const type = new Struct(fields);
  const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
  return new RecordBatch(new ArrowSchema(fields), data);
}
