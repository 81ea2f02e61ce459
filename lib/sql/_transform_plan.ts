/** Plans a query over batches: over an empty table, in a database that is then ready to run it. */
import type { Schema as ArrowSchema } from "apache-arrow";
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import {
  BATCH_STORE,
  BATCH_TABLE,
  batchMentions,
  declareBatch,
  narrowBatch,
} from "./_batch_tables.ts";
import type { BatchMentions } from "./_batch_tables.ts";
import { checkCondition, whereClause } from "./_condition.ts";
import { outputSchema, requireColumns } from "./_output_schema.ts";
import { runTransform } from "./_run_transform.ts";
import { asTransform, type TransformStep, unknownTable } from "./_transform_error.ts";
import {
  columnsToRead,
  declarations,
  describe,
  explain,
  guessZones,
  mixedTimestamps,
  movesZones,
  selectAll,
  STORE,
  zonedColumns,
} from "./engine_session.ts";
import { timestampKinds, zonedSchema } from "./engine_types.ts";
import { fileFilter } from "./pushdown.ts";
import { type DescribedColumn, withPortableTypes } from "./result_types.ts";
import type { PlannedScan, QueryPlan } from "./scan_plan.ts";
import { defineForPlanning, defineForRunning, mayAskForTime } from "./stand_ins.ts";
import { requireQuery, rewriteSql } from "./text/rewrite_sql.ts";
import { sqlName, tokenizeSql } from "./text/sql_tokens.ts";
import type { PlannedTransform, TransformOptions } from "./transform.ts";
import { isVolatile } from "./volatile_functions.ts";

const NO_FILES = "SET enable_external_access = false";
/** Views of the engine's own catalog, by what their plans read. */
const ENGINE_CATALOG = /^(?:DUCKDB|PRAGMA|PG)_/;
const never = new AbortController().signal;

/** Options of {@linkcode planTransform}. */
export interface PlanTransformOptions extends TransformOptions {
  readonly transform: string;
}

/** See the module; `db` is empty. Errors are those of `openTransform`. */
export async function planTransform(
  db: DuckDb,
  options: PlanTransformOptions,
): Promise<PlannedTransform> {
  const { schema, where, transform } = options;
  const mentions = batchMentions(transform, options.names);
  const step: TransformStep = { part: "transform", step: "open", names: mentions.names };
  const sql = asTransform(() => {
    requireQuery(transform);
    if (!mentions.some || namesStore(transform)) throw unknownTable("transform", mentions.names);
    return rewriteSql(transform, mentions.dotted);
  }, step);
  const text = `${where ?? ""}\n${transform}`;
  db.run(NO_FILES);
  const asked = {
    ...options,
    sql,
    text,
    mentions,
    clause: where === null ? "" : whereClause(where),
  };
  const planned = asTransform(() => planOver(db, asked), step);
  if ([...planned.plan.sources].some((source) => ENGINE_CATALOG.test(source))) {
    throw unknownTable("transform", mentions.names);
  }
  requireColumns(planned.described);
  const { scan, columns, labels, timestamps } = asTransform(() => readsOf(planned, asked), step);
  const declared = declarations(schema.fields.filter(({ name }) => columns.includes(name)));
  narrowBatch(db, { columns: declared, select: shown(asked, columns) });
  const portable = withPortableTypes(sql, { columns: planned.described, zoned: labels });
  const result = zonedSchema(await resultSchema(db, portable), labels);
  const standIns = { sql: text, timestamps };
  defineForRunning(db, { ...standIns, nowMs: options.nowMs });
  db.lock();
  const output = outputSchema(result);
  const isRows = planned.plan.shape === "rows";
  const volatile = isVolatile(text);
  return {
    outputSchema: output,
    columns,
    filter: fileFilter(scan.filters, schema),
    filterSuffices: false,
    isRowWise: isRows && !volatile,
    isRepeatable: !volatile && !mayAskForTime(text),
    run: (batches, run) =>
      runTransform(
        { db, sql: portable, byPieces: isRows, columns, declared, output, standIns, step },
        batches,
        run,
      ),
  };
}

/** Behind the views, rows are not filtered yet. */
function namesStore(sql: string): boolean {
  return tokenizeSql(sql).some((token) =>
    token.kind === "name" && sqlName(token).toLowerCase() === STORE
  );
}

interface Asked extends PlanTransformOptions {
  /** The query, made ready for the engine. */
  readonly sql: string;
  /** All that was written, to look for calls in. */
  readonly text: string;
  readonly mentions: BatchMentions;
  /** ` WHERE …`, or nothing. */
  readonly clause: string;
}

interface Planned {
  readonly described: readonly DescribedColumn[];
  readonly plan: QueryPlan;
  /** Columns of the result that are instants; null where the engine could not tell. */
  readonly zoned: ReadonlySet<number> | null;
}

function planOver(db: DuckDb, asked: Asked): Planned {
  const { schema, sql, text, mentions, clause, nowMs, where } = asked;
  const kinds = timestampKinds(schema);
  const all = schema.fields.map(({ name }) => name);
  // Types do not depend on which rows there are.
  const declare = () =>
    declareBatch(db, {
      columns: declarations(schema.fields, "zoned"),
      select: `FROM ${BATCH_TABLE}`,
      mentions,
    });
  const zoned = kinds.has("zoned") ? zonedColumns(db, { sql, nowMs, declare }) : null;
  const timestamps = kinds.size > 1 ? new Set(["zoned"] as const) : kinds;
  defineForPlanning(db, { sql: text, nowMs, timestamps });
  const columns = declarations(schema.fields);
  if (where !== null) checkCondition(db, { columns, clause });
  declareBatch(db, { columns, select: shown(asked, all), mentions });
  db.check(sql);
  return { described: describe(db, sql), plan: explain(db, sql), zoned };
}

interface Reads {
  readonly scan: PlannedScan;
  readonly columns: readonly string[];
  readonly timestamps: ReadonlySet<"zoned" | "plain">;
  readonly labels: ReadonlySet<number>;
}

function readsOf({ plan, described, zoned }: Planned, { schema, text }: Asked): Reads {
  const scan = plan.scans.get(BATCH_STORE) ?? { columns: new Set<string>(), filters: [[]] };
  const columns = columnsToRead(schema, scan);
  const fields = schema.fields.filter(({ name }) => columns.includes(name));
  const timestamps = timestampKinds({ fields });
  if (timestamps.size > 1 && movesZones(text)) throw mixedTimestamps();
  const labels = zoned ?? guessZones(described, { sql: text, timestamps });
  return { scan, columns, timestamps, labels };
}

function shown({ schema, clause }: Asked, columns: readonly string[]): string {
  return `${selectAll(schema, columns)} FROM ${BATCH_TABLE}${clause}`;
}

/** The columns of a result without a row of it being computed. */
async function resultSchema(db: DuckDb, sql: string): Promise<ArrowSchema> {
  const { schema, batches } = await db.stream(`SELECT * FROM (\n${sql}\n) LIMIT 0`, never);
  await Array.fromAsync(batches);
  return schema;
}
