/**
 * A table of a hadoop warehouse. The commit is a file: the next version's metadata, created if
 * absent. Of writers that keep to this, one wins each version; nobody needs a lock.
 *
 * Not all keep to it, and files are deleted as well, so the table is looked at once more after the
 * file is there:
 *
 * - **The same version under another spelling.** `v8.metadata.json` does not exclude
 *   `v8.gz.metadata.json`. The name follows the codec of the *replaced* metadata, so that all
 *   writers of ours agree on it; Java goes by the new metadata's. Where both are there, this one
 *   gives way: Java does not look, and has told its caller that it is done.
 * - **A base that is gone.** The table was dropped meanwhile, or so many commits came since that
 *   the base's successor was deleted, and its name was free again. This commit is withdrawn.
 * - Where a version after this one is there already, somebody may have built on what would be
 *   withdrawn: then the outcome is unknown, and the table's history tells it.
 */
import { AppError } from "../errors.ts";
import type { TableChange, TableStore } from "../iceberg/commit/table_store.ts";
import { type FileIo, formatIdentifier, type LoadedTable } from "../iceberg/ports.ts";
import { baseName, isSameLocation } from "../storage/mod.ts";
import { findCurrentMetadata } from "./_current_metadata.ts";
import { joinLocation } from "./_location.ts";
import {
  encodeMetadata,
  METADATA_PATH_PROPERTY,
  type MetadataCodec,
  metadataCodec,
  metadataEnding,
} from "./_metadata_file.ts";
import { commitConflict, tableNotFound } from "./_names.ts";
import { peekMetadata } from "./_peek_metadata.ts";
import { putVersionHint } from "./_version_hint.ts";
import { closedPlace, isUnknown, nextMetadata, requireWritable } from "./_written_metadata.ts";
import { loadTable } from "./load_table.ts";
import { hadoopNames, parseHadoopName } from "./metadata_file_name.ts";
import type { TableStoreOptions } from "./open_table_store.ts";
import type { TableLocation } from "./ports.ts";

/** Times that metadata is looked for anew because it went away before it was read. */
const MAX_LOOKS = 3;

/** Property: versions may be missing before the current one. */
const DELETE_AFTER_COMMIT_PROPERTY = "write.metadata.delete-after-commit.enabled";

/** A located hadoop table. */
export type HadoopLocation = TableLocation & { kind: "file"; foundAt: string };

/** See {@linkcode TableStore}. */
export class HadoopTableStore implements TableStore {
  readonly #location: HadoopLocation;
  readonly #options: TableStoreOptions;
  readonly #io: FileIo;
  readonly #name: string;

  constructor(location: HadoopLocation, options: TableStoreOptions) {
    this.#location = location;
    this.#options = options;
    this.#io = options.openStorage(location.storage);
    this.#name = formatIdentifier(location.identifier);
  }

  async load(signal?: AbortSignal): Promise<LoadedTable> {
    const { gateway: _, ...options } = this.#options;
    const call = signal === undefined ? {} : { signal };
    for (let looks = 1;; looks++) {
      const metadataLocation = await findCurrentMetadata(this.#io, this.#location.foundAt, call);
      if (metadataLocation === null) throw tableNotFound(this.#name);
      try {
        return await loadTable({ ...this.#location, metadataLocation }, { ...options, ...call });
      } catch (error) {
        const isGone = error instanceof AppError && error.kind === "not_found";
        if (!isGone || looks === MAX_LOOKS) throw error;
      }
    }
  }

  async commit(base: LoadedTable, change: TableChange): Promise<LoadedTable> {
    requireWritable(base);
    requireInPlace(base, change);
    const version = parseHadoopName(baseName(base.metadataLocation));
    if (version === null) throw new TypeError("Cannot commit on a base of another catalog");
    const metadata = nextMetadata(base, change);
    // Checked, so that the next commit finds a codec that it can write.
    metadataCodec(metadata.properties);
    const codec = codecOf(base);
    const bytes = await encodeMetadata(metadata, codec);
    await this.#requireNewest(base);
    const next = version + 1n;
    const metadataLocation = this.#file(`v${next}${metadataEnding(codec)}`);
    try {
      // The commit point.
      await this.#io.createIfAbsent(metadataLocation, bytes);
    } catch (error) {
      const isTaken = error instanceof AppError && error.kind === "already_exists";
      if (isTaken) throw this.#conflict(error);
      throw isUnknown(error) ? this.#unknown(error) : closedPlace(error);
    }
    await this.#requireSound(base, { version: next, metadataLocation });
    await putVersionHint(this.#io, { folder: this.#location.foundAt, version: next });
    return { ...base, metadata, metadataLocation };
  }

  /** Another version may have taken its place; and under its name another table may have begun. */
  async #requireNewest(base: LoadedTable): Promise<void> {
    const { foundAt } = this.#location;
    const [newest, bytes] = await Promise.all([
      findCurrentMetadata(this.#io, foundAt, { listsAlways: deletesMetadata(base) }),
      readIfPresent(this.#io, base.metadataLocation),
    ]);
    if (newest === null) throw tableNotFound(this.#name);
    const isNewest = isSameLocation(newest, base.metadataLocation);
    if (!isNewest || bytes === null) throw this.#conflict();
    const found = await peekMetadata(bytes);
    const { tableUuid, lastUpdatedMs } = base.metadata;
    const isSame = found.everyLastUpdatedMs.has(BigInt(lastUpdatedMs)) &&
      (tableUuid === null || found.tableUuids.has(tableUuid));
    if (!isSame) throw this.#conflict();
  }

  /** See the top of this file. */
  async #requireSound(base: LoadedTable, written: WrittenVersion): Promise<void> {
    const { version, metadataLocation } = written;
    const rivals = hadoopNames(version).filter((name) => name !== baseName(metadataLocation));
    const successors = hadoopNames(version + 1n);
    const [isBaseThere, isRivalled, isBuiltOn] = await Promise.all([
      this.#isAnyThere([baseName(base.metadataLocation)]),
      this.#isAnyThere(rivals),
      this.#isAnyThere(successors),
    ]);
    if (isBaseThere && !isRivalled) return;
    if (isBuiltOn) throw this.#unknown();
    try {
      await this.#io.delete(metadataLocation);
    } catch (error) {
      throw this.#unknown(error);
    }
    // Asked again: one who built on it before it went has looked for it, or is seen here.
    if (await this.#isAnyThere(successors)) throw this.#unknown();
    if (isRivalled) throw this.#conflict();
    const current = await findCurrentMetadata(this.#io, this.#location.foundAt);
    throw current === null ? tableNotFound(this.#name) : this.#conflict();
  }

  /** Asked after the commit point: where the store does not answer, nobody knows what came of it. */
  async #isAnyThere(names: readonly string[]): Promise<boolean> {
    try {
      const stats = await Promise.all(names.map((name) => this.#io.stat(this.#file(name))));
      return stats.some((stat) => stat !== null);
    } catch (error) {
      throw this.#unknown(error);
    }
  }

  #file(name: string): string {
    return joinLocation(this.#location.foundAt, "metadata", name);
  }

  #conflict(cause?: unknown): AppError {
    return commitConflict(`commit to table "${this.#name}"`, cause);
  }

  #unknown(cause?: unknown): AppError {
    const message = `Cannot tell whether table "${this.#name}" was changed: the store failed ` +
      "while it was at it; look at the table before trying again";
    return new AppError("commit_state_unknown", "commit_state_unknown", message, { cause });
  }
}

interface WrittenVersion {
  readonly version: bigint;
  readonly metadataLocation: string;
}

/** A codec that is not ours to write is another engine's; it does not take part in our races. */
function codecOf({ metadata }: LoadedTable): MetadataCodec {
  try {
    return metadataCodec(metadata.properties);
  } catch (error) {
    if (error instanceof AppError && error.kind === "unsupported") return "none";
    throw error;
  }
}

function deletesMetadata({ metadata }: LoadedTable): boolean {
  return metadata.properties[DELETE_AFTER_COMMIT_PROPERTY]?.toLowerCase() === "true";
}

/** The folder is the table: neither it nor its metadata can move (spec: "File System Tables"). */
function requireInPlace(base: LoadedTable, { metadata }: TableChange): void {
  const name = formatIdentifier(base.identifier);
  const metadataPath = metadata.properties[METADATA_PATH_PROPERTY];
  if (metadata.location !== base.metadata.location) {
    const message = `Cannot move table "${name}": the tables of a hadoop catalog are their ` +
      "folders; create another, or use a sql or rest catalog";
    throw new AppError("invalid", "table_location_not_movable", message);
  }
  if (metadataPath === undefined) return;
  const message = `Cannot commit to table "${name}": a hadoop catalog keeps metadata in the ` +
    `table's own folder; remove the table property "${METADATA_PATH_PROPERTY}"`;
  throw new AppError("invalid", "metadata_path_not_movable", message);
}

async function readIfPresent(io: FileIo, location: string): Promise<Uint8Array | null> {
  try {
    return await io.read(location);
  } catch (error) {
    if (error instanceof AppError && error.kind === "not_found") return null;
    throw error;
  }
}
