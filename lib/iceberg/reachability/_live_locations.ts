/** Walks the live files of manifests, decoding next to nothing but their locations. */
import { Pacer } from "../../pacer.ts";
import { openContainer } from "../avro/container.ts";
import { walkEntries } from "../manifest/entry_reader.ts";
import type { EntryColumn } from "../manifest/entry_row.ts";
import { checkFormatVersion } from "../manifest/manifest_header.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import { entryStatus } from "../manifest/read_manifest.ts";
import type { FileIo } from "../ports.ts";
import { MAX_MANIFEST_BYTES } from "../scan/manifest_source.ts";
import type { ReachableFile } from "./reachable_file.ts";

const COLUMNS: ReadonlySet<EntryColumn> = new Set([
  "status",
  "content",
  "filePath",
  "fileSizeInBytes",
]);

/** Where manifests are read from. */
export interface LiveLocationsOptions {
  readonly io: FileIo;
  readonly signal?: AbortSignal | undefined;
}

/** A manifest's live files; the vectors of one Puffin file all give its location. */
export async function liveLocations(
  { manifestPath: location }: ManifestFile,
  visit: (file: ReachableFile) => void,
  { io, signal }: LiveLocationsOptions,
): Promise<void> {
  const bytes = await io.read(location, {
    maxBytes: MAX_MANIFEST_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  const container = openContainer(bytes, { location });
  checkFormatVersion(container);
  const pacer = new Pacer();
  const steps = walkEntries(container, (row) => {
    if (entryStatus(row, location) === "deleted") return;
    visit({ kind: row.content, location: row.filePath, sizeBytes: row.fileSizeInBytes });
  }, { columns: COLUMNS, partitionFields: [] });
  for (const _ of steps) await pacer.breathe(signal);
}

/** Whether a manifest lists a live file; counts that a v1 writer left out may be anything. */
export function mayHaveLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0;
}
