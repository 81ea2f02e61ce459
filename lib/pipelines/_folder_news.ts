/**
 * Whether something has happened in a table's metadata folder, where the system tells: on local disk.
 * A hint and no more. Nobody is told of what other machines do to a shared disk, and each system bounds
 * how many folders it watches.
 */
import { normalizeLocation, parentLocation } from "../storage/mod.ts";

/** A name that a metadata file may have once it counts. */
const METADATA_FILE = /^[^.].*\.metadata\.json(?:\.gz)?$/;

/** A folder that is watched. */
export interface FolderNews {
  /** No news from now on. */
  close(): void;
}

/** The local folder of a table's metadata file; null where it is not on local disk. */
export function metadataFolderOf(metadataLocation: string): string | null {
  const isLocal = /^(?:file:)?\//.test(metadataLocation);
  return isLocal ? parentLocation(normalizeLocation(metadataLocation)) : null;
}

/** Calls `onNews` when a metadata file has come or gone; null where nobody would be told. */
export function watchMetadataFolder(folder: string, onNews: () => void): FolderNews | null {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(folder, { recursive: false });
  } catch {
    // Not there, not permitted, too many: looks alone tell then.
    return null;
  }
  const listen = async () => {
    for await (const { paths, flag } of watcher) {
      const isNews = flag === "rescan" ||
        paths.some((path) => METADATA_FILE.test(path.slice(path.lastIndexOf("/") + 1)));
      if (isNews) onNews();
    }
  };
  listen().catch(() => {
    // The same: whoever waits goes on looking.
  });
  let isClosed = false;
  return {
    close() {
      if (!isClosed) watcher.close();
      isClosed = true;
    },
  };
}
