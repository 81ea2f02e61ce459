/** Answers one query in this isolate: opens its tables, runs it, writes the result. */
import type { DuckDb } from "../../columnar/duckdb/mod.ts";
import { mapConcurrently } from "../../concurrency.ts";
import { formatIdentifier } from "../../iceberg/ports.ts";
import { type MentionedTable, type QueryTable, ROOT_NAMESPACE, runQuery } from "../../sql/mod.ts";
import type { QueryParams } from "../contract/query.ts";
import type { CachedTables } from "../read/cached_tables.ts";
import { openLakeTable } from "./lake_table.ts";
import { writeResult } from "./result_text.ts";

/** Tables whose metadata is loaded at a time. */
const LOAD_CONCURRENCY = 4;

/** Options of {@linkcode answerQuery}. */
export interface AnswerQueryOptions {
  /** With an empty database that nobody else has used. */
  readonly db: DuckDb;
  /** Keep what they load for the next queries: nothing but what the tables' files say of themselves. */
  readonly cachedTables: CachedTables;
  readonly signal: AbortSignal;
}

/** The result, piece by piece; nothing is done before the first is asked for. */
export async function* answerQuery(
  { sql, format, rowLimit, nowMs, tables }: QueryParams,
  { db, cachedTables, signal }: AnswerQueryOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const mentioned = await openAll(tables, { cachedTables, signal });
  const result = await runQuery(db, { sql, tables: mentioned, rowLimit, nowMs, signal });
  yield* writeResult(result, format);
}

/** One table named twice, be it with and without the catalog, is loaded once: at one state. */
async function openAll(
  tables: QueryParams["tables"],
  { cachedTables, signal }: Pick<AnswerQueryOptions, "cachedTables" | "signal">,
): Promise<readonly MentionedTable[]> {
  const byName = new Map(
    tables.map((table) => [formatIdentifier(table.location.identifier), table]),
  );
  const opened = new Map<string, QueryTable>();
  await mapConcurrently([...byName], async ([name, { location, at }]) => {
    opened.set(name, await openLakeTable({ location, at, tables: cachedTables, signal }));
  }, { limit: LOAD_CONCURRENCY, signal });
  return tables.flatMap(({ mention, location: { identifier } }) => {
    const table = opened.get(formatIdentifier(identifier));
    const { namespace, name } = identifier;
    if (table === undefined) return [];
    return [{ mention, namespace: namespace.join(".") || ROOT_NAMESPACE, name, table }];
  });
}
