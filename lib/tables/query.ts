/** The verb of `POST /api/query`: which tables are meant, and what they are seen at. */
import { type CallContext, requireRole } from "../access/mod.ts";
import { findTable, type TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { mapConcurrently } from "../concurrency.ts";
import { AppError } from "../errors.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import { type TableMention, tablesOf } from "../sql/text/mod.ts";
import {
  DEFAULT_QUERY_MS,
  DEFAULT_ROW_LIMIT,
  MAX_JSON_ROWS,
  type QueryAt,
  type QueryRequest,
  type QueryRunner,
  type ResultFormat,
} from "./contract/query.ts";
import type { TablesDeps } from "./tables.ts";

/** Tables that one query may name. */
const MAX_TABLES = 64;
const LOCATE_CONCURRENCY = 8;

/** What the verb stands on. */
export interface QueriesDeps extends Pick<TablesDeps, "withCatalog"> {
  readonly queries: QueryRunner;
  readonly clock: Clock;
}

/** A query, and how its result is wanted. */
export interface QueryInput {
  readonly request: QueryRequest;
  readonly format: ResultFormat;
}

/** The verb on queries. */
export interface Queries {
  /** The bytes of the result in its format. Errors of the query itself are `invalid`. */
  run(ctx: CallContext, input: QueryInput): Promise<ReadableStream<Uint8Array>>;
}

/** Builds the verb. */
export function createQueries(deps: QueriesDeps): Queries {
  return { run: (ctx, input) => runQuery(deps, ctx, input) };
}

async function runQuery(
  deps: QueriesDeps,
  ctx: CallContext,
  { request, format }: QueryInput,
): Promise<ReadableStream<Uint8Array>> {
  requireRole(ctx, "Auditor", "table.query");
  const { sql, at = {}, timeout_ms: deadlineMs = DEFAULT_QUERY_MS } = request;
  const rowLimit = rowLimitOf(request, format);
  const mentions = tablesOf(sql);
  if (mentions.length > MAX_TABLES) {
    const message = `Cannot run the query: it names more than ${MAX_TABLES} tables`;
    throw new AppError("too_large", "query_tables_too_many", message);
  }
  const located = await locate(deps, mentions, ctx);
  const states = await statesOf(deps, { at, located, ctx });
  const tables = located.map(({ mention, location }) => ({
    mention,
    location,
    at: states.get(formatIdentifier(location.identifier)) ?? null,
  }));
  const params = { sql, format, rowLimit, nowMs: deps.clock.now(), tables };
  return await deps.queries.run(params, { signal: ctx.signal, deadlineMs });
}

interface LocatedMention {
  readonly mention: TableMention;
  readonly location: TableLocation;
}

/** Without those that are no tables of the catalog: the engine knows whether they are anything. */
async function locate(
  deps: QueriesDeps,
  mentions: readonly TableMention[],
  ctx: CallContext,
): Promise<readonly LocatedMention[]> {
  const names = [...new Set(mentions.map(({ parts }) => parts.join(".")))];
  const found = await mapConcurrently(names, async (name) => {
    try {
      const location = await deps.withCatalog((catalog) =>
        findTable(catalog, name, { signal: ctx.signal })
      );
      return [[name, location] as const];
    } catch (error) {
      const unknown = error instanceof AppError &&
        ["not_found", "invalid"].includes(error.kind);
      if (unknown) return [];
      throw error;
    }
  }, { limit: LOCATE_CONCURRENCY });
  const byName = new Map(found.flat());
  return mentions.flatMap((mention) => {
    const location = byName.get(mention.parts.join("."));
    return location === undefined ? [] : [{ mention, location }];
  });
}

/** By identifier; `at` may name a table with or without the catalog. */
async function statesOf(
  deps: QueriesDeps,
  { at, located, ctx }: {
    readonly at: Readonly<Record<string, QueryAt>>;
    readonly located: readonly LocatedMention[];
    readonly ctx: CallContext;
  },
): Promise<ReadonlyMap<string, QueryAt>> {
  const known = new Set(located.map(({ location }) => formatIdentifier(location.identifier)));
  const states = new Map<string, QueryAt>();
  for (const [name, state] of Object.entries(at)) {
    const { identifier } = await deps.withCatalog((catalog) =>
      findTable(catalog, name, { signal: ctx.signal })
    );
    const table = formatIdentifier(identifier);
    if (!known.has(table) || states.has(table)) {
      const problem = known.has(table)
        ? "the table is named twice"
        : "the query does not read this table";
      throw new AppError("invalid", "validation_failed", `Cannot run the query: ${problem}`, {
        issues: [{ path: `at.${name}`, message: problem }],
      });
    }
    states.set(table, state);
  }
  return states;
}

function rowLimitOf({ limit }: QueryRequest, format: ResultFormat): number | null {
  if (format !== "json") return limit ?? null;
  if (limit === undefined || limit <= MAX_JSON_ROWS) return limit ?? DEFAULT_ROW_LIMIT;
  const message = `Expected at most ${MAX_JSON_ROWS} rows as JSON; ask for NDJSON, CSV or Arrow ` +
    "with the header Accept for more";
  throw new AppError(
    "invalid",
    "validation_failed",
    "Cannot run the query: the limit is too high",
    {
      issues: [{ path: "limit", message }],
    },
  );
}
