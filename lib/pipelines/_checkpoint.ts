/**
 * The checkpoint of a stream: a JSON file for people and for servers with another state. It is a
 * copy of what the sink says, written after the commit; where it is missing or old nothing is lost.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { FileIo } from "../iceberg/ports.ts";
import type { Log } from "../log.ts";
import {
  canonicalScheme,
  joinLocation,
  normalizeLocation,
  openStorage,
  parseLocation,
  type StorageSpec,
  withoutTrailingSlashes,
} from "../storage/mod.ts";
import { StreamOffset, StreamPosition } from "./contract/offset.ts";

/** The file in a checkpoint's folder. */
const FILE_NAME = "drls-checkpoint.json";
const MAX_FILE_BYTES = 1024 * 1024;

const PLACES = "Expected an absolute path, or an s3:// location where the catalog has such a store";

/** What the file says. */
export const Checkpoint = z.object({
  version: z.literal(1),
  pipeline_id: z.string(),
  source_table: z.string(),
  source_uuid: z.string().nullable(),
  sink_table: z.string(),
  sink_uuid: z.string().nullable(),
  /** Where the stream stands; before the first batch where it begins. */
  position: StreamPosition.nullable(),
  /** What the sink was told with the last batch; null before the first. */
  offset: StreamOffset.nullable(),
  updated_at: z.iso.datetime(),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

/** A checkpoint location in the one spelling that it is known by. Errors are `invalid`. */
export function normalizeCheckpoint(location: string): string {
  const trimmed = location.trim();
  const { scheme, path } = parseLocation(trimmed);
  const isLocal = scheme === null || canonicalScheme(scheme) === "file";
  if (trimmed === "" || (isLocal && !path.startsWith("/"))) {
    throw checkpointInvalid(PLACES);
  }
  return withoutTrailingSlashes(isLocal ? normalizeLocation(path) : normalizeLocation(trimmed));
}

/** What a stream is known by: short enough for the name of a table property. */
export function streamKey(checkpoint: string): string {
  return createHash("sha256").update(checkpoint).digest("hex").slice(0, 24);
}

/** Where checkpoints may lie. */
export interface CheckpointPlaces {
  /** Folders and `s3://` prefixes beside those of the catalog. */
  readonly roots: readonly string[];
  /** Stores of the configured catalog. */
  readonly storage: StorageSpec;
}

/** Reads and writes the checkpoint of one stream. */
export class CheckpointFile {
  readonly #io: FileIo;
  readonly #location: string;

  /** `checkpoint` is a normalized location. Nothing is reached before the first call. */
  constructor(checkpoint: string, { roots, storage }: CheckpointPlaces) {
    const local = roots.filter((root) => root.startsWith("/"));
    const catalogRoots = storage.local?.roots ?? [];
    this.#io = openStorage({
      ...storage,
      local: { kind: "local", roots: [...new Set([...local, ...catalogRoots])] },
    });
    this.#location = joinLocation(checkpoint, FILE_NAME);
  }

  /** What is there; null where nothing is. Errors: `forbidden`, `corrupt_data`, those of the store. */
  async read(signal: AbortSignal): Promise<Checkpoint | null> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#io.read(this.#location, { maxBytes: MAX_FILE_BYTES, signal });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.kind === "not_found") return null;
      throw namingPlace(error);
    }
    return parse(bytes);
  }

  /** Replaces it at once, for readers too. */
  async write(checkpoint: Checkpoint): Promise<void> {
    const text = JSON.stringify(Checkpoint.parse(checkpoint), null, 2);
    try {
      await this.#io.put(this.#location, new TextEncoder().encode(`${text}\n`));
    } catch (error) {
      throw namingPlace(error);
    }
  }
}

/** Options of {@linkcode CheckpointWriter}. */
export interface CheckpointWriterOptions {
  readonly checkpointRoots: readonly string[];
  readonly log: Log;
}

/** Writes the newest state of a stream behind its back: a batch does not wait for it. */
export class CheckpointWriter {
  readonly #location: string;
  readonly #options: CheckpointWriterOptions;
  #waiting: { readonly storage: StorageSpec; readonly checkpoint: Checkpoint } | null = null;
  #writing: Promise<void> | null = null;

  constructor(location: string, options: CheckpointWriterOptions) {
    this.#location = location;
    this.#options = options;
  }

  /** What is not written yet is left out for it. */
  save(storage: StorageSpec, checkpoint: Checkpoint): void {
    this.#waiting = { storage, checkpoint };
    this.#writing ??= this.#write().finally(() => this.#writing = null);
  }

  /** Resolves once all that was saved is written, or has failed and is in the log. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { checkpointRoots: roots, log } = this.#options;
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      try {
        await new CheckpointFile(this.#location, { roots, storage: next.storage })
          .write(next.checkpoint);
      } catch (error) {
        const { pipeline_id } = next.checkpoint;
        log.warn("Cannot write the checkpoint of a pipeline", { pipeline_id, error });
      }
    }
  }
}

function parse(bytes: Uint8Array): Checkpoint {
  try {
    return Checkpoint.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    const message = "Cannot use the checkpoint: its file is not what drls writes. Remove it, the " +
      "sink knows how far the stream has come; or choose another checkpoint_location";
    throw new AppError("corrupt_data", "checkpoint_invalid", message, { cause: error });
  }
}

/** Places that no checkpoint can be at are errors of the field that names them. */
function namingPlace(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  if (error.kind === "forbidden") return placeForbidden(error);
  const isNoStore = ["storage_not_configured", "storage_scheme_unsupported"].includes(error.code);
  return isNoStore ? checkpointInvalid(PLACES, error) : error;
}

function placeForbidden(cause: unknown): AppError {
  return checkpointInvalid(
    "Expected a place below checkpoints in the data directory, the folder for temporary files or " +
      "the warehouse; set DRLS_CHECKPOINT_ROOTS for others",
    cause,
  );
}

function checkpointInvalid(message: string, cause?: unknown): AppError {
  return new AppError("invalid", "checkpoint_location_invalid", "Cannot use the checkpoint", {
    issues: [{ path: "checkpoint_location", message }],
    cause,
  });
}
