/** Files in an S3-compatible store, over signed HTTP. */
import type { FileIo, FileStat, FileWriter, FolderEntry, ReadOptions } from "../iceberg/ports.ts";
import { AppError } from "../errors.ts";
import { throwIfAborted } from "../abort.ts";
import {
  failedTo,
  fileNotFound,
  outsideWarehouse,
  rangeOutOfBounds,
  type StorageAction,
} from "./_failures.ts";
import { checkReadOptions, compareNames, MAX_FOLDER_ENTRIES } from "./_limits.ts";
import { fileAddress, folderAddress, parseS3Location, type S3Address } from "./_s3/address.ts";
import { S3Client, type S3ClientOptions } from "./_s3/client.ts";
import { ConditionalCreateSupport, createObjectIfAbsent } from "./_s3/conditional_create.ts";
import { listPages } from "./_s3/list.ts";
import { PART_SIZE_BYTES, S3Writer } from "./_s3/writer.ts";
import { isTemporaryName } from "./_temporary_name.ts";
import { baseName, relativeLocation, withoutTrailingSlashes } from "./location.ts";
import type { S3StorageSpec } from "./spec.ts";

/** Options of {@linkcode S3FileIo}. */
export interface S3FileIoOptions extends S3ClientOptions {
  readonly partSizeBytes?: number;
  /** What is known of stores; share one where several instances talk to the same store. */
  readonly conditionalCreate?: ConditionalCreateSupport;
}

/** Answers of control requests are short. */
const MAX_CONTROL_BYTES = 1_024 * 1_024;

/** An S3-compatible store. Takes `s3://bucket/key` and Hadoop's `s3a`, `s3n`. */
export class S3FileIo implements FileIo {
  readonly #client: S3Client;
  readonly #roots: readonly string[] | null;
  readonly #partSizeBytes: number;
  readonly #conditionalCreate: ConditionalCreateSupport;

  constructor(spec: S3StorageSpec, options: S3FileIoOptions = {}) {
    for (const root of spec.roots ?? []) parseS3Location(root);
    this.#client = new S3Client(spec, options);
    this.#roots = spec.roots;
    this.#partSizeBytes = options.partSizeBytes ?? PART_SIZE_BYTES;
    this.#conditionalCreate = options.conditionalCreate ?? new ConditionalCreateSupport();
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const limitBytes = checkReadOptions(options);
    const { range, signal } = options;
    throwIfAborted(signal);
    const address = this.#file("read", location);
    if (range?.length === 0) {
      // HTTP has no empty range; what remains to be told is whether it would lie in the file.
      const stat = await this.stat(location, signal);
      if (stat === null) throw fileNotFound(location);
      if (range.offset > stat.sizeBytes) throw rangeOutOfBounds(location, stat.sizeBytes);
      return new Uint8Array();
    }
    const request = {
      action: "read",
      location,
      method: "GET",
      ...address,
      maxBodyBytes: limitBytes,
      signal,
      headers: range === undefined
        ? {}
        : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` },
    } as const;
    const outcome = await this.#client.exchange(request);
    if (outcome.kind === "refused" && outcome.refusal.status === 416) {
      throw rangeOutOfBounds(location, null);
    }
    if (outcome.kind !== "answered") throw this.#client.failureOf(outcome, request);
    const { body, status } = outcome.answer;
    if (range === undefined) return body;
    // 206 with fewer bytes: the file ends within the range. 200: the store ignores ranges.
    if (status !== 206) throw ignoresRanges(location);
    if (body.length !== range.length) throw rangeOutOfBounds(location, null);
    return body;
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    throwIfAborted(signal);
    const address = this.#file("stat", location);
    const request = {
      action: "stat",
      location,
      method: "HEAD",
      ...address,
      maxBodyBytes: 0,
      signal,
    } as const;
    const outcome = await this.#client.exchange(request);
    if (outcome.kind === "refused" && outcome.refusal.status === 404) return null;
    if (outcome.kind !== "answered") throw this.#client.failureOf(outcome, request);
    const { headers } = outcome.answer;
    const sizeBytes = Number(headers.get("content-length") ?? "NaN");
    if (!Number.isSafeInteger(sizeBytes)) throw hasNoSize(location);
    const modifiedAtMs = Date.parse(headers.get("last-modified") ?? "");
    return {
      location,
      sizeBytes,
      modifiedAtMs: Number.isNaN(modifiedAtMs) ? null : modifiedAtMs,
    };
  }

  async listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    throwIfAborted(signal);
    const { bucket, key: prefix } = this.#folder("list", location);
    const entries: FolderEntry[] = [];
    const add = (name: string, kind: FolderEntry["kind"]) => {
      // An empty name comes of "//" in a key: no name can reach what lies behind it.
      if (name !== "" && !isTemporaryName(name)) entries.push({ name, kind });
      if (entries.length > MAX_FOLDER_ENTRIES) throw folderTooLarge(location);
    };
    const pages = listPages(this.#client, { location, bucket, prefix, delimiter: "/", signal });
    for await (const page of pages) {
      for (const { key } of page.objects) add(key.slice(prefix.length), "file");
      for (const folder of page.prefixes) add(folder.slice(prefix.length, -1), "folder");
    }
    return entries.sort(compareNames);
  }

  async *listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    for await (const found of this.listEverything(location, signal)) {
      if (!isTemporaryName(baseName(found.location))) yield found;
    }
  }

  async *listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    throwIfAborted(signal);
    const { bucket, key: prefix } = this.#folder("list", location);
    const folder = withoutTrailingSlashes(location);
    const pages = listPages(this.#client, { location, bucket, prefix, delimiter: null, signal });
    for await (const page of pages) {
      for (const { key, sizeBytes, modifiedAtMs } of page.objects) {
        const relativePath = key.slice(prefix.length);
        // A key that ends in a slash is a folder marker, made by consoles and Hadoop.
        if (relativePath.endsWith("/")) continue;
        yield { location: `${folder}/${relativePath}`, sizeBytes, modifiedAtMs };
      }
    }
  }

  async createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    const address = this.#file("create", location);
    // The caller may use its buffer again while this waits; what is sent must not change.
    const file = { location, ...address, bytes: bytes.slice() };
    await this.#conditionalCreate.require(this.#client, file);
    await createObjectIfAbsent(this.#client, file);
  }

  async put(location: string, bytes: Uint8Array): Promise<void> {
    const address = this.#file("replace", location);
    await this.#client.send({
      action: "replace",
      location,
      method: "PUT",
      ...address,
      body: bytes.slice(),
      maxBodyBytes: MAX_CONTROL_BYTES,
    });
  }

  openWriter(location: string): Promise<FileWriter> {
    return Promise.try(() => {
      const address = this.#file("create", location);
      return new S3Writer({
        client: this.#client,
        location,
        ...address,
        partSizeBytes: this.#partSizeBytes,
        createSmall: (bytes) => this.createIfAbsent(location, bytes),
      });
    });
  }

  async delete(location: string): Promise<void> {
    const address = this.#file("delete", location);
    const request = {
      action: "delete",
      location,
      method: "DELETE",
      ...address,
      maxBodyBytes: MAX_CONTROL_BYTES,
    } as const;
    const outcome = await this.#client.exchange(request);
    if (outcome.kind === "refused" && outcome.refusal.code === "NoSuchKey") return;
    if (outcome.kind !== "answered") throw this.#client.failureOf(outcome, request);
  }

  #file(action: StorageAction, location: string): S3Address {
    const address = fileAddress(location);
    this.#checkRoots(action, location);
    return address;
  }

  #folder(action: StorageAction, location: string): S3Address {
    const address = folderAddress(location);
    this.#checkRoots(action, location);
    return address;
  }

  #checkRoots(action: StorageAction, location: string): void {
    if (this.#roots === null) return;
    if (this.#roots.some((root) => relativeLocation(location, root) !== null)) return;
    throw outsideWarehouse(action, location);
  }
}

function ignoresRanges(location: string): AppError {
  return new AppError(
    "unsupported",
    "storage_feature_missing",
    `${failedTo("read", location)}: the store does not honour ranges`,
    { context: { location } },
  );
}

function hasNoSize(location: string): AppError {
  return new AppError(
    "unavailable",
    "storage_failed",
    `${failedTo("stat", location)}: the store does not tell its size`,
    { context: { location } },
  );
}

function folderTooLarge(location: string): AppError {
  return new AppError(
    "too_large",
    "folder_too_large",
    `${failedTo("list", location)}: it holds more than ${MAX_FOLDER_ENTRIES} names`,
    { context: { location } },
  );
}
