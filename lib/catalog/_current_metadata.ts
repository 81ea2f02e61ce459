/**
 * Finds the current metadata file of a table folder without a catalog.
 *
 * 1. `version-hint.text` is only a hint. Where it holds a number N and a hadoop-named file of
 *    version N exists, later versions are probed for (N+1, N+2, ...) and the last one found is
 *    current: two round trips, however many files the folder holds.
 * 2. Otherwise (no hint, garbage, one that points ahead of the table or names a
 *    `00001-<uuid>` stem, whose successor's name cannot be guessed) the folder is listed and the
 *    highest version is current.
 * 3. Where several files carry that version, the one the hint names is current; of spellings of one
 *    hadoop name the one that Java prefers (plain before gzip, then the old gzip form), so that all
 *    engines go on from the same; else the one with the newest `last-updated-ms`; else the last by
 *    name.
 */
import { AppError } from "../errors.ts";
import type { FileIo } from "../iceberg/ports.ts";
import {
  hadoopNames,
  highestVersion,
  parseHadoopName,
  parseVersionHint,
  VERSION_HINT_FILE,
  type VersionHint,
} from "./metadata_file_name.ts";
import { joinLocation } from "./_location.ts";
import { peekMetadata } from "./_peek_metadata.ts";

/** A hint is a number or a file name; anything longer is garbage. */
const MAX_HINT_BYTES = 1024;
/** Versions asked for at once; a hint is seldom more than one behind. */
const FIRST_PROBE_VERSIONS = 2;
const MAX_PROBE_VERSIONS = 16;
/** A hint further behind than this is worth a listing instead. */
const MAX_PROBED_VERSIONS = 1024;
/** Ties come from lost races; more than a few mean something else wrote the folder. */
const MAX_TIED_FILES = 8;
const MAX_TIED_FILE_BYTES = 8 * 1024 * 1024;

/** Options of {@linkcode findCurrentMetadata}. */
export interface FindMetadataOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Lists the folder whatever the hint says. A stale hint whose file was not deleted, while those
   * after it were, would otherwise be believed.
   */
  readonly listsAlways?: boolean;
}

/** Location of the current metadata file of the table at `folder`; null where it is no table. */
export async function findCurrentMetadata(
  io: FileIo,
  folder: string,
  options: FindMetadataOptions = {},
): Promise<string | null> {
  const { signal, listsAlways = false } = options;
  const metadataFolder = joinLocation(folder, "metadata");
  const search = new Search(io, metadataFolder, signal);
  const hint = await search.readHint();
  const probes = hint !== null && hint.name === null && !listsAlways;
  const probed = probes ? await search.probeFrom(hint.version) : [];
  const names = probed.length > 0 ? probed : await search.listHighest();
  const current = await search.breakTie(names, hint);
  return current === null ? null : joinLocation(metadataFolder, current);
}

class Search {
  readonly #io: FileIo;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;

  constructor(io: FileIo, folder: string, signal: AbortSignal | undefined) {
    this.#io = io;
    this.#folder = folder;
    this.#signal = signal;
  }

  async readHint(): Promise<VersionHint | null> {
    const bytes = await this.#readUpTo(VERSION_HINT_FILE, MAX_HINT_BYTES);
    return bytes === null ? null : parseVersionHint(new TextDecoder().decode(bytes));
  }

  /** Names of the last version reachable from `first` without a gap; none if `first` is missing. */
  async probeFrom(first: bigint): Promise<readonly string[]> {
    let last: readonly string[] = [];
    let next = first;
    let window = FIRST_PROBE_VERSIONS;
    while (next - first < BigInt(MAX_PROBED_VERSIONS)) {
      const versions = Array.from({ length: window }, (_, offset) => next + BigInt(offset));
      const found = await Promise.all(versions.map((version) => this.#existing(version)));
      const gap = found.findIndex((names) => names.length === 0);
      last = found[(gap === -1 ? found.length : gap) - 1] ?? last;
      if (gap !== -1) return last;
      next += BigInt(window);
      window = Math.min(window * 2, MAX_PROBE_VERSIONS);
    }
    return [];
  }

  async listHighest(): Promise<readonly string[]> {
    const entries = await this.#io.listFolder(this.#folder, this.#signal);
    const files = entries.filter((entry) => entry.kind === "file").map((entry) => entry.name);
    return highestVersion(files).map((file) => file.name);
  }

  async breakTie(names: readonly string[], hint: VersionHint | null): Promise<string | null> {
    if (names.length <= 1) return names[0] ?? null;
    if (hint?.name && names.includes(hint.name)) return hint.name;
    const versions = names.map(parseHadoopName);
    if (versions.every((version) => version !== null)) {
      return hadoopNames(versions[0] ?? 0n).find((name) => names.includes(name)) ?? null;
    }
    const candidates = [...names].sort().slice(-MAX_TIED_FILES);
    const updatedAt = await Promise.all(candidates.map((name) => this.#lastUpdated(name)));
    return candidates.reduce((best, name, index) => {
      const bestAt = updatedAt[candidates.indexOf(best)] ?? -1n;
      return (updatedAt[index] ?? -1n) >= bestAt ? name : best;
    });
  }

  async #existing(version: bigint): Promise<readonly string[]> {
    const names = hadoopNames(version);
    const stats = await Promise.all(
      names.map((name) => this.#io.stat(joinLocation(this.#folder, name), this.#signal)),
    );
    return names.filter((_, index) => stats[index] !== null);
  }

  /** -1 where it cannot be told: such a file loses the tie, and says why when it is loaded. */
  async #lastUpdated(name: string): Promise<bigint> {
    const bytes = await this.#readUpTo(name, MAX_TIED_FILE_BYTES);
    if (bytes === null) return -1n;
    return (await peekMetadata(bytes, { maxBytes: MAX_TIED_FILE_BYTES })).lastUpdatedMs ?? -1n;
  }

  async #readUpTo(name: string, maxBytes: number): Promise<Uint8Array | null> {
    const location = joinLocation(this.#folder, name);
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    try {
      return await this.#io.read(location, { maxBytes, ...signal });
    } catch (error) {
      const absent = error instanceof AppError && ["not_found", "too_large"].includes(error.kind);
      if (absent) return null;
      throw error;
    }
  }
}
