/**
 * Requests to one S3-compatible store: bounded in number, repeated within limits, refusals turned
 * into our errors.
 *
 * Everything sent here is safe to repeat. Reads, listings, plain PUT and DELETE are idempotent. A
 * conditional create carries an id by which a repeat recognises its own earlier success (see
 * `conditional_create.ts`). Starting a multipart upload twice leaves an empty upload behind.
 */
import { AppError } from "../../errors.ts";
import { abortError, throwIfAborted } from "../../abort.ts";
import { failedTo } from "../_failures.ts";
import type { S3StorageSpec } from "../spec.ts";
import { checkEndpoint, checkRegion } from "./address.ts";
import {
  isRetryable,
  mayHaveApplied,
  readLateRefusal,
  readRefusal,
  refusalFailure,
  type S3Refusal,
} from "./refusal.ts";
import { DEFAULT_RETRY_POLICY, delay, nextDelayMs, type RetryPolicy } from "./retry.ts";
import { Semaphore } from "./semaphore.ts";
import {
  exchangeOnce,
  failedToConnect,
  type S3Answer,
  type S3Request,
  type TransportOptions,
} from "./transport.ts";

/** Most requests under way at once. */
export const MAX_CONNECTIONS = 64;
/** Longest wait for an answer to begin. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Options of {@linkcode S3Client}. */
export interface S3ClientOptions {
  readonly retry?: RetryPolicy;
  readonly requestTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly fetch?: typeof fetch;
  /** In [0, 1); `Math.random` if left out. */
  readonly random?: () => number;
}

type Attempt =
  | { readonly kind: "answered"; readonly answer: S3Answer }
  | { readonly kind: "refused"; readonly refusal: S3Refusal }
  | { readonly kind: "lost"; readonly cause: unknown };

/** How a request ended, after all attempts. */
export type S3Outcome = Attempt & {
  /** Some attempt may have taken effect without an answer that says so. */
  readonly isUncertain: boolean;
};

/** Talks to one store. */
export class S3Client {
  readonly #transport: TransportOptions;
  readonly #retry: RetryPolicy;
  readonly #connections: Semaphore;
  readonly #random: () => number;

  constructor(spec: S3StorageSpec, options: S3ClientOptions = {}) {
    checkEndpoint(spec.endpoint);
    checkRegion(spec.region);
    this.#transport = {
      spec,
      signingKeys: new Map(),
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      fetch: options.fetch ?? fetch,
    };
    this.#retry = options.retry ?? DEFAULT_RETRY_POLICY;
    this.#connections = new Semaphore(options.maxConnections ?? MAX_CONNECTIONS);
    this.#random = options.random ?? Math.random;
  }

  /** The store's address, for caches of what it can do. Holds no secret. */
  get origin(): string {
    const { endpoint, region } = this.#transport.spec;
    return endpoint ?? `aws:${region}`;
  }

  /** Sends until answered; rejects where that fails. */
  async send(request: S3Request): Promise<S3Answer> {
    const outcome = await this.exchange(request);
    if (outcome.kind === "answered") return outcome.answer;
    throw this.failureOf(outcome, request);
  }

  /** Sends until answered, refused for good or out of bounds, and tells which. */
  async exchange(request: S3Request): Promise<S3Outcome> {
    const startMs = performance.now();
    let isUncertain = false;
    for (let attempts = 1;; attempts++) {
      const attempt = await this.#connections.run(() => this.#attempt(request), request.signal);
      if (attempt.kind === "answered") return { ...attempt, isUncertain };
      isUncertain ||= attempt.kind === "lost"
        ? !failedToConnect(attempt.cause)
        : mayHaveApplied(attempt.refusal);
      if (attempt.kind === "refused" && !isRetryable(attempt.refusal)) {
        return { ...attempt, isUncertain };
      }
      const delayMs = nextDelayMs({
        attempts,
        elapsedMs: performance.now() - startMs,
        retryAfterMs: attempt.kind === "refused" ? attempt.refusal.retryAfterMs : null,
      }, { policy: this.#retry, random: this.#random });
      if (delayMs === null) return { ...attempt, isUncertain };
      await delay(delayMs, request.signal);
    }
  }

  /** An outcome without an answer, as the error a caller sees. */
  failureOf(
    outcome: Exclude<Attempt, { readonly kind: "answered" }>,
    request: Pick<S3Request, "action" | "location" | "bucket">,
  ): AppError {
    const { action, location, bucket } = request;
    const { region } = this.#transport.spec;
    if (outcome.kind === "refused") {
      return refusalFailure(outcome.refusal, { action, location, bucket, region });
    }
    const isTimeout = outcome.cause instanceof DOMException &&
      outcome.cause.name === "TimeoutError";
    return new AppError(
      "unavailable",
      isTimeout ? "storage_timeout" : "storage_unreachable",
      `${failedTo(action, location)}: ` +
        (isTimeout ? "the store did not answer in time" : "the store cannot be reached"),
      { context: { location, bucket }, retryable: true, cause: outcome.cause },
    );
  }

  async #attempt(request: S3Request): Promise<Attempt> {
    let answer: S3Answer;
    try {
      answer = await exchangeOnce(request, this.#transport);
    } catch (error) {
      if (request.signal?.aborted === true) throw abortError(request.signal);
      if (error instanceof AppError || error instanceof RangeError) throw error;
      return { kind: "lost", cause: error };
    }
    throwIfAborted(request.signal);
    if (answer.status >= 300) {
      return { kind: "refused", refusal: readRefusal(answer, Date.now()) };
    }
    const late = request.mayFailLate === true ? readLateRefusal(answer.body, answer.headers) : null;
    return late === null ? { kind: "answered", answer } : { kind: "refused", refusal: late };
  }
}
