/**
 * A file being written to S3. Up to one part is kept in memory and created like any small file;
 * beyond that it becomes a multipart upload, which shows nothing before it is completed.
 */
import type { FileStat, FileWriter } from "../../iceberg/ports.ts";
import { AppError } from "../../errors.ts";
import { failedTo } from "../_failures.ts";
import type { S3Client } from "./client.ts";
import { MultipartUpload } from "./multipart_upload.ts";

/** Bytes of a part. With S3's bound of 10,000 parts this allows files of 156 GiB. */
export const PART_SIZE_BYTES = 16 * 1_024 * 1_024;

/** Parts under way at once; a writer holds at most one more in memory. */
const MAX_PARTS_UNDER_WAY = 3;

/** What {@linkcode S3Writer} needs. */
export interface S3WriterOptions {
  readonly client: S3Client;
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  readonly partSizeBytes: number;
  /** Creates a file that fits into one part. */
  readonly createSmall: (bytes: Uint8Array) => Promise<void>;
}

/** Writes one object. */
export class S3Writer implements FileWriter {
  readonly location: string;
  readonly #options: S3WriterOptions;
  #part: Uint8Array;
  #partLength = 0;
  #sizeBytes = 0;
  #upload: MultipartUpload | null = null;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  #isDone = false;

  constructor(options: S3WriterOptions) {
    this.location = options.location;
    this.#options = options;
    this.#part = new Uint8Array(0);
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isDone) throw new TypeError("Cannot write: writer is done");
    const { partSizeBytes } = this.#options;
    for (let done = 0; done < chunk.length;) {
      // A full part goes out only when more follows, so that a file of exactly one part is a
      // single request, and no upload ends with an empty part.
      if (this.#partLength === partSizeBytes) await this.#sendPart();
      const count = Math.min(chunk.length - done, partSizeBytes - this.#partLength);
      this.#append(chunk.subarray(done, done + count));
      done += count;
    }
    this.#sizeBytes += chunk.length;
  }

  async close(): Promise<FileStat> {
    if (this.#isDone) throw new TypeError("Cannot close: writer is done");
    this.#isDone = true;
    const { location } = this;
    if (this.#upload === null) {
      await this.#options.createSmall(this.#part.subarray(0, this.#partLength));
      return { location, sizeBytes: this.#sizeBytes, modifiedAtMs: Date.now() };
    }
    try {
      await this.#sendPart();
      await Promise.all(this.#underWay);
      this.#throwFailure();
      await this.#upload.complete();
    } catch (error) {
      // After an unknown outcome an abort is harmless: a completed upload is no upload any more.
      await Promise.all(this.#underWay);
      await this.#upload.abort();
      throw error;
    } finally {
      this.#part = new Uint8Array(0);
    }
    return { location, sizeBytes: this.#sizeBytes, modifiedAtMs: Date.now() };
  }

  async abort(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#part = new Uint8Array(0);
    // Parts under way are waited for, not cut off: one that lands after the abort would stay.
    await Promise.all(this.#underWay);
    await this.#upload?.abort();
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#partLength + bytes.length;
    if (needed > this.#part.length) {
      // Small files stay small in memory: the buffer doubles up to the size of a part.
      const length = Math.min(this.#options.partSizeBytes, Math.max(needed, this.#part.length * 2));
      const grown = new Uint8Array(length);
      grown.set(this.#part.subarray(0, this.#partLength));
      this.#part = grown;
    }
    this.#part.set(bytes, this.#partLength);
    this.#partLength = needed;
  }

  /** Hands the part in memory to the upload, waiting while too many are under way. */
  async #sendPart(): Promise<void> {
    this.#throwFailure();
    const { client, location, bucket, key } = this.#options;
    this.#upload ??= await MultipartUpload.start(client, { location, bucket, key });
    if (!this.#upload.hasRoom) {
      throw new AppError(
        "too_large",
        "file_too_large",
        `${failedTo("write", location)}: it would have more parts than the store takes`,
        { context: { location } },
      );
    }
    const part = this.#part.subarray(0, this.#partLength);
    this.#part = new Uint8Array(0);
    this.#partLength = 0;
    const sending = this.#upload.sendPart(part).catch((error: unknown) => {
      this.#failure ??= { error };
    }).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
    if (this.#underWay.size >= MAX_PARTS_UNDER_WAY) await Promise.race(this.#underWay);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
