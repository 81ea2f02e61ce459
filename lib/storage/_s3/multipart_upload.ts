/** S3's multipart upload: start, parts, then complete or abort. */
import { AppError } from "../../errors.ts";
import { alreadyExists, failedTo } from "../_failures.ts";
import type { S3Client } from "./client.ts";
import { settleCreate, WRITE_ID_HEADER } from "./conditional_create.ts";
import { childText, parseXml } from "./xml.ts";

/** S3's own bound. */
const MAX_PARTS = 10_000;

/** Answers of control requests are short. */
const MAX_CONTROL_BYTES = 1_024 * 1_024;

/** What is uploaded to. */
export interface UploadTarget {
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
}

/** An upload that was started. */
export class MultipartUpload {
  readonly #client: S3Client;
  readonly #target: UploadTarget;
  readonly #uploadId: string;
  /** Put on the object, so that a lost reply to `complete` can be told from a rival's file. */
  readonly #writeId: string;
  readonly #etags: string[] = [];
  #partsStarted = 0;

  private constructor(
    client: S3Client,
    parts: { target: UploadTarget; uploadId: string; writeId: string },
  ) {
    this.#client = client;
    this.#target = parts.target;
    this.#uploadId = parts.uploadId;
    this.#writeId = parts.writeId;
  }

  /** Starts an upload. */
  static async start(client: S3Client, target: UploadTarget): Promise<MultipartUpload> {
    const writeId = crypto.randomUUID();
    const answer = await client.send({
      ...target,
      action: "write",
      method: "POST",
      query: { uploads: "" },
      headers: { [WRITE_ID_HEADER]: writeId },
      maxBodyBytes: MAX_CONTROL_BYTES,
    });
    const uploadId = readUploadId(answer.body);
    if (uploadId === null) throw badAnswer(target, "it does not name the upload");
    return new MultipartUpload(client, { target, uploadId, writeId });
  }

  /** Whether S3 takes another part. */
  get hasRoom(): boolean {
    return this.#partsStarted < MAX_PARTS;
  }

  /** Sends the next part. Calls may overlap: a part's number is taken when its call starts. */
  async sendPart(bytes: Uint8Array): Promise<void> {
    const partNumber = ++this.#partsStarted;
    const answer = await this.#client.send({
      ...this.#target,
      action: "write",
      method: "PUT",
      query: { partNumber: String(partNumber), uploadId: this.#uploadId },
      body: bytes,
      maxBodyBytes: MAX_CONTROL_BYTES,
    });
    const etag = answer.headers.get("etag");
    if (etag === null) throw badAnswer(this.#target, "a part has no ETag");
    this.#etags[partNumber - 1] = etag;
  }

  /**
   * Publishes the object if its key is free. The key is looked at first as well: some stores honour
   * `If-None-Match` on PUT but not here. On those, a rival within that instant could be overwritten,
   * which data files, named by UUID, do not have; commits never come this way.
   */
  async complete(): Promise<void> {
    const target = this.#target;
    const head = await this.#client.exchange({
      ...target,
      action: "stat",
      method: "HEAD",
      maxBodyBytes: 0,
    });
    if (head.kind === "answered") throw alreadyExists(target.location);
    const request = {
      ...target,
      action: "create",
      method: "POST",
      query: { uploadId: this.#uploadId },
      headers: { "if-none-match": "*", "content-type": "application/xml" },
      body: new TextEncoder().encode(completionXml(this.#etags)),
      maxBodyBytes: MAX_CONTROL_BYTES,
      mayFailLate: true,
    } as const;
    const outcome = await this.#client.exchange(request);
    // An upload that is gone after a lost reply is most likely one that was completed.
    await settleCreate(this.#client, { request, outcome, writeId: this.#writeId, bytes: null });
  }

  /** Drops what was sent. */
  async abort(): Promise<void> {
    // The outcome is not looked at: the caller gives up already, with a better reason than this
    // could be. Parts that stay behind are invisible, and buckets expire them by a lifecycle rule.
    await this.#client.exchange({
      ...this.#target,
      action: "delete",
      method: "DELETE",
      query: { uploadId: this.#uploadId },
      maxBodyBytes: MAX_CONTROL_BYTES,
    });
  }
}

function completionXml(etags: readonly string[]): string {
  const parts = etags.map((etag, index) =>
    `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
    parts.join("")
  }</CompleteMultipartUpload>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function readUploadId(body: Uint8Array): string | null {
  try {
    return childText(parseXml(new TextDecoder().decode(body)), "UploadId");
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function badAnswer(target: UploadTarget, reason: string): AppError {
  return new AppError(
    "unavailable",
    "storage_failed",
    `${failedTo("write", target.location)}: the store's answer is not usable, ${reason}`,
    { context: { location: target.location } },
  );
}
