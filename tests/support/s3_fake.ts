/**
 * A small S3 in this process, for faults only: it answers, delays and misbehaves as a test says. It
 * verifies no signature; what a store really does is tested against real servers.
 */
import { S3FileIo, type S3FileIoOptions } from "../../lib/storage/s3_file_io.ts";
import type { S3StorageSpec } from "../../lib/storage/spec.ts";
import { FaultyProxy } from "./faulty_proxy.ts";

/** A request as the fake saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Decoded bucket and key, `bucket/key`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
}

/** Answers in place of the fake, or null to let it. Runs before any effect. */
export type Intercept = (request: SeenRequest) => Response | null | Promise<Response | null>;

/** How a fake differs from S3. */
export interface S3FakeOptions {
  /** Overwrites, whatever `If-None-Match` says. */
  readonly ignoresConditions?: boolean;
  /** Keeps no `x-amz-meta-` headers. */
  readonly dropsMetadata?: boolean;
}

interface FakeObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: readonly [string, string][];
}

const BUCKET = "bucket";

/** Real bounds with waits that a test can afford. */
export const RETRY_FAST = { maxAttempts: 4, baseDelayMs: 2, maxDelayMs: 5, totalMs: 5_000 };

/** A running fake, behind a proxy that can break its connections. */
export class S3Fake implements AsyncDisposable {
  readonly objects = new Map<string, FakeObject>();
  readonly requests: SeenRequest[] = [];
  readonly #uploads = new Map<string, Map<number, Uint8Array>>();
  readonly #uploadMetadata = new Map<string, FakeObject["metadata"]>();
  readonly #options: S3FakeOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #proxy: FaultyProxy | null = null;
  #intercept: Intercept = () => null;

  private constructor(options: S3FakeOptions) {
    this.#options = options;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** Starts a fake with one bucket, named `bucket`. */
  static async start(options: S3FakeOptions = {}): Promise<S3Fake> {
    const fake = new S3Fake(options);
    fake.#proxy = await FaultyProxy.start(fake.#server.addr.port);
    return fake;
  }

  /** The proxy between client and fake. */
  get proxy(): FaultyProxy {
    if (this.#proxy === null) throw new Error("Fake is not started");
    return this.#proxy;
  }

  /** A store that talks to this fake and loses no time between attempts. */
  open(spec: Partial<S3StorageSpec> = {}, options: S3FileIoOptions = {}): S3FileIo {
    return new S3FileIo({
      kind: "s3",
      endpoint: this.proxy.origin,
      region: "us-east-1",
      pathStyle: true,
      credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "SECRET", sessionToken: null },
      roots: null,
      ...spec,
    }, { retry: RETRY_FAST, ...options });
  }

  /** Sets who answers before the fake does. */
  intercept(intercept: Intercept): void {
    this.#intercept = intercept;
  }

  /** Methods of the requests that concern a key, in order. */
  methodsFor(key: string): readonly string[] {
    return this.requests.filter((r) => r.path === `${BUCKET}/${key}`).map((r) => r.method);
  }

  /** Puts an object past the API. */
  set(key: string, text: string): void {
    this.objects.set(`${BUCKET}/${key}`, { bytes: encode(text), metadata: [] });
  }

  /** How many multipart uploads are under way. */
  get uploadsUnderWay(): number {
    return this.#uploads.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.[Symbol.asyncDispose]();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = decodeURIComponent(url.pathname.slice(1)).replace(/\/$/, "");
    const { method, headers } = request;
    const seen = { method, path, query: url.searchParams, headers };
    this.requests.push(seen);
    const body = new Uint8Array(await request.arrayBuffer());
    const answer = await this.#intercept(seen);
    if (answer !== null) return answer;
    if (path === BUCKET) return this.#list(seen);
    if (seen.query.has("uploads") || seen.query.has("uploadId")) return this.#multipart(seen, body);
    if (method === "PUT") return this.#put(seen, body, metadataOf(headers));
    if (method === "DELETE") {
      this.objects.delete(path);
      return new Response(null, { status: 204 });
    }
    return this.#get(seen);
  }

  #get(request: SeenRequest): Response {
    const object = this.objects.get(request.path);
    if (object === undefined) return s3Error(404, "NoSuchKey");
    const headers = new Headers(this.#options.dropsMetadata ? [] : [...object.metadata]);
    headers.set("last-modified", "Tue, 01 Sep 2026 10:00:00 GMT");
    headers.set("etag", '"etag"');
    if (request.method === "HEAD") {
      headers.set("content-length", String(object.bytes.length));
      return new Response(null, { headers });
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (range === null) return new Response(object.bytes, { headers });
    const bytes = object.bytes.slice(Number(range[1]), Number(range[2]) + 1);
    if (bytes.length === 0) return s3Error(416, "InvalidRange");
    return new Response(bytes, { status: 206, headers });
  }

  #put(request: SeenRequest, body: Uint8Array, metadata: FakeObject["metadata"]): Response {
    const isConditional = request.headers.get("if-none-match") === "*" &&
      this.#options.ignoresConditions !== true;
    if (isConditional && this.objects.has(request.path)) return s3Error(412, "PreconditionFailed");
    this.objects.set(request.path, { bytes: body.slice(), metadata });
    return new Response(null, { headers: { etag: '"etag"' } });
  }

  #multipart(request: SeenRequest, body: Uint8Array): Response {
    const { method, query } = request;
    if (query.has("uploads")) {
      const id = crypto.randomUUID();
      this.#uploads.set(id, new Map());
      this.#uploadMetadata.set(id, metadataOf(request.headers));
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId>
        </InitiateMultipartUploadResult>`);
    }
    const id = query.get("uploadId") ?? "";
    const parts = this.#uploads.get(id);
    if (parts === undefined) return s3Error(404, "NoSuchUpload");
    if (method === "PUT") {
      parts.set(Number(query.get("partNumber")), body);
      return new Response(null, { headers: { etag: `"part-${query.get("partNumber")}"` } });
    }
    if (method === "POST") {
      const whole = [...parts].sort(([a], [b]) => a - b).flatMap(([, bytes]) => [...bytes]);
      const done = this.#put(request, Uint8Array.from(whole), this.#uploadMetadata.get(id) ?? []);
      if (done.status !== 200) return done;
    }
    this.#uploads.delete(id);
    if (method === "DELETE") return new Response(null, { status: 204 });
    return xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>");
  }

  #list(request: SeenRequest): Response {
    const prefix = `${BUCKET}/${request.query.get("prefix") ?? ""}`;
    const keys = [...this.objects.keys()].filter((path) => path.startsWith(prefix)).sort();
    const entries = keys.map((path) =>
      `<Contents><Key>${encodeURIComponent(path.slice(BUCKET.length + 1))}</Key>` +
      `<Size>${this.objects.get(path)?.bytes.length}</Size></Contents>`
    );
    return xml(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${
        entries.join("")
      }</ListBucketResult>`,
    );
  }
}

/** A refusal as S3 words it. */
export function s3Error(status: number, code: string, headers: HeadersInit = {}): Response {
  return new Response(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml", ...Object.fromEntries(new Headers(headers)) },
  });
}

/** An answer in XML. */
export function xml(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/xml" } });
}

/** An intercept that gives each answer once to requests of one method, then stands aside. */
export function onceEach(method: string, ...answers: readonly (() => Response)[]): Intercept {
  const left = [...answers];
  return (request) => request.method === method ? left.shift()?.() ?? null : null;
}

function metadataOf(headers: Headers): FakeObject["metadata"] {
  return [...headers].filter(([name]) => name.startsWith("x-amz-meta-"));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text));
}
