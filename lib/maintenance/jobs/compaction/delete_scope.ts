/** Which delete files end with the data files that a compaction replaces. */
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import {
  type DeleteFile,
  isDeletionVector,
  referencedDataFile,
} from "../../../iceberg/scan/delete_index.ts";
import type { ManifestSource } from "../../../iceberg/scan/manifest_source.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";

/** Deletes that speak of one of these data files alone: they end with it. Each once. */
export function fileScopedDeletes(
  tasks: Iterable<Pick<FileScanTask, "deletes">>,
): readonly DeleteFile[] {
  const found = new Map<string, DeleteFile>();
  for (const { deletes } of tasks) {
    for (const file of deletes) {
      if (referencedDataFile(file.dataFile) !== null) found.set(keyOf(file.dataFile), file);
    }
  }
  return [...found.values()];
}

/** Those among them that a rewrite has to name; vectors leave with their data files by themselves. */
export function namedDeletes(
  tasks: Iterable<Pick<FileScanTask, "deletes">>,
): readonly DeleteFile[] {
  return fileScopedDeletes(tasks).filter(({ dataFile }) => !isDeletionVector(dataFile));
}

/** The manifests as they would be without some data files. */
export function withoutFiles(
  source: ManifestSource,
  locations: ReadonlySet<string>,
): ManifestSource {
  return {
    manifestsOf: (snapshot, read) => source.manifestsOf(snapshot, read),
    async entriesOf(manifest, read) {
      const entries = await source.entriesOf(manifest, read);
      return entries.filter(({ dataFile }) => !locations.has(dataFile.filePath));
    },
  };
}

/** Deletion vectors share Puffin files. */
function keyOf({ filePath, contentOffset }: DataFile): string {
  return contentOffset === null ? filePath : `${contentOffset}@${filePath}`;
}
