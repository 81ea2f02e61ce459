/**
 * What a pipeline does to the rows of a batch: a condition, a query over what passes it, or both. It is
 * planned once and run often: over batches of one source, one after the other, in one database.
 *
 * A query whose every row comes from one row of the batch runs piece by piece, whatever the batch's
 * size. Every other query holds the batch, within the engine's bound.
 */
import type { RecordBatch } from "apache-arrow";
import type { DuckDb } from "../columnar/duckdb/mod.ts";
import type { Expression } from "../iceberg/expression/expression.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import { planCondition } from "./_condition.ts";
import { rowsAsTheyAre } from "./_plain_filter.ts";
import { planTransform } from "./_transform_plan.ts";

/** Options of {@linkcode openTransform}. */
export interface TransformOptions {
  /** The source's. Batches have its columns, in their Arrow form. */
  readonly schema: Schema;
  /** How the query may name the batch, beside `batch` and `source`: dotted names of the source. */
  readonly names: readonly string[];
  /** A condition on rows of the source; null for all. */
  readonly where: string | null;
  /** One query over the rows that pass; null where they stay as they are. */
  readonly transform: string | null;
  /** `now()` in both. */
  readonly nowMs: number;
}

/** A transform, ready to run. */
export interface Transform {
  /** Of the rows that come out; ids of its own, unless rows stay as they are. */
  readonly outputSchema: Schema;
  /** Columns of the source that batches must have, in the schema's order. Others are ignored. */
  readonly columns: readonly string[];
  /** Rows of the source that do not match may be left out of batches. */
  readonly filter: Expression;
  /** Whether rows that match `filter` come out as they are, so that nothing need be run. */
  readonly filterSuffices: boolean;
  /** Whether every row that comes out depends on one row of the batch and on nothing else than `now()`. */
  readonly isRowWise: boolean;
  /** Whether the same batch gives the same rows at any time. */
  readonly isRepeatable: boolean;
  /**
   * Runs over one batch. One run at a time. Errors: `invalid`/`transform_failed` where a row makes the
   * query fail, `too_large`/`transform_out_of_memory`, and those of an engine that broke, whose
   * database says so (`trapped`).
   */
  run(batches: AsyncIterable<RecordBatch>, signal: AbortSignal): AsyncGenerator<RecordBatch>;
}

/** A transform without its moment. */
export interface PlannedTransform extends Omit<Transform, "run"> {
  run(
    batches: AsyncIterable<RecordBatch>,
    options: TransformRunOptions,
  ): AsyncGenerator<RecordBatch>;
}

/** Options of a run. */
export interface TransformRunOptions {
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** What a database was last opened for: to plan takes much longer than to run. */
const planned = new WeakMap<DuckDb, { readonly key: string; readonly plan: PlannedTransform }>();

/**
 * Plans a transform in a database that serves nothing else; what is in it is forgotten, unless the same
 * transform was planned there before. Errors are of kind `invalid` (`transform_invalid` and those
 * of queries) or `unsupported`, with the paths `where` and `transform`.
 */
export async function openTransform(db: DuckDb, options: TransformOptions): Promise<Transform> {
  const plain = transformWithoutEngine(options);
  if (plain !== null) return plain;
  const key = keyOf(options);
  const known = planned.get(db);
  if (known?.key === key && !db.trapped) return at(known.plan, options.nowMs);
  planned.delete(db);
  db.reset();
  const { where, transform } = options;
  const plan = transform !== null
    ? await planTransform(db, { ...options, transform })
    : planCondition(db, { ...options, where: where ?? "true" });
  planned.set(db, { key, plan });
  return at(plan, options.nowMs);
}

/**
 * The transform where it needs no engine: rows that stay as they are, all of them or those that match
 * a condition which drls understands exactly. Null for every other.
 */
export function transformWithoutEngine(options: TransformOptions): Transform | null {
  const plain = options.transform === null ? rowsAsTheyAre(options) : null;
  return plain === null ? null : at(plain, options.nowMs);
}

function at(plan: PlannedTransform, nowMs: number): Transform {
  return { ...plan, run: (batches, signal) => plan.run(batches, { nowMs, signal }) };
}

function keyOf({ schema, names, where, transform }: TransformOptions): string {
  const columns = schema.fields.map(({ name, type }) => ({ name, type }));
  const text = { columns, names, where, transform };
  return JSON.stringify(text, (_, value) => typeof value === "bigint" ? String(value) : value);
}
