/** One signed HTTP exchange with a store, under time and size bounds. No retries here. */
import { AwsV4Signer } from "aws4fetch";
import { AppError } from "../../errors.ts";
import { failedTo, fileTooLarge, type StorageAction } from "../_failures.ts";
import type { S3StorageSpec } from "../spec.ts";
import { objectUrl } from "./address.ts";

/** A request to a bucket or an object. */
export interface S3Request {
  readonly action: StorageAction;
  /** As the caller named it; for messages. */
  readonly location: string;
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly bucket: string;
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Refuse (`too_large`) a longer answer. */
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** The store may answer 200 at first and tell of a failure in the body. */
  readonly mayFailLate?: boolean;
}

/** An answer, body read. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Bounds and means of {@linkcode exchangeOnce}. */
export interface TransportOptions {
  readonly spec: S3StorageSpec;
  /** Signing keys by day, region and service; owned by the caller. */
  readonly signingKeys: Map<string, ArrayBuffer>;
  /** Longest wait for an answer to begin, beside the time its upload may take; and between pieces. */
  readonly requestTimeoutMs: number;
  readonly fetch: typeof fetch;
}

/** Slower links than this are taken for dead. */
const MIN_BYTES_PER_SECOND = 64 * 1_024;

/** Longest refusal read; S3's are below 1 kB. */
const MAX_REFUSAL_BYTES = 64 * 1_024;

/** Sends one request and reads its whole answer. Rejects as `fetch` does where the answer is lost. */
export async function exchangeOnce(
  request: S3Request,
  options: TransportOptions,
): Promise<S3Answer> {
  const { url, headers } = await sign(request, options);
  // Set after signing, since proxies alter it. Without it the runtime asks for gzip and would
  // hand out other bytes than those stored under `Content-Encoding: gzip`.
  headers.set("accept-encoding", "identity");
  const watchdog = new Watchdog();
  const { signal, method, body } = request;
  try {
    watchdog.arm(options.requestTimeoutMs + transferMs(body?.length ?? 0));
    const response = await options.fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: signal === undefined ? watchdog.signal : AbortSignal.any([signal, watchdog.signal]),
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    });
    const bytes = await readBody(response, request, {
      onPiece: () => watchdog.arm(options.requestTimeoutMs),
    });
    return { status: response.status, headers: response.headers, body: bytes };
  } finally {
    watchdog.disarm();
  }
}

/**
 * Whether a failed `fetch` never got through to the store: no connection came about, so nothing was
 * sent. The runtime has no code for this, only hyper's wording in the cause. Should that change, the
 * answer here is false, and a failed create is reported as unknown, which is the safe side.
 */
export function failedToConnect(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error &&
    error.cause.message.includes("client error (Connect)");
}

async function sign(
  request: S3Request,
  options: TransportOptions,
): Promise<{ url: string; headers: Headers }> {
  const { spec } = options;
  const { bucket, key, method, query = {}, body } = request;
  const url = objectUrl(spec, { bucket, key, query }).href;
  const headers = new Headers(request.headers);
  if (spec.credentials === null) return { url, headers };
  const { accessKeyId, secretAccessKey, sessionToken } = spec.credentials;
  // The body is part of what is signed, so what arrives is what was sent, also over plain HTTP.
  headers.set("x-amz-content-sha256", await sha256Hex(body ?? new Uint8Array()));
  const signer = new AwsV4Signer({
    method,
    url,
    headers,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: "s3",
    region: spec.region,
    cache: options.signingKeys,
  });
  return { url, headers: (await signer.sign()).headers };
}

async function readBody(
  response: Response,
  request: S3Request,
  hooks: { readonly onPiece: () => void },
): Promise<Uint8Array> {
  const limitBytes = response.ok ? request.maxBodyBytes : MAX_REFUSAL_BYTES;
  const declared = Number(response.headers.get("content-length") ?? "NaN");
  if (response.body === null || request.method === "HEAD") return new Uint8Array();
  if (declared > limitBytes) {
    await response.body.cancel();
    throw tooLarge(response, request);
  }
  // The length is usually declared: one buffer then, and no second copy.
  let bytes = new Uint8Array(Number.isNaN(declared) ? Math.min(limitBytes, 65_536) : declared);
  let received = 0;
  const startMs = performance.now();
  for await (const piece of response.body) {
    hooks.onPiece();
    if (performance.now() - startMs > SLOW_START_MS + transferMs(received)) {
      throw new DOMException("Answer arrives too slowly", "TimeoutError");
    }
    if (received + piece.length > limitBytes) throw tooLarge(response, request);
    if (received + piece.length > bytes.length) {
      const grown = new Uint8Array(Math.max(received + piece.length, bytes.length * 2));
      grown.set(bytes.subarray(0, received));
      bytes = grown;
    }
    bytes.set(piece, received);
    received += piece.length;
  }
  return bytes.subarray(0, received);
}

/** Grace before an answer's pace is judged. */
const SLOW_START_MS = 30_000;

function tooLarge(response: Response, request: S3Request): AppError {
  if (response.ok && request.action === "read") {
    return fileTooLarge(request.location, { limitBytes: request.maxBodyBytes });
  }
  return new AppError(
    "unavailable",
    "storage_failed",
    `${failedTo(request.action, request.location)}: the store's answer is too long`,
    { context: { location: request.location, status: response.status } },
  );
}

function transferMs(bytes: number): number {
  return bytes / MIN_BYTES_PER_SECOND * 1_000;
}

async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return new Uint8Array(digest).toHex();
}

/** Fires its signal when it is not armed again in time. */
class Watchdog {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new DOMException("Store did not answer in time", "TimeoutError"));
    }, ms);
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }
}
