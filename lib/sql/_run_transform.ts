/** Runs a planned query over the rows of one batch. */
import type { RecordBatch } from "apache-arrow";
import { throwIfAborted } from "../abort.ts";
import type { DuckDb, ResultStream } from "../columnar/duckdb/mod.ts";
import { type ColumnFault, NameProjection } from "../columnar/mod.ts";
import { AppError } from "../errors.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import { emptyBatch, fillBatch, pickColumns } from "./_batch_tables.ts";
import { asTransform, transformError, type TransformStep } from "./_transform_error.ts";
import { INSERT, PIECE, portions } from "./portions.ts";
import { moveNow, type StandInOptions } from "./stand_ins.ts";
import type { TransformRunOptions } from "./transform.ts";

/** A query that is ready to run, in its database. */
export interface ReadyTransform {
  readonly db: DuckDb;
  readonly sql: string;
  /** Each piece of a batch gives its part of the result. */
  readonly byPieces: boolean;
  /** Columns of the batch that enter the engine, and how they are declared there. */
  readonly columns: readonly string[];
  readonly declared: string;
  /** What comes out. */
  readonly output: Schema;
  readonly standIns: Omit<StandInOptions, "nowMs">;
  readonly step: TransformStep;
}

/** The rows of the result, in the Arrow form of its schema. Nothing of the batch stays in the engine. */
export async function* runTransform(
  ready: ReadyTransform,
  batches: AsyncIterable<RecordBatch>,
  { nowMs, signal }: TransformRunOptions,
): AsyncGenerator<RecordBatch> {
  const { db, byPieces, declared, columns } = ready;
  const step: TransformStep = { ...ready.step, step: "run" };
  const empty = () => emptyBatch(db, declared);
  const picked = portions(pickAll(batches, columns), () => byPieces ? PIECE : INSERT);
  try {
    asTransform(() => {
      moveNow(db, { ...ready.standIns, nowMs });
      empty();
    }, step);
    for await (const portion of picked) {
      asTransform(() => fillBatch(db, portion.batches), step);
      throwIfAborted(signal);
      if (!byPieces) continue;
      yield* results(ready, signal);
      asTransform(empty, step);
    }
    if (!byPieces) yield* results(ready, signal);
  } finally {
    if (!db.trapped) empty();
  }
}

async function* pickAll(
  batches: AsyncIterable<RecordBatch>,
  columns: readonly string[],
): AsyncGenerator<RecordBatch> {
  for await (const batch of batches) if (batch.numRows > 0) yield pickColumns(batch, columns);
}

async function* results(
  { db, sql, output, step }: ReadyTransform,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  let projection: NameProjection | null = null;
  const result = engineRows(db.stream(sql, signal), { ...step, step: "run" });
  for await (const batch of result) {
    projection ??= new NameProjection(batch.schema, {
      schema: output,
      // The engine's types are these already; only marks are missing.
      exactness: "none",
      faultOf: oddResult,
    });
    yield projection.project(batch);
  }
}

function oddResult(column: string): ColumnFault {
  return (detail) => {
    const message = `Cannot take column "${column}" of the transform's result: ${detail}`;
    return new AppError("internal", "transform_result_odd", message);
  };
}

async function* engineRows(
  started: Promise<ResultStream>,
  step: TransformStep,
): AsyncGenerator<RecordBatch> {
  // Only what the engine throws: whoever takes the rows has errors of its own.
  try {
    const { batches } = await started;
    yield* batches;
  } catch (error) {
    throw transformError(error, step);
  }
}
