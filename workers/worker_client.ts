/**
 * The outside of a worker isolate: spawn, correlate, deadline, cancel, restart.
 *
 * A call settles exactly once, whatever happens to the isolate: a crash, a termination or a missed
 * deadline rejects every call that is pending. An isolate that does not answer a cancelled call
 * within `CANCEL_GRACE_MS` is stuck in synchronous code; it is terminated and replaced.
 */
import { abortError } from "../lib/abort.ts";
import { AppError, flattenError, unflattenError } from "../lib/errors.ts";
import { InputPump } from "./_input.ts";
import { movable } from "./_moved_bytes.ts";
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
/** How long a call can hold off the end of its isolate. */
const MAX_HOLD_OFF_MS = 120_000;
/** How often it is asked whether it still does. */
const HOLD_OFF_CHECK_MS = 250;
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

/** Bounds of one call, and what it exchanges with its caller meanwhile. */
export interface WorkerCallOptions {
  readonly signal?: AbortSignal;
  readonly deadlineMs: number;
  /**
   * A cancelled or late call rejects at once, and its isolate has `CANCEL_GRACE_MS` to let go of it.
   * With this, the call is asked to stop and settles as it ends, if it does so in this time.
   */
  readonly stopWithinMs?: number;
  readonly onProgress?: (value: unknown) => void;
  /**
   * While this says so, an isolate that is late to stop is left alone, for `MAX_HOLD_OFF_MS` at most:
   * ending it would leave something half done.
   */
  readonly holdsOff?: () => boolean;
  /** Told where the isolate ended before the call did. */
  readonly onLost?: (reason: string) => void;
  /** Answers the isolate's questions; without it every question is refused. */
  readonly onAsk?: (question: WorkerQuestion) => Promise<unknown>;
  /** Bytes for the call, sent as fast as it reads them. */
  readonly input?: ReadableStream<Uint8Array>;
}

/** What an isolate asks for one of its calls. */
export interface WorkerQuestion {
  readonly method: string;
  readonly params: unknown;
  /** Aborted when the isolate no longer wants to know, or has ended. */
  readonly signal: AbortSignal;
}

interface PendingCall {
  readonly options: WorkerCallOptions;
  readonly pump: InputPump | null;
  /** Why it was asked to stop, for a call that is given time for it. */
  stopping: AppError | null;
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
  readonly #questions = new Map<number, AbortController>();
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

  /** Ends an isolate that has no calls, and the memory that it has gathered; the next call starts another. */
  recycle(): void {
    if (this.#pending.size === 0) this.#discard("recycled");
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
      const abandon = (error: AppError) => this.#stop(id, error);
      const onAbort = () => signal !== undefined && abandon(abortError(signal));
      const settle = <T>(then: (value: T) => void) => (value: T) => {
        signal?.removeEventListener("abort", onAbort);
        then(value);
      };
      const pump = options.input === undefined
        ? null
        : new InputPump(options.input, (message, transfer) =>
          this.#worker?.postMessage({ v: PROTOCOL_VERSION, id, ...message }, transfer));
      this.#pending.set(id, {
        options,
        pump,
        stopping: null,
        resolve: settle(resolve),
        reject: settle(reject),
        abandoned: false,
        timers,
      });
      timers.add(setTimeout(() => abandon(late(method, options.deadlineMs)), options.deadlineMs));
      signal?.addEventListener("abort", onAbort, { once: true });
      const moved = this.#options.methods[method]?.moves === true
        ? movable(params)
        : { value: params, transfer: [] };
      const call = { v: PROTOCOL_VERSION, type: "call", id, method, input: pump !== null };
      this.#worker?.postMessage({ ...call, params: moved.value }, moved.transfer);
      void pump?.run();
    });
  }

  /** Cancelled or late: at once, or with the time that the call was given. */
  #stop(id: number, error: AppError): void {
    const call = this.#pending.get(id);
    const stopWithinMs = call?.options.stopWithinMs;
    if (call === undefined || stopWithinMs === undefined) return this.#abandon(id, error);
    if (call.stopping !== null) return;
    call.stopping = error;
    call.pump?.stop(error);
    this.#worker?.postMessage({ v: PROTOCOL_VERSION, type: "cancel", id });
    const endAtMs = performance.now() + stopWithinMs + MAX_HOLD_OFF_MS;
    const end = () => {
      if (call.options.holdsOff?.() !== true || performance.now() > endAtMs) {
        return this.#crashed("did not stop in time");
      }
      call.timers.add(setTimeout(end, HOLD_OFF_CHECK_MS));
    };
    call.timers.add(setTimeout(end, stopWithinMs));
  }

  #abandon(id: number, error: AppError): void {
    const call = this.#pending.get(id);
    if (call === undefined || call.abandoned) return;
    call.abandoned = true;
    call.pump?.stop(error);
    call.reject(error);
    this.#worker?.postMessage({ v: PROTOCOL_VERSION, type: "cancel", id });
    call.timers.add(setTimeout(() => this.#crashed("did not answer a cancel"), CANCEL_GRACE_MS));
  }

  #spawn(): Worker {
    const worker = this.#options.spawn();
    worker.onmessage = (event) => {
      if (this.#worker !== worker) return; // What a terminated isolate had sent before.
      const parsed = WorkerMessage.safeParse(event.data);
      if (!parsed.success) this.#crashed("sent a malformed message");
      else this.#receive(parsed.data);
    };
    worker.onmessageerror = () => {
      if (this.#worker === worker) this.#crashed("sent an unreadable message");
    };
    worker.onerror = (event) => {
      event.preventDefault(); // Otherwise an error inside the isolate ends this process.
      if (this.#worker === worker) this.#crashed(event.message);
    };
    return worker;
  }

  #receive(message: WorkerMessage): void {
    if (message.type === "ready") return;
    if (message.type === "withdraw") return this.#questions.get(message.id)?.abort();
    const call = this.#pending.get(message.id);
    if (call === undefined) return;
    switch (message.type) {
      case "credit":
        return call.pump?.grant(message.bytes);
      case "progress":
        return call.options.onProgress?.(message.value);
      case "ask":
        return void this.#answer(call, message);
    }
    this.#forget(message.id, call);
    if (call.abandoned) return;
    if (message.type === "result") return call.resolve(message.value);
    const error = unflattenError(message.error);
    // A call that was asked to stop says "cancelled"; its caller knows better why.
    call.reject(call.stopping !== null && error.kind === "cancelled" ? call.stopping : error);
  }

  async #answer(call: PendingCall, message: WorkerMessage & { type: "ask" }): Promise<void> {
    const { question, method, params } = message;
    const worker = this.#worker;
    const controller = new AbortController();
    this.#questions.set(question, controller);
    try {
      const { onAsk } = call.options;
      if (onAsk === undefined) throw new TypeError(`Nobody answers the question "${method}"`);
      const answer = await onAsk({ method, params, signal: controller.signal });
      const { value, transfer } = message.moves ? movable(answer) : { value: answer, transfer: [] };
      worker?.postMessage({ v: PROTOCOL_VERSION, type: "answer", id: question, value }, transfer);
    } catch (error) {
      const refusal = { type: "refusal", id: question, error: flattenError(error) };
      worker?.postMessage({ v: PROTOCOL_VERSION, ...refusal });
    } finally {
      if (this.#questions.get(question) === controller) this.#questions.delete(question);
    }
  }

  #crashed(reason: string): void {
    if (this.#closed) return;
    this.#options.onCrash(reason);
    this.#discard(reason);
  }

  #discard(reason: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const question of this.#questions.values()) question.abort();
    this.#questions.clear();
    for (const [id, call] of [...this.#pending]) {
      this.#forget(id, call);
      const lost = isolateLost(this.#options.name, reason);
      call.pump?.stop(lost);
      call.options.onLost?.(reason);
      if (!call.abandoned) call.reject(call.stopping ?? lost);
    }
  }

  #forget(id: number, call: PendingCall): void {
    for (const timer of call.timers) clearTimeout(timer);
    call.pump?.stop(null);
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
