/** What features ask of the state: reads, write transactions, nothing of SQL clients. */
import type { z } from "zod";
import type { Sql } from "./sql.ts";

/** Runs queries; every row is checked against `row` before it is believed. */
export interface SqlReader {
  /**
   * All rows of a query. Integers beyond 2^53 are refused rather than rounded: 64-bit ids are
   * stored as text. Errors are `AppError`; a row of another form is kind `internal`.
   */
  read<Row extends z.ZodType>(row: Row, statement: Sql): Promise<readonly z.output<Row>[]>;
}

/** An open write transaction. It is over once the function that got it settles. */
export interface Transaction extends SqlReader {
  /** Runs a statement that answers no rows; resolves to the number of rows it changed. */
  run(statement: Sql): Promise<number>;
}

/** Bounds of a transaction. */
export interface TransactionOptions {
  /** Gives up waiting for the write lock; a transaction that has begun runs to its end. */
  readonly signal?: AbortSignal;
  /** How long to wait for the write lock; see `MAX_LOCK_WAIT_MS`. */
  readonly waitMs?: number;
}

/** The database. Reads see what is committed; writes go through one transaction at a time. */
export interface State extends SqlReader {
  /**
   * Runs `fn` once, holding the write lock from before its first statement, and commits when it
   * resolves; rolls back when it rejects. Inside, use `tx` alone: the state itself refuses.
   * Kinds: `unavailable` (retryable where the database is busy or out of reach), `conflict` (a
   * constraint), `deadline_exceeded`, `commit_state_unknown` (remote: the reply was lost).
   */
  transaction<T>(fn: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Resolves if the database answers and holds our schema; `unavailable` otherwise. */
  ping(): Promise<void>;
  /** Lets the running transaction end, refuses new ones, closes the connections. */
  close(): Promise<void>;
}
