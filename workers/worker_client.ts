/**
 * The outside of a worker isolate: spawn, correlate, deadline, cancel, restart.
 *
 * A call settles exactly once, whatever happens to the isolate: a crash, a termination or a missed
 * deadline rejects every call that is pending. An isolate that does not answer a cancelled call
 * within `CANCEL_GRACE_MS` is stuck in synchronous code; it is terminated and replaced.
 */
import { abortError } from "../lib/abort.ts";
import { AppError, unflattenError } from "../lib/errors.ts";
import {
  type Methods,
  type ParamsOf,
  PROTOCOL_VERSION,
  type ResultOf,
  WorkerMessage,
} from "./protocol.ts";

/**
 * How long a cancelled call may go on before its isolate is taken for stuck: longer than the largest
 * document that is read takes to parse, which nothing interrupts.
 */
const CANCEL_GRACE_MS = 5_000;
/** Calls that may wait on one isolate; more are refused rather than queued. */
const MAX_PENDING_CALLS = 1_000;

/** Options of {@linkcode WorkerClient}. */
export interface WorkerClientOptions<M extends Methods> {
  /** For logs and error contexts. */
  readonly name: string;
  readonly methods: M;
  readonly spawn: () => Worker;
  /** Told about every crash; the client restarts by itself. */
  readonly onCrash: (reason: string) => void;
}

/** Bounds of one call. */
export interface WorkerCallOptions {
  readonly signal?: AbortSignal;
  readonly deadlineMs: number;
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Cancelled or late: already rejected, waiting only for the isolate to let go of it. */
  abandoned: boolean;
  readonly timers: Set<ReturnType<typeof setTimeout>>;
}

/** A worker isolate that is started on first use and replaced when it dies. */
export class WorkerClient<M extends Methods> {
  readonly #options: WorkerClientOptions<M>;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | null = null;
  #nextId = 1;
  #closed = false;

  constructor(options: WorkerClientOptions<M>) {
    this.#options = options;
  }

  /** Calls that have not settled in the isolate. */
  get pendingCalls(): number {
    return this.#pending.size;
  }

  /** Starts the isolate ahead of the first call. */
  start(): void {
    if (this.#worker === null && !this.#closed) this.#worker = this.#spawn();
  }

  /** Calls `method`; rejects with `AppError`: what the method threw, or `isolate_lost` (retryable). */
  async call<K extends keyof M & string>(
    method: K,
    params: ParamsOf<M, K>,
    options: WorkerCallOptions,
  ): Promise<ResultOf<M, K>> {
    const schema = this.#options.methods[method];
    if (schema === undefined) throw new TypeError(`Cannot call unknown worker method "${method}"`);
    if (options.signal?.aborted) throw abortError(options.signal);
    if (this.#closed) throw isolateLost(this.#options.name, "closed");
    if (this.#pending.size >= MAX_PENDING_CALLS) throw overloaded(this.#options.name);
    this.start();
    return schema.result.parse(await this.#send(method, params, options)) as ResultOf<M, K>;
  }

  /** Terminates the isolate; pending calls reject with `isolate_lost`. */
  close(): void {
    this.#closed = true;
    this.#discard("closed");
  }

  #send(method: string, params: unknown, options: WorkerCallOptions): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timers: PendingCall["timers"] = new Set();
      const { signal } = options;
      const abandon = (error: AppError) => this.#abandon(id, error);
      const onAbort = () => signal !== undefined && abandon(abortError(signal));
      const settle = <T>(then: (value: T) => void) => (value: T) => {
        signal?.removeEventListener("abort", onAbort);
        then(value);
      };
      this.#pending.set(id, {
        resolve: settle(resolve),
        reject: settle(reject),
        abandoned: false,
        timers,
      });
      timers.add(setTimeout(() => abandon(late(method, options.deadlineMs)), options.deadlineMs));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#worker?.postMessage({ v: PROTOCOL_VERSION, type: "call", id, method, params });
    });
  }

  #abandon(id: number, error: AppError): void {
    const call = this.#pending.get(id);
    if (call === undefined || call.abandoned) return;
    call.abandoned = true;
    call.reject(error);
    this.#worker?.postMessage({ v: PROTOCOL_VERSION, type: "cancel", id });
    call.timers.add(setTimeout(() => this.#crashed("did not answer a cancel"), CANCEL_GRACE_MS));
  }

  #spawn(): Worker {
    const worker = this.#options.spawn();
    worker.onmessage = (event) => {
      const parsed = WorkerMessage.safeParse(event.data);
      if (!parsed.success) this.#crashed("sent a malformed message");
      else this.#receive(parsed.data);
    };
    worker.onmessageerror = () => this.#crashed("sent an unreadable message");
    worker.onerror = (event) => {
      event.preventDefault(); // Otherwise an error inside the isolate ends this process.
      if (this.#worker === worker) this.#crashed(event.message);
    };
    return worker;
  }

  #receive(message: WorkerMessage): void {
    if (message.type === "ready") return;
    const call = this.#pending.get(message.id);
    if (call === undefined) return;
    this.#forget(message.id, call);
    if (call.abandoned) return;
    if (message.type === "result") call.resolve(message.value);
    else call.reject(unflattenError(message.error));
  }

  #crashed(reason: string): void {
    if (this.#closed) return;
    this.#options.onCrash(reason);
    this.#discard(reason);
  }

  #discard(reason: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const [id, call] of [...this.#pending]) {
      this.#forget(id, call);
      if (!call.abandoned) call.reject(isolateLost(this.#options.name, reason));
    }
  }

  #forget(id: number, call: PendingCall): void {
    for (const timer of call.timers) clearTimeout(timer);
    this.#pending.delete(id);
  }
}

function late(method: string, deadlineMs: number): AppError {
  const message = `The operation did not finish within ${deadlineMs} ms`;
  return new AppError("deadline_exceeded", "deadline_exceeded", message, { context: { method } });
}

function overloaded(name: string): AppError {
  return new AppError("unavailable", "isolate_overloaded", "Too many calls are waiting", {
    context: { isolate: name, maxPendingCalls: MAX_PENDING_CALLS },
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function isolateLost(name: string, reason: string): AppError {
  return new AppError("unavailable", "isolate_lost", "The isolate that ran the call ended", {
    context: { isolate: name, reason },
    retryable: true,
    retryAfterSeconds: 1,
  });
}
