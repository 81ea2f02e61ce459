/** The state over SQL clients: who may write when, and what failures mean. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ResultSet, Transaction as ClientTransaction } from "@libsql/client";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { MAX_LOCK_WAIT_MS, retryWhileBusy } from "./_busy_retry.ts";
import type { Clients } from "./_clients.ts";
import { busy, commitUnknown, isBusy, isRefusal, toStateError } from "./_sql_error.ts";
import { Turns } from "./_turns.ts";
import { type Sql, sql } from "./sql.ts";
import type { State, Transaction, TransactionOptions } from "./state.ts";

/** Longest time between BEGIN and COMMIT: remote servers take the lock away after as long. */
export const TRANSACTION_TIMEOUT_MS = 5_000;

/** A transaction that can also run a script, for the migrator. */
export interface ScriptTransaction extends Transaction {
  /** Runs several statements, separated by semicolons. */
  script(text: string): Promise<void>;
}

interface BeginOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** {@linkcode State} over clients that are open. */
export class Database implements State {
  readonly #clients: Clients;
  /** One writer in this process; between processes the database's own lock decides. */
  readonly #turns = new Turns();
  /** Set inside `transaction`, where another connection would wait for itself or read old rows. */
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #timeoutMs: number;
  #closing: Promise<void> | null = null;

  constructor(clients: Clients, options: { readonly transactionTimeoutMs?: number } = {}) {
    this.#clients = clients;
    this.#timeoutMs = options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
  }

  async read<Row extends z.ZodType>(row: Row, statement: Sql): Promise<readonly z.output<Row>[]> {
    this.#refuseInside();
    const clients = this.#clients;
    const deadlineMs = performance.now() + MAX_LOCK_WAIT_MS;
    try {
      const run = () => clients.query(toStatement(statement));
      const onBusy = () => clients.renewReader();
      return decodeRows(row, await retryWhileBusy(run, { deadlineMs, onBusy }));
    } catch (error) {
      throw toStateError(error, this.#clients);
    }
  }

  async transaction<T>(
    fn: (tx: ScriptTransaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#refuseInside();
    const { waitMs = MAX_LOCK_WAIT_MS, signal } = options;
    const deadlineMs = performance.now() + waitMs;
    const release = await this.#turns.take({ waitMs, signal });
    try {
      const opened = await this.#begin({ deadlineMs, signal });
      return await this.#complete(opened, fn);
    } finally {
      release();
    }
  }

  async ping(): Promise<void> {
    await this.read(z.object({ one: z.literal(1) }), sql`SELECT 1 AS one FROM migrations LIMIT 1`);
  }

  /** Safe to call again: every call waits for the one that closes. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeClients();
    await this.#closing;
  }

  async #closeClients(): Promise<void> {
    await this.#turns.close({ waitMs: this.#timeoutMs + MAX_LOCK_WAIT_MS });
    try {
      await this.#clients.close();
    } catch (error) {
      // Another process holds the lock: its own close will do it, and every commit is in the log.
      if (!isBusy(error)) throw toStateError(error, this.#clients);
    }
  }

  async #begin(options: BeginOptions): Promise<ClientTransaction> {
    const clients = this.#clients;
    const attempt = async () => {
      const opened = await clients.begin();
      try {
        // Remote clients send BEGIN with the first statement; the empty batch makes them do it now.
        await opened.batch([]);
      } catch (error) {
        opened.close();
        throw error;
      }
      return opened;
    };
    const onBusy = () => clients.renewWriter();
    const opening = retryWhileBusy(attempt, { ...options, onBusy });
    try {
      return await (clients.remote ? inTime(opening, options.deadlineMs) : opening);
    } catch (error) {
      throw toStateError(error, clients);
    }
  }

  async #complete<T>(
    opened: ClientTransaction,
    fn: (tx: ScriptTransaction) => Promise<T>,
  ): Promise<T> {
    const tx = new LiveTransaction(opened, this.#clients);
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(tooSlow(this.#timeoutMs)), this.#timeoutMs);
    let result: T;
    try {
      result = await Promise.race([this.#inside.run(true, () => fn(tx)), expired]);
    } catch (error) {
      await this.#rollback(opened);
      throw error;
    } finally {
      tx.end();
      clearTimeout(timer);
    }
    await this.#commit(opened);
    return result;
  }

  /** The commit point: once this resolves, the writes survive a crash. */
  async #commit(opened: ClientTransaction): Promise<void> {
    try {
      await opened.commit();
    } catch (error) {
      await this.#rollback(opened);
      const unknown = this.#clients.remote && !isRefusal(error);
      throw unknown ? commitUnknown(error) : toStateError(error, this.#clients);
    }
  }

  async #rollback(opened: ClientTransaction): Promise<void> {
    try {
      // Said to the server, not only forgotten here: otherwise it would keep the lock for seconds.
      await opened.rollback();
    } catch {
      // Why it came to this is what the caller needs; the server rolls back what it hears no more of.
      opened.close();
    }
  }

  #refuseInside(): void {
    if (this.#inside.getStore() !== true) return;
    throw new TypeError("Cannot use the state inside a transaction: use the transaction itself");
  }
}

class LiveTransaction implements ScriptTransaction {
  readonly #opened: ClientTransaction;
  readonly #clients: Clients;
  #over = false;

  constructor(opened: ClientTransaction, clients: Clients) {
    this.#opened = opened;
    this.#clients = clients;
  }

  async read<Row extends z.ZodType>(row: Row, statement: Sql): Promise<readonly z.output<Row>[]> {
    return decodeRows(row, await this.#call(() => this.#opened.execute(toStatement(statement))));
  }

  async run(statement: Sql): Promise<number> {
    return (await this.#call(() => this.#opened.execute(toStatement(statement)))).rowsAffected;
  }

  async script(text: string): Promise<void> {
    await this.#call(() => this.#opened.executeMultiple(text));
  }

  end(): void {
    this.#over = true;
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#over) throw new TypeError("Cannot use the transaction: it is over");
    try {
      return await run();
    } catch (error) {
      throw toStateError(error, this.#clients);
    }
  }
}

/** A server lets a BEGIN wait for its lock as long as it likes: one that comes late is given back. */
async function inTime(
  opening: Promise<ClientTransaction>,
  deadlineMs: number,
): Promise<ClientTransaction> {
  let late = false;
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late = true;
    reject(busy());
  }, deadlineMs - performance.now());
  const opened = opening.then(async (transaction) => {
    if (late) await transaction.rollback();
    return transaction;
  });
  try {
    return await Promise.race([opened, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function toStatement({ text, args }: Sql): { sql: string; args: Sql["args"][number][] } {
  return { sql: text, args: [...args] };
}

function decodeRows<Row extends z.ZodType>(
  row: Row,
  result: ResultSet,
): readonly z.output<Row>[] {
  const parsed = z.array(row).safeParse(result.rows);
  if (parsed.success) return parsed.data;
  // Paths and expectations only: the values may be hashes or stored secrets.
  const context = { columns: result.columns.join(", "), problem: z.prettifyError(parsed.error) };
  throw new AppError("internal", "state_row_invalid", "Cannot read the state: a row is not valid", {
    context,
  });
}

function tooSlow(timeoutMs: number): AppError {
  const message = `Cannot store the change: it took longer than ${timeoutMs} ms`;
  return new AppError("deadline_exceeded", "state_transaction_timeout", message, {
    retryable: true,
  });
}
