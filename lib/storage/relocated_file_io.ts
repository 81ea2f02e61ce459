/**
 * A table that was copied away from where it was written, read in place. Its metadata, manifests
 * and delete files still name the old locations; this maps them to the folder where the table was
 * found. Nothing may be written: a new file would record a location that exists only here, and the
 * original table, if it lives on, would never learn of the commit.
 */
import type { FileIo, FileStat, FileWriter, FolderEntry, ReadOptions } from "../iceberg/ports.ts";
import { AppError } from "../errors.ts";
import { failedTo, quoted, type StorageAction } from "./_failures.ts";
import {
  normalizeLocation,
  parseLocation,
  relativeLocation,
  withoutTrailingSlashes,
} from "./location.ts";

/** Where a relocated table says it is, and where it is. */
export interface Relocation {
  /** `location` of the table's metadata, in whatever form it was written. */
  readonly recordedLocation: string;
  /** The folder that holds the table's `metadata` folder; absolute. */
  readonly foundLocation: string;
}

interface Mapping {
  readonly from: string;
  readonly to: string;
}

/**
 * Whether a table must be opened through {@linkcode RelocatedFileIo}. Relative recorded locations
 * always must: what they are relative to died with the process that wrote them.
 */
export function isRelocated(relocation: Relocation): boolean {
  return normalizeLocation(relocation.recordedLocation) !==
    normalizeLocation(relocation.foundLocation);
}

/** Reads recorded locations from where the table was found; refuses every write. */
export class RelocatedFileIo implements FileIo {
  readonly #inner: FileIo;
  readonly #relocation: Relocation;
  /** Tried in order. */
  readonly #mappings: readonly Mapping[];

  constructor(inner: FileIo, relocation: Relocation) {
    this.#inner = inner;
    this.#relocation = relocation;
    this.#mappings = mappingsOf(relocation);
  }

  async read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return await this.#inner.read(this.#found("read", location), options);
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    const stat = await this.#inner.stat(this.#found("stat", location), signal);
    return stat === null ? null : { ...stat, location };
  }

  async listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    return await this.#inner.listFolder(this.#found("list", location), signal);
  }

  /** Lists under the location asked for, so that names compare with those the table records. */
  async *listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    const found = withoutTrailingSlashes(this.#found("list", location));
    const asked = withoutTrailingSlashes(location);
    for await (const stat of this.#inner.listRecursive(found, signal)) {
      yield { ...stat, location: `${asked}${stat.location.slice(found.length)}` };
    }
  }

  createIfAbsent(location: string): Promise<void> {
    return Promise.reject(this.#refuse("create", location));
  }

  put(location: string): Promise<void> {
    return Promise.reject(this.#refuse("replace", location));
  }

  openWriter(location: string): Promise<FileWriter> {
    return Promise.reject(this.#refuse("create", location));
  }

  delete(location: string): Promise<void> {
    return Promise.reject(this.#refuse("delete", location));
  }

  #found(action: StorageAction, location: string): string {
    for (const { from, to } of this.#mappings) {
      const rest = relativeLocation(location, from);
      if (rest !== null) return rest === "" ? to : `${withoutTrailingSlashes(to)}/${rest}`;
    }
    if (isAbsoluteLocation(location)) return location;
    throw new AppError(
      "unsupported",
      "location_not_relocatable",
      `${failedTo(action, location)}: the table records a relative path outside of its own ` +
        `location ${quoted(this.#relocation.recordedLocation)}`,
      { context: { location, ...this.#relocation } },
    );
  }

  #refuse(action: StorageAction, location: string): AppError {
    const { recordedLocation, foundLocation } = this.#relocation;
    const [recorded, found] = [quoted(recordedLocation), quoted(foundLocation)];
    const copied = recorded === found
      ? `copied here from another ${recorded}`
      : `written at ${recorded} and copied to ${found}`;
    return new AppError(
      "unsupported",
      "table_relocated",
      `${failedTo(action, location)}: the table was ${copied}, so it is read-only; ` +
        "write to the original",
      { context: { location, ...this.#relocation } },
    );
  }
}

/**
 * The found folder itself, so that it may be named as it is; then recorded to found; then the same
 * with what both ends share cut off. The last reaches files that lie beside the table (added from
 * elsewhere in its warehouse) where the whole warehouse was copied: `old/wh/db/t` at `/new/wh/db/t`
 * also maps `old/wh/other/f` to `/new/wh/other/f`.
 */
function mappingsOf(relocation: Relocation): readonly Mapping[] {
  const { recordedLocation, foundLocation } = relocation;
  const itself = { from: foundLocation, to: foundLocation };
  const table = { from: recordedLocation, to: foundLocation };
  const from = normalizeLocation(recordedLocation).split("/");
  const to = normalizeLocation(foundLocation).split("/");
  while (from.length > 1 && to.length > 1 && from.at(-1) === to.at(-1)) {
    from.pop();
    to.pop();
  }
  const common = { from: from.join("/"), to: to.join("/") };
  // An empty end is a file system's root: a mapping of everything is none.
  const isTooWide = [common.from, common.to].some((end) => end === "" || end.endsWith(":/"));
  return isTooWide ? [itself, table] : [itself, table, common];
}

function isAbsoluteLocation(location: string): boolean {
  const { scheme } = parseLocation(location);
  const normal = normalizeLocation(location);
  return normal.startsWith("/") || (scheme !== null && scheme !== "file");
}
