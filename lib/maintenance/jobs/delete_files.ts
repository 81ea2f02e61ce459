/** Deletes files that a table has let go of. A file that cannot be deleted is counted, not fatal. */
import { mapConcurrently } from "../../concurrency.ts";
import { throwIfAborted } from "../../abort.ts";
import type { FileIo } from "../../iceberg/ports.ts";

/** Deletions under way at once. */
const DELETE_CONCURRENCY = 16;

/** A file to delete, with its size in bytes where that is known. */
export interface DeletableFile {
  readonly location: string;
  readonly sizeBytes: number | null;
}

/** How it went. */
export interface DeletedFiles<F extends DeletableFile> {
  readonly deleted: readonly F[];
  readonly failed: readonly F[];
}

/** Tries every file. Rejects only where it is cancelled; what was deleted by then is gone. */
export async function deleteFiles<F extends DeletableFile>(
  files: readonly F[],
  { io, signal }: { readonly io: FileIo; readonly signal: AbortSignal },
): Promise<DeletedFiles<F>> {
  const deleted: F[] = [];
  const failed: F[] = [];
  await mapConcurrently(files, async (file) => {
    try {
      await io.delete(file.location);
      deleted.push(file);
    } catch {
      throwIfAborted(signal);
      failed.push(file);
    }
  }, { limit: DELETE_CONCURRENCY, signal });
  return { deleted, failed };
}
