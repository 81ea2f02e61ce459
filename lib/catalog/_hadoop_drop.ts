/**
 * Dropping a table of a hadoop warehouse. Its metadata files are the table, so they go; manifests,
 * data and a copy of the last metadata, under a name that no engine takes for a version, stay.
 *
 * Commits race with this. The next version is claimed first, which turns away every commit that was
 * prepared on the version seen here. A commit prepared on the claim itself looks, once it is done,
 * for the version before it (see `commit/`), and this looks for one after the claim: of two that
 * cross, at least one sees the other.
 */
import { AppError } from "../errors.ts";
import { type FileIo, formatIdentifier } from "../iceberg/ports.ts";
import { findCurrentMetadata } from "./_current_metadata.ts";
import { commitConflict, tableNotFound } from "./_names.ts";
import { joinLocation } from "./_location.ts";
import { metadataEnding, packMetadata } from "./_metadata_file.ts";
import { inflateMetadata, peekMetadata } from "./_peek_metadata.ts";
import {
  hadoopNames,
  parseHadoopName,
  parseMetadataFileName,
  VERSION_HINT_FILE,
} from "./metadata_file_name.ts";
import type { FoundTable } from "./_warehouse_lookup.ts";
import { throwIfAborted } from "../abort.ts";
import { baseName } from "../storage/mod.ts";

/** Largest metadata file that is copied. */
const MAX_METADATA_BYTES = 128 * 1024 * 1024;

/** Where to drop. */
export interface HadoopDropOptions {
  readonly io: FileIo;
  readonly signal?: AbortSignal | undefined;
}

/** Drops the table as it was found; `conflict` where it has changed, `not_found` where it is gone. */
export async function dropHadoopTable(
  found: FoundTable,
  { io, signal }: HadoopDropOptions,
): Promise<void> {
  const { folder, identifier, metadataLocation } = found;
  const name = formatIdentifier(identifier);
  const metadata = joinLocation(folder, "metadata");
  const current = await findCurrentMetadata(io, folder, { signal });
  if (current === null) throw tableNotFound(name);
  if (current !== metadataLocation) throw changed(name);
  const version = parseHadoopName(baseName(current));
  if (version === null) throw ofAnotherCatalog(name);
  const bytes = await io.read(current, {
    maxBytes: MAX_METADATA_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  throwIfAborted(signal);
  const { name: claimName, content } = await claimFile(bytes, version + 1n);
  const claim = joinLocation(metadata, claimName);
  try {
    await io.createIfAbsent(claim, content);
  } catch (error) {
    if (error instanceof AppError && error.kind === "already_exists") throw changed(name, error);
    throw error;
  }
  await io.put(joinLocation(metadata, keptName(baseName(current))), bytes);
  await io.delete(joinLocation(metadata, VERSION_HINT_FILE));
  const entries = await io.listFolder(metadata);
  const versions = entries
    .filter(({ kind }) => kind === "file")
    .map((entry) => parseMetadataFileName(entry.name))
    .filter((file) => file !== null)
    .sort((a, b) => (a.version < b.version ? -1 : a.version > b.version ? 1 : 0));
  if (versions.some((file) => file.version > version + 1n)) throw changed(name);
  for (const file of versions) await io.delete(joinLocation(metadata, file.name));
  const after = hadoopNames(version + 2n).map((next) => io.stat(joinLocation(metadata, next)));
  if ((await Promise.all(after)).some((stat) => stat !== null)) throw changed(name);
}

/** A copy of the metadata as the version that every writer of ours would write next. */
async function claimFile(
  bytes: Uint8Array,
  version: bigint,
): Promise<{ readonly name: string; readonly content: Uint8Array }> {
  const codec = (await peekMetadata(bytes)).asksForGzip ? "gzip" : "none";
  const document = await inflateMetadata(bytes);
  const content = document === null ? bytes : await packMetadata(document, codec);
  return { name: `v${version}${metadataEnding(codec)}`, content };
}

/** No `….metadata.json`: Java lists a folder that holds one as a table. */
function keptName(name: string): string {
  const ending = name.includes(".gz") ? "json.gz" : "json";
  return `dropped-${name.replace(/\..*/, "")}-${crypto.randomUUID()}.${ending}`;
}

function ofAnotherCatalog(name: string): AppError {
  const message = `Cannot drop table "${name}": its metadata files are named as another catalog ` +
    "does; drop it there";
  return new AppError("unsupported", "table_of_another_catalog", message);
}

function changed(name: string, cause?: unknown): AppError {
  return commitConflict(`drop table "${name}"`, cause);
}
