/**
 * HTTP with a bound on time, bytes, attempts and redirects (none). Reads are repeated, and statuses
 * below 500, save 429, are the caller's to judge. Changes are sent once, and every answer is.
 */
import { AppError } from "../errors.ts";
import { abortError } from "../abort.ts";

/** Attempts at one request, the first included. */
export const MAX_ATTEMPTS = 4;
/** Time for one attempt, its body included. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** Backoff before attempt n+1 is random below this times 2^n. */
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A server that asks for a longer pause than this gets its caller told instead. */
const MAX_RETRY_AFTER_MS = 5_000;

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Larger answers are refused. */
  readonly maxBytes: number;
  /** The failed action in error messages: `list namespaces`. */
  readonly action: string;
  /** For one attempt, its answer included; the client's own by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, read whole. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** How long to wait. */
export interface PauseOptions {
  /** Seconds that the server asked for. */
  readonly asked: number | null;
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests; tests stand in for its parts. */
export interface HttpClientOptions {
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random?: () => number;
}

/** A bounded, retrying HTTP client. Errors are `unavailable`, `too_large`, or the signal's. */
export class HttpClient {
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly #random: () => number;

  constructor(options: HttpClientOptions = {}) {
    this.#fetch = options.fetch ?? fetch;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#sleep = options.sleep ?? sleep;
    this.#random = options.random ?? Math.random;
  }

  /** The answer of the first attempt that is neither lost nor refused for the moment. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    requireHttp(request);
    for (let attempt = 1;; attempt++) {
      const outcome = await this.#attempt(request);
      if (!(outcome instanceof AppError)) return outcome;
      if (!outcome.retryable || attempt === MAX_ATTEMPTS || asksTooMuch(outcome)) throw outcome;
      await this.pause(attempt, { asked: outcome.retryAfterSeconds, signal: request.signal });
    }
  }

  /** Waits before attempt `attempt` + 1, at least as long as the server asked for. */
  async pause(attempt: number, { asked, signal }: PauseOptions): Promise<void> {
    const backoffMs = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** attempt) * this.#random();
    await this.#sleep(Math.max((asked ?? 0) * 1_000, backoffMs), signal);
  }

  /**
   * Any answer to one sending of the request; `commit_state_unknown` where there was none. Over a connection
   * of its own: where one that was kept from an earlier request closes, the runtime's `fetch` sends
   * even a POST again, unasked (Deno 2.9.6, measured), and the second answer would hide the first.
   */
  async sendOnce(request: HttpRequest): Promise<HttpResponse> {
    requireHttp(request);
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const outcome = await this.#attempt(request, client);
    if (!(outcome instanceof AppError)) return outcome;
    const message = `Cannot tell whether it was possible to ${request.action}: the catalog's ` +
      "answer was lost; look at the table before trying again";
    throw new AppError("commit_state_unknown", "commit_state_unknown", message, {
      cause: outcome,
    });
  }

  async #attempt(
    request: HttpRequest,
    client?: Deno.HttpClient,
  ): Promise<HttpResponse | AppError> {
    const { method, url, headers, signal } = request;
    const timeout = AbortSignal.timeout(request.timeoutMs ?? this.#timeoutMs);
    try {
      const response = await this.#fetch(url, {
        method,
        headers,
        ...(request.body === undefined ? {} : { body: request.body as BodyInit }),
        // Following one would carry credentials to wherever it points.
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(client === undefined ? {} : { client }),
      });
      const body = await readBounded(response, request);
      const answer = { status: response.status, headers: response.headers, body };
      return client === undefined ? transientFailure(request, answer) ?? answer : answer;
    } catch (error) {
      if (signal?.aborted === true) throw abortError(signal);
      if (error instanceof AppError) return error;
      return timeout.aborted
        ? lost(
          request,
          "catalog_timeout",
          `it did not answer in ${request.timeoutMs ?? this.#timeoutMs} ms`,
          error,
        )
        : lost(request, "catalog_unreachable", "it cannot be reached", error);
    }
  }
}

/** The address may be the server's word (`overrides`), and `fetch` reads local files and `data:` too. */
function requireHttp({ url, action }: HttpRequest): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: null };
  if (protocol === "http:" || protocol === "https:") return;
  const message = `Cannot ${action}: the catalog names an address that is not an http(s) one`;
  throw new AppError("unavailable", "catalog_address_invalid", message, { context: { url } });
}

async function readBounded(response: Response, request: HttpRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the body, and with it the transfer.
    if (size > request.maxBytes) {
      const message = `Cannot ${request.action}: the catalog's answer is larger than ` +
        `${request.maxBytes} bytes`;
      throw new AppError("too_large", "catalog_response_too_large", message);
    }
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** Whether a server asks for a longer pause than is waited here: its caller is told instead. */
export function asksTooMuch({ retryAfterSeconds }: AppError): boolean {
  return (retryAfterSeconds ?? 0) * 1_000 > MAX_RETRY_AFTER_MS;
}

/** Seconds that an answer asks to wait; null where it does not ask. */
function retryAfterSeconds({ headers }: HttpResponse): number | null {
  const seconds = Number(headers.get("retry-after") ?? "0");
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null;
}

/** An answer that says "not now", as an error. */
export function transientFailure(
  request: Pick<HttpRequest, "action">,
  response: HttpResponse,
): AppError | null {
  const { status } = response;
  if (status !== 429 && status < 500) return null;
  const seconds = retryAfterSeconds(response);
  const [code, reason] = status === 429
    ? ["catalog_throttled", "it asks for fewer requests"]
    : ["catalog_failed", `it answered with status ${status}`];
  return new AppError(
    "unavailable",
    code,
    `Cannot ${request.action}: the catalog is busy: ${reason}`,
    {
      // 501 and 505 will not change by asking again.
      retryable: status !== 501 && status !== 505,
      ...(seconds === null ? {} : { retryAfterSeconds: seconds }),
      context: { status, answer: excerpt(response.body) },
    },
  );
}

function lost(request: HttpRequest, code: string, reason: string, cause: unknown): AppError {
  const message = `Cannot ${request.action}: the catalog is not available: ${reason}`;
  return new AppError("unavailable", code, message, {
    retryable: true,
    cause,
    context: { url: new URL(request.url).origin },
  });
}

/** The start of an answer, for the log. */
export function excerpt(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, 2_000));
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortError(signal));
    const stop = () => {
      clearTimeout(timer);
      reject(signal === undefined ? new TypeError("Stopped without a signal") : abortError(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
