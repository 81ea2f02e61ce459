/** Deletes metadata files that left the metadata log, where the table asks for it. */
import type { LoadedTable } from "../ports.ts";
import { mapConcurrently } from "../../concurrency.ts";
import { booleanProperty } from "./_properties.ts";

/** Property: whether files that leave the metadata log are deleted. */
const DELETE_AFTER_COMMIT_PROPERTY = "write.metadata.delete-after-commit.enabled";
/** What metadata files are called. A log may name anything; nothing else is deleted on its word. */
const METADATA_FILE = /\.metadata\.json(?:\.gz)?$/;
/** Deletions under way at once. */
const DELETE_CONCURRENCY = 8;

/** Options of {@linkcode deleteDroppedMetadata}. */
export interface DeleteDroppedMetadataOptions {
  readonly onProblem: (problem: { readonly what: string; readonly error: unknown }) => void;
}

/** The files that were deleted. A failure is only reported: the commit stands whatever happens. */
export async function deleteDroppedMetadata(
  base: LoadedTable,
  { metadata, metadataLocation, io }: LoadedTable,
  { onProblem }: DeleteDroppedMetadataOptions,
): Promise<readonly string[]> {
  if (booleanProperty(metadata.properties, DELETE_AFTER_COMMIT_PROPERTY) !== true) return [];
  const named = new Set(metadata.metadataLog.map((entry) => entry.metadataFile));
  const dropped = base.metadata.metadataLog
    .map((entry) => entry.metadataFile)
    .filter((file) => !named.has(file) && file !== metadataLocation && METADATA_FILE.test(file));
  const deleted: string[] = [];
  await mapConcurrently([...new Set(dropped)], async (file) => {
    try {
      await io.delete(file);
      deleted.push(file);
    } catch (error) {
      onProblem({ what: "delete metadata file", error });
    }
  }, { limit: DELETE_CONCURRENCY });
  return deleted.sort();
}
