/**
 * Atomic create on S3: `PUT` with `If-None-Match: *`. Two things make it safe to build commits on:
 *
 * - Each call stamps its object with an id of its own. Where a reply was lost, and on every 412, the
 *   object that is there is read back: with our id on it the create happened, whatever a repeat was
 *   told. On every 412, because the runtime repeats requests too: Deno's `fetch` (2.9.6, measured)
 *   sends even a PUT again, unasked, when a connection it kept closes before the reply.
 * - A store that ignores the header would let two commits win. Unless a store is known to honour
 *   it, this is tried out once, on a throw-away object beside the first file created.
 */
import { AppError } from "../../errors.ts";
import { alreadyExists, failedTo } from "../_failures.ts";
import { temporaryName } from "../_temporary_name.ts";
import type { S3Client, S3Outcome } from "./client.ts";
import { isUnsupportedFeature } from "./refusal.ts";
import type { S3Request } from "./transport.ts";

/** Where the id of a create is kept on the object. */
export const WRITE_ID_HEADER = "x-amz-meta-drls-write-id";

/** Most verdicts remembered; a process talks to a handful of buckets. */
const MAX_VERDICTS = 1_000;

/** Answers of control requests are short. */
const MAX_CONTROL_BYTES = 1_024 * 1_024;

/** A file to create. */
export interface CreateRequest {
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** Which buckets were seen to honour `If-None-Match`. Only good news is kept. */
export class ConditionalCreateSupport {
  readonly #verdicts = new Map<string, Promise<void>>();

  /** Resolves if the bucket honours conditional creates; rejects with `unsupported` if not. */
  async require(client: S3Client, file: Omit<CreateRequest, "bytes">): Promise<void> {
    if (isKnownToHonour(client.origin)) return;
    const bucketId = `${client.origin} ${file.bucket}`;
    let verdict = this.#verdicts.get(bucketId);
    if (verdict === undefined) {
      if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear();
      verdict = tryOut(client, file);
      this.#verdicts.set(bucketId, verdict);
    }
    try {
      await verdict;
    } catch (error) {
      if (this.#verdicts.get(bucketId) === verdict) this.#verdicts.delete(bucketId);
      throw error;
    }
  }
}

/** Creates an object if its key is free; otherwise rejects as `FileIo.createIfAbsent` does. */
export async function createObjectIfAbsent(client: S3Client, file: CreateRequest): Promise<void> {
  const { location, bucket, key, bytes } = file;
  const writeId = crypto.randomUUID();
  const request: S3Request = {
    action: "create",
    location,
    method: "PUT",
    bucket,
    key,
    body: bytes,
    headers: { "if-none-match": "*", [WRITE_ID_HEADER]: writeId },
    maxBodyBytes: MAX_CONTROL_BYTES,
  };
  await settleCreate(client, { request, outcome: await client.exchange(request), writeId, bytes });
}

/** A create that was sent, and what became of it. */
export interface SentCreate {
  readonly request: S3Request;
  readonly outcome: S3Outcome;
  readonly writeId: string;
  /** What was sent, to compare where the store dropped the id; null if no longer at hand. */
  readonly bytes: Uint8Array | null;
}

/** Returns if the create happened, else rejects: taken, refused, failed, or `commit_state_unknown`. */
export async function settleCreate(client: S3Client, sent: SentCreate): Promise<void> {
  const { request, outcome } = sent;
  const { location } = request;
  if (outcome.kind === "answered") return;
  if (outcome.kind === "refused" && isUnsupportedFeature(outcome.refusal)) {
    throw noConditionalCreate(request);
  }
  const isTaken = outcome.kind === "refused" && outcome.refusal.status === 412;
  if (!isTaken && !outcome.isUncertain) throw client.failureOf(outcome, request);
  const present = await readBack(client, sent);
  if (present === "ours") return;
  // Taken, yet gone by now: a rival's file that its owner removed, if all our replies arrived.
  const wasTaken = isTaken && present === "absent" && !outcome.isUncertain;
  if (present === "rival" || wasTaken) throw alreadyExists(location);
  // Not there, or not to be told: a request under way may still land.
  throw new AppError(
    "commit_state_unknown",
    "create_state_unknown",
    `${failedTo("create", location)}: the store's reply was lost, so it may or may not exist`,
    {
      context: { location },
      cause: outcome.kind === "lost" ? outcome.cause : client.failureOf(outcome, request),
    },
  );
}

/** The refusal of a store on which creates would overwrite each other. */
export function noConditionalCreate(request: Pick<S3Request, "location" | "bucket">): AppError {
  const { location, bucket } = request;
  return new AppError(
    "unsupported",
    "conditional_create_unsupported",
    `${failedTo("create", location)}: the store of bucket "${bucket}" does not honour ` +
      `"If-None-Match: *", so concurrent commits could overwrite each other; use a store that ` +
      `does, such as Amazon S3, Cloudflare R2 or a current MinIO`,
    { context: { location, bucket } },
  );
}

type Presence = "ours" | "rival" | "absent" | "unknown";

async function readBack(client: S3Client, sent: SentCreate): Promise<Presence> {
  const { bucket, key, location } = sent.request;
  const target = { action: "read", location, bucket, key } as const;
  const head = await client.exchange({ ...target, method: "HEAD", maxBodyBytes: 0 });
  if (head.kind === "refused" && head.refusal.status === 404) return "absent";
  if (head.kind !== "answered") return "unknown";
  const foundId = head.answer.headers.get(WRITE_ID_HEADER);
  if (foundId !== null) return foundId === sent.writeId ? "ours" : "rival";
  // No id: a file of another engine, or a store that keeps no metadata. The bytes decide.
  const { bytes } = sent;
  if (bytes === null) return "unknown";
  if (Number(head.answer.headers.get("content-length")) !== bytes.length) return "rival";
  const body = await client.exchange({ ...target, method: "GET", maxBodyBytes: bytes.length });
  if (body.kind !== "answered") return "unknown";
  return isEqual(body.answer.body, bytes) ? "ours" : "rival";
}

/** Two conditional creates of one throw-away object: a store that honours them refuses the second. */
async function tryOut(client: S3Client, file: Omit<CreateRequest, "bytes">): Promise<void> {
  const { bucket, location } = file;
  const key = file.key.slice(0, file.key.lastIndexOf("/") + 1) + temporaryName("probe");
  const request = { action: "create", location, bucket, key, maxBodyBytes: MAX_CONTROL_BYTES };
  const put = {
    ...request,
    action: "create",
    method: "PUT",
    headers: { "if-none-match": "*" },
    body: new TextEncoder().encode("drls checks that If-None-Match is honoured"),
  } as const;
  const first = await client.exchange(put);
  // A 412 at this fresh key is a repeat of our own whose first reply was lost: honoured as well.
  const isFirstRefused = first.kind === "refused" && first.refusal.status !== 412;
  if (first.kind === "refused" && isUnsupportedFeature(first.refusal)) {
    throw noConditionalCreate(file);
  }
  if (first.kind === "lost" || isFirstRefused) throw client.failureOf(first, put);
  const second = await client.exchange(put);
  // Whatever the verdict, the object has served. Without the right to delete, its name marks it.
  await client.exchange({ ...request, action: "delete", method: "DELETE" });
  if (second.kind === "answered") throw noConditionalCreate(file);
  if (second.kind === "refused" && second.refusal.status === 412) return;
  throw client.failureOf(second, put);
}

/** Stores that document it, so that no throw-away object is needed. */
function isKnownToHonour(origin: string): boolean {
  if (origin.startsWith("aws:")) return true;
  const { hostname } = new URL(origin);
  return [".amazonaws.com", ".amazonaws.com.cn", ".r2.cloudflarestorage.com"]
    .some((suffix) => hostname.endsWith(suffix));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
