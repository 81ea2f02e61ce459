/**
 * The checkpoint of a stream: a JSON file for people and for servers with another state. It is a
 * copy of what the sink says, written after the commit; where it is missing or old nothing is lost.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { AppError, type ErrorKind } from "../errors.ts";
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

const PLACES =
  "Expected an absolute path, or an s3:// location where the catalog has a store: its " +
  "warehouse or DRLS_STORAGE_ROOTS is in S3, and its own properties say how to get there. " +
  "Credentials that it hands out for a table are for that table alone";
const OUTSIDE =
  "Expected a place below checkpoints in the data directory, the folder for temporary " +
  "files or the warehouse; set DRLS_CHECKPOINT_ROOTS for others";

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
  /** The configured catalog's; null where it knows it itself. */
  readonly warehouse: string | null;
  /** Stores of the configured catalog. */
  readonly storage: StorageSpec;
}

/** Reads and writes the checkpoint of one stream. */
export class CheckpointFile {
  readonly #io: FileIo;
  readonly #location: string;

  /** `checkpoint` is a normalized location. Nothing is reached before the first call. */
  constructor(checkpoint: string, places: CheckpointPlaces) {
    this.#io = openStorage(storageOf(places));
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

  /**
   * Replaces it at once, for readers too. `invalid`/`checkpoint_location_invalid` where nothing can be
   * written, and errors of a store that may pass.
   */
  async write(checkpoint: Checkpoint): Promise<void> {
    const text = JSON.stringify(Checkpoint.parse(checkpoint), null, 2);
    try {
      await this.#io.put(this.#location, new TextEncoder().encode(`${text}\n`));
    } catch (error) {
      throw namingPlace(error);
    }
  }
}

/**
 * The catalog's stores, within bounds. Where a catalog's server says where tables lie, its credentials
 * alone bound these; a checkpoint's place comes from whoever starts a pipeline.
 */
function storageOf({ roots, warehouse, storage: { local, s3 } }: CheckpointPlaces): StorageSpec {
  const isInStore = (root: string) => parseLocation(root).scheme === "s3";
  const folders = roots.filter((root) => !isInStore(root)).map(normalizeLocation);
  const named = warehouse !== null && warehouse !== "" && isInStore(warehouse) ? [warehouse] : [];
  const prefixes = [...roots.filter(isInStore), ...s3?.roots ?? named].map(normalizeLocation);
  return {
    local: { kind: "local", roots: [...new Set([...folders, ...local?.roots ?? []])] },
    s3: s3 === null ? null : { ...s3, roots: [...new Set(prefixes)] },
  };
}

/** Options of {@linkcode CheckpointWriter}. */
export interface CheckpointWriterOptions {
  readonly checkpointRoots: readonly string[];
  readonly log: Log;
}

/** Where a checkpoint may lie for now: catalogs are configured anew. */
export type CurrentPlaces = Omit<CheckpointPlaces, "roots">;

/** Writes the newest state of a stream behind its back: a batch does not wait for it. */
export class CheckpointWriter {
  readonly #location: string;
  readonly #options: CheckpointWriterOptions;
  #waiting: { readonly places: CurrentPlaces; readonly checkpoint: Checkpoint } | null = null;
  #writing: Promise<void> | null = null;

  constructor(location: string, options: CheckpointWriterOptions) {
    this.#location = location;
    this.#options = options;
  }

  /** What is not written yet is left out for it. */
  save(places: CurrentPlaces, checkpoint: Checkpoint): void {
    this.#waiting = { places, checkpoint };
    if (this.#writing === null) this.#begin();
  }

  /** Resolves once all that was saved is written, or has failed and is in the log. */
  async written(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  #begin(): void {
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      // Saved after the last look at it.
      if (this.#waiting !== null) this.#begin();
    });
  }

  async #write(): Promise<void> {
    const { checkpointRoots: roots, log } = this.#options;
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      try {
        await new CheckpointFile(this.#location, { roots, ...next.places }).write(next.checkpoint);
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

/** Kinds of what is wrong with a place rather than with what is there. */
const OF_THE_PLACE: ReadonlySet<string> = new Set<ErrorKind>([
  "already_exists",
  "forbidden",
  "invalid",
  "not_found",
  "unauthenticated",
  "unavailable",
]);

/** Places that no checkpoint can be at are errors of the field that names them. */
function namingPlace(error: unknown): unknown {
  if (!(error instanceof AppError) || error.retryable) return error;
  switch (error.code) {
    case "location_outside_warehouse":
      return checkpointInvalid(OUTSIDE, error);
    case "storage_not_configured":
    case "storage_scheme_unsupported":
      return checkpointInvalid(PLACES, error);
  }
  return OF_THE_PLACE.has(error.kind) ? checkpointInvalid(error.message, error) : error;
}

function checkpointInvalid(message: string, cause?: unknown): AppError {
  return new AppError("invalid", "checkpoint_location_invalid", "Cannot use the checkpoint", {
    issues: [{ path: "checkpoint_location", message }],
    cause,
  });
}
