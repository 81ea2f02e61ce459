/**
 * What a pipeline's isolate keeps from tick to tick: the SQL engine, opened when a stream needs it, and
 * how much of the source fits into memory.
 */
import { DuckDb } from "../../columnar/duckdb/mod.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { openTransform, type Transform, transformWithoutEngine } from "../../sql/mod.ts";
import { boundedTransform } from "./bounded_transform.ts";
import type { TickParams } from "../contract/tick_job.ts";

/** What is transformed, and when. */
export interface TransformOptions {
  readonly params: TickParams;
  /** The source's columns. */
  readonly schema: Schema;
  /** `now()` in SQL. */
  readonly nowMs: number;
}

/** See the module. */
export class StreamEngine {
  readonly #module: () => WebAssembly.Module;
  readonly #memoryBytes: number;
  /** Files of a batch, at most: fewer, where more of them did not fit into memory. */
  maxFiles = Number.MAX_SAFE_INTEGER;
  #db: DuckDb | null = null;

  /** `module` is DuckDB, compiled; it is asked for when it is needed. */
  constructor(module: () => WebAssembly.Module, memoryBytes: number) {
    this.#module = module;
    this.#memoryBytes = memoryBytes;
  }

  /** Bytes that the engine holds. */
  get heapBytes(): number {
    return this.#db?.heapBytes ?? 0;
  }

  /** What is done to the rows of a batch; null where they go through as they are. */
  async transform({ params, schema, nowMs }: TransformOptions): Promise<Transform | null> {
    const { where = null, transform = null } = params.options;
    if (where === null && transform === null) return null;
    const options = { schema, names: params.sourceNames, where, transform, nowMs };
    const plain = transformWithoutEngine(options);
    if (plain !== null) return plain;
    const db = this.#db ??= await DuckDb.open({
      module: this.#module(),
      memoryBytes: this.#memoryBytes,
    });
    return boundedTransform(await openTransform(db, options));
  }
}
