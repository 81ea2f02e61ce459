/** `POST /api/query`: what is asked, how it is answered, and who runs it. */
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";

/** Most rows of a JSON answer where the request names no limit. */
export const DEFAULT_ROW_LIMIT = 1_000;
/** Most rows that a request may ask for as JSON; the other formats have no bound. */
export const MAX_JSON_ROWS = 100_000;
/** A query's time where the request names none, in milliseconds. */
export const DEFAULT_QUERY_MS = 60_000;
/** The most that a request may ask for, in milliseconds. */
export const MAX_QUERY_MS = 3_600_000;
/** Longest query, in UTF-16 units: the main isolate looks for tables in it while others wait. */
export const MAX_SQL_CHARS = 64 * 1024;

const SnapshotId = z.string().regex(/^\d{1,19}$/, "Expected a snapshot id, decimal digits as text");

/** Which state of a table a query sees; exactly one member. */
export const QueryAt = z.union([
  z.strictObject({ snapshot_id: SnapshotId }),
  z.strictObject({ ref: z.string().min(1) }),
  z.strictObject({ timestamp: z.iso.datetime({ offset: true }) }),
]);
export type QueryAt = z.infer<typeof QueryAt>;

/** The body of `POST /api/query`. */
export const QueryRequest = z.strictObject({
  sql: z.string().min(1).max(MAX_SQL_CHARS).refine(
    // The engine takes one for the end of the text, and would not see what follows.
    (sql) => !sql.includes("\0"),
    "Expected no NUL characters",
  ).meta({ description: "One query that reads" }),
  limit: z.int().positive().optional().meta({
    description: `Most rows; ${DEFAULT_ROW_LIMIT} for JSON without it, all for other formats`,
  }),
  timeout_ms: z.int().positive().max(MAX_QUERY_MS).optional().meta({
    description: `${DEFAULT_QUERY_MS} without it`,
  }),
  at: z.record(z.string(), QueryAt).optional().meta({
    description: "By table as the query names it: the state that it sees",
  }),
}).meta({ id: "Query" });
export type QueryRequest = z.infer<typeof QueryRequest>;

/** A JSON answer; other formats have their own media types. */
export const QueryAnswer = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.record(z.string(), z.unknown())),
  row_count: z.int(),
  truncated: z.boolean().meta({ description: "Whether the limit cut the result" }),
}).meta({ id: "QueryAnswer" });

/** Formats of a result. */
export const ResultFormat = z.enum(["json", "ndjson", "csv", "arrow"]);
export type ResultFormat = z.infer<typeof ResultFormat>;

/** A query with its tables located, as its isolate takes it. */
export const QueryParams = z.object({
  sql: z.string(),
  format: ResultFormat,
  rowLimit: z.int().nullable(),
  nowMs: z.int(),
  tables: z.array(z.object({
    mention: z.object({ parts: z.array(z.string()).readonly(), start: z.int(), end: z.int() }),
    location: TableLocationSchema,
    at: QueryAt.nullable(),
  })),
});
export type QueryParams = z.infer<typeof QueryParams>;

/** Bounds of one run. */
export interface QueryRun {
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
}

/** Runs queries, each in an isolate that it shares with no other. */
export interface QueryRunner {
  /**
   * Resolves when the first bytes of the result are there, so that what is wrong with the query is
   * an error here. What fails later breaks the stream. A stream that is cancelled ends the query.
   */
  run(params: QueryParams, run: QueryRun): Promise<ReadableStream<Uint8Array>>;
}
