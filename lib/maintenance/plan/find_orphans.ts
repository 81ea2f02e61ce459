/**
 * Tells orphans among the files below a table's location (Iceberg: `remove_orphan_files`). Pure, and
 * careful: whatever may belong to somebody stays, and is counted by its reason.
 */
import type { FileStat } from "../../iceberg/ports.ts";
import { relativeLocation } from "../../storage/mod.ts";
import type { LocationIdentity } from "./location_identity.ts";

/** What becomes of a file that is reachable by path, but under another scheme or authority. */
export type PrefixMismatchMode = "ERROR" | "IGNORE" | "DELETE";

/** Why a file that nothing refers to is kept. */
export type KeptReason =
  | "younger_than_bound"
  | "unknown_age"
  /** Some part of its path begins with `_` or `.`: by convention not for tables' readers. */
  | "hidden"
  /** It belongs to another table, whose folder lies inside this one's. */
  | "nested_table"
  | "prefix_mismatch";

/** Files and bytes. */
export interface FileSum {
  readonly files: number;
  readonly bytes: number;
}

/** What was found. */
export interface OrphanFindings {
  readonly orphans: readonly FileStat[];
  readonly kept: readonly (FileSum & { readonly reason: KeptReason })[];
  /** Schemes and authorities that differ, `s3://a is not s3://b`. */
  readonly conflicts: readonly string[];
  /** Folders of other tables inside this one, relative to the folder that was listed. */
  readonly nestedTables: readonly string[];
}

/** Options of {@linkcode OrphanFinder}. */
export interface OrphanFinderOptions {
  /** The folder that is listed. */
  readonly folder: string;
  readonly identity: LocationIdentity;
  readonly mode: PrefixMismatchMode;
  /** Files written at this time or later stay. Milliseconds since the epoch. */
  readonly olderThanMs: number;
  /** Names of the table's partition fields: folders called after these are never hidden. */
  readonly partitionFields: readonly string[];
}

const METADATA_FILE = /^(.*\/)?metadata\/(?:[^/]+\.metadata\.json(?:\.gz)?|version-hint\.text)$/;
/** The name of files in the making, which a crash may leave behind; see `lib/storage`. */
const LEFTOVER = /^\.drls-tmp-/;

/** Everything that a table refers to, by path and prefix. */
export class ReachableLocations {
  readonly #identity: LocationIdentity;
  readonly #byPrefix = new Map<string, Set<string>>();

  constructor(identity: LocationIdentity) {
    this.#identity = identity;
  }

  /** Adds one location as the table records it. */
  add(location: string): void {
    const { prefix, path } = this.#identity.of(location);
    let paths = this.#byPrefix.get(prefix);
    if (paths === undefined) this.#byPrefix.set(prefix, paths = new Set());
    paths.add(path);
  }

  /** True or false; or, where only the path is known, the prefix it is known under. */
  find(location: string): boolean | { readonly prefix: string } {
    const { prefix, path } = this.#identity.of(location);
    if (this.#byPrefix.get(prefix)?.has(path) === true) return true;
    for (const [other, paths] of this.#byPrefix) {
      if (paths.has(path)) return { prefix: other };
    }
    return false;
  }
}

/** Takes the listing of one folder, file by file. */
export class OrphanFinder {
  readonly #options: OrphanFinderOptions;
  readonly #reachable: ReachableLocations;
  readonly #hiddenPartitions: readonly string[];
  readonly #found: { readonly relative: string; readonly stat: FileStat }[] = [];
  readonly #kept = new Map<KeptReason, { files: number; bytes: number }>();
  readonly #conflicts = new Set<string>();
  readonly #nested = new Set<string>();

  constructor(reachable: ReachableLocations, options: OrphanFinderOptions) {
    this.#reachable = reachable;
    this.#options = options;
    this.#hiddenPartitions = options.partitionFields
      .filter((name) => /^[_.]/.test(name))
      .map((name) => `${name}=`);
  }

  /** Looks at a file below the folder. */
  add(stat: FileStat): void {
    const relative = relativeLocation(stat.location, this.#options.folder);
    if (relative === null || relative === "") return;
    const known = this.#reachable.find(stat.location);
    if (known === true) return;
    const owner = METADATA_FILE.exec(relative)?.[1];
    if (owner !== undefined) this.#nested.add(owner);
    const reason = this.#reasonToKeep(stat, relative, known);
    if (reason === null) this.#found.push({ relative, stat });
    else this.#keep(reason, stat);
  }

  /** Sorts out what belongs to nested tables, which is only known once everything was seen. */
  finish(): OrphanFindings {
    const roots = [...this.#nested].sort();
    const orphans: FileStat[] = [];
    for (const { relative, stat } of this.#found) {
      if (isBelowAny(relative, this.#nested)) this.#keep("nested_table", stat);
      else orphans.push(stat);
    }
    return {
      orphans,
      kept: [...this.#kept].map(([reason, sum]) => ({ reason, ...sum })),
      conflicts: [...this.#conflicts].sort(),
      nestedTables: roots.map((root) => root.slice(0, -1)),
    };
  }

  #reasonToKeep(
    stat: FileStat,
    relative: string,
    known: false | { readonly prefix: string },
  ): KeptReason | null {
    if (this.#isHidden(relative)) return "hidden";
    if (stat.modifiedAtMs === null) return "unknown_age";
    if (stat.modifiedAtMs >= this.#options.olderThanMs) return "younger_than_bound";
    if (known === false || this.#options.mode === "DELETE") return null;
    const { prefix } = this.#options.identity.of(stat.location);
    this.#conflicts.add(`${known.prefix || "local disk"} is not ${prefix || "local disk"}`);
    return "prefix_mismatch";
  }

  /** As Java's `HiddenPathFilter`, partition folders excepted; our own leftovers count as visible. */
  #isHidden(relative: string): boolean {
    const segments = relative.split("/");
    if (LEFTOVER.test(segments.at(-1) ?? "")) segments.pop();
    return segments.some((segment) =>
      /^[_.]/.test(segment) && !this.#hiddenPartitions.some((name) => segment.startsWith(name))
    );
  }

  #keep(reason: KeptReason, { sizeBytes }: FileStat): void {
    const sum = this.#kept.get(reason) ?? { files: 0, bytes: 0 };
    sum.files++;
    sum.bytes += sizeBytes;
    this.#kept.set(reason, sum);
  }
}

/** Whether one of the folders, each ending in a slash, is above the path. */
function isBelowAny(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    if (folders.has(path.slice(0, at + 1))) return true;
  }
  return false;
}
