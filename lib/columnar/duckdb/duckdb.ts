/**
 * One DuckDB database in WebAssembly. It has no files, no network and no extensions, its settings are
 * locked, and it is thrown away after one caller: nothing of one query reaches the next.
 *
 * The engine is synchronous and single-threaded. A result is streamed message by message, with turns
 * of the event loop in between, so that a cancel or a deadline is noticed.
 */
import {
  type RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  type Schema,
  type Table,
  tableFromIPC,
  Utf8,
} from "apache-arrow";
import { AppError } from "../../errors.ts";
import { Pacer } from "../../pacer.ts";
import { bootEngine, type Engine, type ScalarFunction } from "./_engine.ts";
import { packBooleans, withBooleans } from "./_booleans.ts";
import { cutOff, isTrap, queryFailure } from "./_failure.ts";
import { callWithin, CutOff } from "./_watchdog.ts";

/**
 * The longest that one call into the engine may take, in milliseconds. It comes back between steps,
 * so that most calls take less than one; but a single function over one value may take any time.
 */
export const MAX_CALL_MS = 20_000;

/**
 * Messages that are taken in one call, at most: a call costs a thread that keeps its time, and a message
 * is two thousand rows. The first calls take fewer, for those who want the first rows only.
 */
const MAX_MESSAGES = 64;
/** Bytes and milliseconds after which a call takes no more of them. */
const MAX_MESSAGES_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGES_MS = 8;

/** A table inside the engine. */
export interface EngineTable {
  readonly schema: string;
  readonly name: string;
}

/** Options of {@linkcode DuckDb.open}. */
export interface DuckDbOptions {
  /** The engine, compiled. */
  readonly module: WebAssembly.Module;
  /** Bytes that the database may take. */
  readonly memoryBytes: number;
}

/** A result as it comes. */
export interface ResultStream {
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
}

/** A database; see the module. */
export class DuckDb {
  readonly #engine: Engine;
  readonly #memoryBytes: number;
  #connection: number;
  #trapped = false;
  #endsAtMs = Infinity;
  /** What a function of ours threw in the call under way. */
  #thrown: unknown = null;

  private constructor(engine: Engine, memoryBytes: number) {
    this.#engine = engine;
    this.#memoryBytes = memoryBytes;
    this.#connection = this.#connect();
  }

  /** Boots an engine with an empty database. */
  static async open(options: DuckDbOptions): Promise<DuckDb> {
    return new DuckDb(await bootEngine(options.module), options.memoryBytes);
  }

  /** The engine broke and answers nothing reliable any more: the isolate has to go. */
  get trapped(): boolean {
    return this.#trapped;
  }

  /** Bytes of WebAssembly memory, which grows and never shrinks. */
  get heapBytes(): number {
    return this.#engine.mod.HEAPU8.length;
  }

  /** From now on a call is cut off after this time, if `MAX_CALL_MS` does not come first. */
  endWithin(timeoutMs: number): void {
    this.#endsAtMs = performance.now() + timeoutMs;
  }

  /** A new, empty database in the same engine. */
  reset(): void {
    this.#guard(() => {
      this.#engine.disconnect(this.#connection);
      this.#engine.reset();
      this.#connection = this.#connect();
    });
  }

  /** Runs statements of our own and returns the last one's rows. Kinds as `queryFailure` says. */
  run(sql: string): Table {
    return this.#guard(() => tableFromIPC(this.#engine.runQuery(this.#connection, sql)));
  }

  /** Throws unless `sql` is a single statement that the engine understands. */
  check(sql: string): void {
    this.#guard(() => {
      const statement = this.#engine.createPrepared(this.#connection, sql);
      this.#engine.closePrepared(this.#connection, statement);
    });
  }

  /** Appends batches to an existing table, column by column in order. */
  insert(table: EngineTable, batches: readonly RecordBatch[]): void {
    if (batches.length === 0) return;
    const stream = RecordBatchStreamWriter.writeAll(batches).toUint8Array(true);
    this.#guard(() =>
      this.#engine.insertArrowFromIPCStream(this.#connection, stream, { ...table, create: false })
    );
  }

  /** Makes a function of SQL out of one of ours: from texts to a text. */
  defineFunction(name: string, fn: ScalarFunction): void {
    // The engine makes a text of what a function throws; the error itself says more.
    const remembering: ScalarFunction = (...args) => {
      try {
        return fn(...args);
      } catch (error) {
        this.#thrown = error;
        throw error;
      }
    };
    this.#guard(() =>
      this.#engine.createScalarFunction(this.#connection, name, new Utf8(), remembering)
    );
  }

  /** Closes the settings: no statement after this can change one. */
  lock(): void {
    this.run("SET enable_external_access = false; SET lock_configuration = true");
  }

  /**
   * Starts one query. Errors of the whole run may come from the batches. Booleans must be cast to
   * TINYINT in it, and come out as booleans: see `_booleans.ts`.
   */
  async stream(sql: string, signal: AbortSignal): Promise<ResultStream> {
    const reader = await RecordBatchReader.from(this.#messages(sql, signal));
    await reader.open();
    return { schema: withBooleans(reader.schema), batches: this.#translated(reader) };
  }

  async *#translated(reader: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
    for await (const batch of reader) {
      // One without rows may lack the children of its columns.
      if (batch.numRows > 0) yield packBooleans(batch);
    }
  }

  /** The result as messages of an Arrow IPC stream, the schema first. */
  async *#messages(sql: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const engine = this.#engine;
    const pacer = new Pacer();
    let ended = false;
    try {
      let header = this.#guard(() => engine.startPendingQuery(this.#connection, sql, true));
      while (header === null) {
        await pacer.breathe(signal);
        header = this.#guard(() => engine.pollPendingQuery(this.#connection));
      }
      // The engine reuses its answer's memory with the next call.
      yield header.slice();
      for (let limit = 1; !ended; limit = Math.min(limit * 2, MAX_MESSAGES)) {
        await pacer.breathe(signal);
        const taken = this.#guard(() => this.#take(limit));
        yield* taken.messages;
        if (taken.failure !== null) throw taken.failure;
        ended = taken.isLast;
      }
    } finally {
      if (!ended && !this.#trapped) {
        this.#guard(() => engine.cancelPendingQuery(this.#connection));
      }
    }
  }

  /** The next messages; what fails behind some of them is told with them. */
  #take(limit: number): Taken {
    const endsAtMs = performance.now() + MAX_MESSAGES_MS;
    const messages: Uint8Array[] = [];
    let bytes = 0;
    try {
      do {
        const message = this.#engine.fetchQueryResults(this.#connection);
        if (message === null) break;
        if (message.length === 0) return { messages, isLast: true, failure: null };
        messages.push(message.slice());
        bytes += message.length;
      } while (
        messages.length < limit && bytes < MAX_MESSAGES_BYTES && performance.now() < endsAtMs
      );
    } catch (error) {
      return { messages, isLast: false, failure: this.#failure(error) };
    }
    return { messages, isLast: false, failure: null };
  }

  #connect(): number {
    // Lossless: decimals, huge integers and UUIDs keep their own Arrow types.
    this.#engine.open({ arrowLosslessConversion: true });
    const connection = this.#engine.connect()._conn;
    this.#engine.runQuery(connection, `SET memory_limit = '${this.#memoryBytes}B'`);
    return connection;
  }

  #guard<T>(call: () => T): T {
    if (this.#trapped) {
      throw new AppError("internal", "query_engine_lost", "The query engine has failed before");
    }
    const leftMs = this.#endsAtMs - performance.now();
    this.#thrown = null;
    try {
      return callWithin(call, Math.min(leftMs, MAX_CALL_MS));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): AppError {
    if (error instanceof CutOff) {
      this.#trapped = true;
      return cutOff(error);
    }
    if (isTrap(error)) this.#trapped = true;
    else if (this.#thrown instanceof AppError) return this.#thrown;
    return queryFailure(error);
  }
}

/** Messages of a result. */
interface Taken {
  readonly messages: readonly Uint8Array[];
  readonly isLast: boolean;
  /** What came of the rest; null where there is more. */
  readonly failure: AppError | null;
}
