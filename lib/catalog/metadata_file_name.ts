/**
 * Names of metadata files and of `version-hint.text`, as real writers spell them.
 *
 * - Hadoop tables: `v7.metadata.json`, gzipped `v7.gz.metadata.json` or, before Iceberg 1.0,
 *   `v7.metadata.json.gz`.
 * - Other catalogs: `00007-<uuid>.metadata.json` and the same gzipped spellings; what follows the
 *   dash is any text (`00002-legacy-bare-dv.metadata.json`).
 *
 * Not versions, and never current: `v3.1.metadata.json` (a side copy), `<uuid>.metadata.json` (what
 * a hadoop writer leaves when it dies before its rename, even if the UUID starts with digits only).
 */

/** A metadata file's name, understood. */
export interface MetadataFileName {
  readonly name: string;
  /** Some writers number by nanoseconds, so this may exceed 2^53. */
  readonly version: bigint;
}

/** What `version-hint.text` says. */
export interface VersionHint {
  readonly version: bigint;
  /** The file it names, where it holds a full stem; null where it holds a number only. */
  readonly name: string | null;
}

/** Name of the hint file in a table's metadata folder. */
export const VERSION_HINT_FILE = "version-hint.text";

const ENDING = String.raw`(?:\.metadata\.json|\.gz\.metadata\.json|\.metadata\.json\.gz)`;
const HADOOP_NAME = new RegExp(String.raw`^v(\d{1,19})${ENDING}$`);
const NUMBERED_NAME = new RegExp(String.raw`^(\d{1,19})-[^/]{1,200}?${ENDING}$`);
const BARE_UUID_NAME = new RegExp(
  String.raw`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}${ENDING}$`,
  "i",
);

/** Reads a file name; null where it names no version of a table. */
export function parseMetadataFileName(name: string): MetadataFileName | null {
  if (BARE_UUID_NAME.test(name)) return null;
  const digits = (HADOOP_NAME.exec(name) ?? NUMBERED_NAME.exec(name))?.[1];
  return digits === undefined ? null : { name, version: BigInt(digits) };
}

/** The version that a hadoop writer gave a file this name for; null for any other name. */
export function parseHadoopName(name: string): bigint | null {
  const digits = HADOOP_NAME.exec(name)?.[1];
  return digits === undefined ? null : BigInt(digits);
}

/** Every name that a hadoop writer may have given to `version`. */
export function hadoopNames(version: bigint): readonly string[] {
  return [
    `v${version}.metadata.json`,
    `v${version}.gz.metadata.json`,
    `v${version}.metadata.json.gz`,
  ];
}

/** Reads a hint's text; null where it is garbage. Accepts `7`, `v7`, a stem, or a file name. */
export function parseVersionHint(text: string): VersionHint | null {
  const hint = text.trim();
  const digits = /^v?(\d{1,19})$/.exec(hint)?.[1];
  if (digits !== undefined) return { version: BigInt(digits), name: null };
  const file = parseMetadataFileName(hint) ?? parseMetadataFileName(`${hint}.metadata.json`);
  return file === null ? null : { version: file.version, name: file.name };
}

/** The files with the highest version among `names`: none, one, or several that tie. */
export function highestVersion(names: Iterable<string>): readonly MetadataFileName[] {
  let highest: MetadataFileName[] = [];
  for (const name of names) {
    const file = parseMetadataFileName(name);
    if (file === null) continue;
    const leader = highest[0];
    if (leader === undefined || file.version > leader.version) highest = [file];
    else if (file.version === leader.version) highest.push(file);
  }
  return highest;
}
