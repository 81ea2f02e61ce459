/**
 * Operations on tables. One is recorded before it begins and its end in one transaction with its
 * audit row; in between it runs by itself, so that who asked may wait, watch, leave or cancel.
 */
import { recordAudit, requireRole } from "../access/mod.ts";
import type { Catalog } from "../catalog/mod.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { AppError, type ErrorKind, flattenError } from "../errors.ts";
import { sql } from "../state/mod.ts";
import { untilAborted } from "../abort.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { commitRecord, endingOf } from "./_commit_record.ts";
import { gatewayTo } from "./_gateway.ts";
import { beat, HEARTBEAT_MS, leave } from "./_instances.ts";
import { OperationNews } from "./_news.ts";
import { findCounting, replay } from "./_replay.ts";
import { toOperation, toResult } from "./_rows.ts";
import { settleDoubts } from "./_settle.ts";
import {
  endOperation,
  findOperation,
  insertKey,
  insertOperation,
  listOperations,
  noteCommit,
  type OperationEnd,
} from "./_store.ts";
import { watchOperation } from "./_watch.ts";
import type {
  DirectOperation,
  JobOperation,
  OperationContext,
  PreparedOperation,
  StartedOperation,
} from "./operation_request.ts";
import type { Operations } from "./operations.ts";
import type { OperationsDeps } from "./operations_deps.ts";
import type { Operation, OperationResult } from "./schemas.ts";

type AnyOperation<P, R> = JobOperation<P, R> | DirectOperation<P, R>;

/** How long `cancel` waits for the operation to stop, in milliseconds. */
const CANCEL_WAIT_MS = 10_000;
/** How long `close` does. */
const CLOSE_WAIT_MS = 15_000;
/** Tries to record an end; the operation itself is over by then. */
const END_TRIES = 5;

/** Builds the verbs, and begins to say that this server lives. */
export async function createOperations(deps: OperationsDeps): Promise<Operations> {
  const service = new OperationService(deps);
  await service.beat();
  service.start();
  return service;
}

class OperationService implements Operations {
  readonly #deps: OperationsDeps;
  readonly #news = new OperationNews();
  readonly #stopping = new AbortController();
  /** The look at what dead servers left in doubt, if one is under way. */
  #settling: Promise<void> | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #closed = false;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.beat().catch((error: unknown) =>
        this.#deps.log.error("Cannot record that this server lives", { error })
      );
    }, HEARTBEAT_MS);
  }

  async beat(): Promise<void> {
    const { state, instance, clock } = this.#deps;
    for (const id of await beat({ state, instance, nowMs: clock.now() })) {
      this.#news.get(id)?.cancel(cancelled());
    }
    // Tables may be slow to answer; the next heartbeat does not wait for them.
    this.#settling ??= settleDoubts(this.#deps, this.#stopping.signal)
      .finally(() => this.#settling = null);
  }

  async run<P, R>(
    ctx: OperationContext,
    operation: AnyOperation<P, R>,
  ): Promise<StartedOperation> {
    requireRole(ctx, operation.role, operation.action);
    if (this.#closed) {
      const message = "Cannot start an operation: the server is stopping";
      throw new AppError("unavailable", "server_stopping", message, { retryable: true });
    }
    const earlier = await replay(this.#deps, {
      ctx,
      body: "job" in operation ? operation.body : undefined,
    });
    if (earlier !== null) return earlier;
    const started = Promise.withResolvers<StartedOperation>();
    this.#deps.withCatalog(async (catalog) => {
      const prepared = await operation.prepare(catalog, ctx.signal);
      const id = await this.#record(ctx, operation, prepared.table);
      // The same request came twice, and the other one was faster: it is the first.
      if (id === null) return started.resolve(await this.run(ctx, operation));
      const result = this.#perform({ ctx, operation, catalog, prepared, id });
      const over = result.then(() => {}, () => {
        // Recorded, and told to whoever waits for the result; the catalog may be closed now.
      });
      const { kind } = operation;
      const detached = ctx.detached === true;
      started.resolve({ id, kind, table: prepared.table, detached, replayed: false, result });
      await over;
    }).catch(started.reject);
    return await started.promise;
  }

  /** Null where the request's idempotency key has come to stand for another operation meanwhile. */
  async #record<P, R>(
    ctx: OperationContext,
    operation: AnyOperation<P, R>,
    table: string,
  ): Promise<string | null> {
    const { state, clock, instance } = this.#deps;
    const { idempotency = null, principal, agent, detached = false } = ctx;
    const atMs = clock.now();
    const id = uuidV7(atMs);
    return await state.transaction(async (tx) => {
      if (idempotency !== null) {
        const { key, scope } = idempotency;
        const client = { principalId: principal.id, scope, key, nowMs: atMs };
        if (await findCounting(tx, client) !== null) return null;
      }
      await insertOperation(tx, {
        id,
        kind: operation.kind,
        table,
        dryRun: operation.dryRun ?? false,
        exclusive: operation.exclusive ?? false,
        input: operation.input,
        principalId: principal.id,
        principalName: principal.name,
        agent,
        instance,
        atMs,
      });
      if (idempotency === null) return id;
      const { key, scope, fingerprint } = idempotency;
      const known = typeof fingerprint === "string" ? fingerprint : null;
      const names = { principalId: principal.id, scope, key };
      await insertKey(tx, { ...names, fingerprint: known, operationId: id, detached, atMs });
      return id;
    }, { signal: ctx.signal });
  }

  async #perform<P, R>(run: Run<P, R>): Promise<OperationResult> {
    const { ctx, operation, id, prepared: { table } } = run;
    const controller = new AbortController();
    const onAbort = () => controller.abort(ctx.signal.reason);
    if (ctx.detached !== true) {
      if (ctx.signal.aborted) onAbort();
      else ctx.signal.addEventListener("abort", onAbort, { once: true });
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const cancel = (reason: unknown) => controller.abort(reason);
    this.#news.add(id, { cancel, progress: null, version: 0, ended });
    try {
      const result = await this.#work(run, controller.signal);
      const { details, audit } = endingOf(operation, result);
      const end = { state: "succeeded", details, error: null } as const;
      await this.#end(run, end, audit);
      await this.#rememberFingerprint(run);
      return toResult({ id, kind: operation.kind, table_name: table, details });
    } catch (error) {
      await this.#end(run, failureOf(error), null);
      throw error;
    } finally {
      ctx.signal.removeEventListener("abort", onAbort);
      this.#news.remove(id);
      resolve();
    }
  }

  async #work<P, R>(run: Run<P, R>, signal: AbortSignal) {
    const { ctx, operation, prepared, catalog, id } = run;
    const onProgress = (progress: Parameters<OperationNews["progress"]>[1]) =>
      this.#news.progress(id, progress);
    if (!("job" in operation)) {
      // All that it does is to ask the catalog for the change.
      if (operation.dryRun !== true) await this.#noteCommit(run, { asks: operation.kind });
      return await operation.perform(prepared.params, {
        operationId: id,
        catalog,
        signal,
        progress: onProgress,
      });
    }
    return await this.#deps.runner.run(operation.job, prepared.params, {
      operationId: id,
      signal,
      onProgress,
      onCommit: (note) => this.#noteCommit(run, commitRecord(note, { ctx, operation })),
      gateway: {
        ...gatewayTo(catalog),
        drop: async (location, options) => {
          await this.#noteCommit(run, { asks: operation.kind });
          await catalog.dropTable(location, options);
        },
      },
      ...(operation.body === undefined ? {} : { input: operation.body }),
    });
  }

  /**
   * Remembers that the table is about to be changed; forbids it to an operation that others took for
   * dead and closed, whose client may have been told to try anew, and to one that the state as it is
   * now speaks against.
   */
  async #noteCommit<P, R>(
    { operation, prepared, id }: Run<P, R>,
    note: unknown,
  ): Promise<void> {
    const noted = await this.#deps.state.transaction(async (tx) => {
      await operation.mayChange?.(tx, prepared);
      return await noteCommit(tx, { id, note });
    });
    if (noted) return;
    const message = "Cannot go on: this server was held up so long that others took it for dead, " +
      "and closed its operations; nothing was changed";
    throw new AppError("unavailable", "operation_closed", message, { retryable: true });
  }

  /** What happened to the table has happened: an end that cannot be recorded is tried again. */
  async #end<P, R>(
    { ctx, operation, id, prepared }: Run<P, R>,
    end: Omit<OperationEnd, "atMs">,
    audit: { readonly before: unknown; readonly after: unknown } | null,
  ): Promise<void> {
    const { state, clock, log } = this.#deps;
    for (let attempt = 1;; attempt++) {
      try {
        await state.transaction(async (tx) => {
          const atMs = clock.now();
          const recorded = await endOperation(tx, id, { ...end, atMs });
          if (!recorded || audit === null) return;
          const target = `table:${prepared.table}`;
          const after = { operation_id: id, result: audit.after };
          const { action } = operation;
          await recordAudit(tx, { ctx, action, target, before: audit.before, after, atMs });
        });
        return;
      } catch (error) {
        log.error("Cannot record the end of an operation", { operation_id: id, attempt, error });
        if (attempt >= END_TRIES) return;
        await new Promise((resolve) => setTimeout(resolve, attempt * 200));
      }
    }
  }

  async #rememberFingerprint<P, R>({ ctx, id }: Run<P, R>): Promise<void> {
    const fingerprint = ctx.idempotency?.fingerprint;
    if (fingerprint === undefined || typeof fingerprint === "string") return;
    const known = await fingerprint;
    await this.#deps.state.transaction(async (tx) => {
      await tx.run(
        sql`UPDATE idempotency_keys SET fingerprint = ${known} WHERE operation_id = ${id}`,
      );
    });
  }

  list: Operations["list"] = async (ctx, { filter, limit, cursor }) => {
    requireRole(ctx, "Auditor", "operation.list");
    const place = cursor === null ? null : decodeCursor("operations", cursor, { parts: 1 })[0];
    const before = place === null || place === undefined ? null : Number(place);
    const { state } = this.#deps;
    const rows = await listOperations(state, { filter, before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const more = rows.length > limit && last !== undefined;
    return {
      operations: page.map((row) => toOperation(row, this.#news.get(row.id)?.progress ?? null)),
      ...(more ? { next_cursor: encodeCursor("operations", [String(last.seq)]) } : {}),
    };
  };

  get: Operations["get"] = async (ctx, id) => {
    requireRole(ctx, "Auditor", "operation.get");
    return await this.#show(id);
  };

  cancel: Operations["cancel"] = async (ctx, id) => {
    requireRole(ctx, "DataEngineer", "operation.cancel");
    const { state, clock } = this.#deps;
    const before = await this.#show(id);
    if (before.ended_at !== null) {
      if (before.state === "cancelled") return before;
      const message = `Cannot cancel operation "${id}": it has ended, it ${before.state}`;
      throw new AppError("conflict", "operation_ended", message);
    }
    await state.transaction(async (tx) => {
      const atMs = clock.now();
      await tx.run(sql`UPDATE operations SET cancel_requested_at = ${atMs}
        WHERE id = ${id} AND ended_at IS NULL AND cancel_requested_at IS NULL`);
      const target = `operation:${id}`;
      const action = "operation.cancel";
      await recordAudit(tx, { ctx, action, target, before: null, after: null, atMs });
    }, { signal: ctx.signal });
    const live = this.#news.get(id);
    live?.cancel(cancelled());
    if (live !== undefined) await within(live.ended, CANCEL_WAIT_MS, ctx.signal);
    return await this.#show(id);
  };

  watch: Operations["watch"] = async (ctx, { id, lastEventId }) => {
    requireRole(ctx, "Auditor", "operation.watch");
    await this.#show(id);
    const show = async () => ({
      operation: await this.#show(id),
      version: this.#news.get(id)?.version ?? 0,
    });
    return await watchOperation({ id, lastEventId, show, news: this.#news, signal: ctx.signal });
  };

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopping.abort();
    const running = this.#news.all();
    const message = "The server stopped";
    const reason = new AppError("unavailable", "server_stopping", message, { retryable: true });
    for (const live of running) live.cancel(reason);
    const ends = [...running.map(({ ended }) => ended), this.#settling];
    await within(Promise.all(ends), CLOSE_WAIT_MS);
    await leave(this.#deps);
  }

  async #show(id: string): Promise<Operation> {
    const row = await findOperation(this.#deps.state, id);
    if (row !== null) return toOperation(row, this.#news.get(id)?.progress ?? null);
    throw new AppError("not_found", "operation_not_found", `Cannot find operation "${id}"`);
  }
}

interface Run<P, R> {
  readonly ctx: OperationContext;
  readonly operation: AnyOperation<P, R>;
  readonly catalog: Catalog;
  readonly prepared: PreparedOperation<P>;
  readonly id: string;
}

function failureOf(error: unknown): Omit<OperationEnd, "atMs"> {
  const { kind, code, message: detail } = flattenError(error);
  const states: Partial<Record<ErrorKind, OperationEnd["state"]>> = {
    cancelled: "cancelled",
    commit_state_unknown: "unknown",
  };
  return { state: states[kind] ?? "failed", details: null, error: { kind, code, detail } };
}

function cancelled(): AppError {
  return new AppError("cancelled", "operation_cancelled", "The operation was cancelled");
}

/** Waits for `work`, but no longer; whether it was in time is for the caller to look up. */
async function within(work: Promise<unknown>, waitMs: number, signal?: AbortSignal): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  try {
    await untilAborted(Promise.race([work, late]), signal);
  } finally {
    clearTimeout(timer);
  }
}
