/** Keeping `version-hint.text` up to date: a help to readers, never part of a commit. */
import { AppError } from "../errors.ts";
import type { FileIo } from "../iceberg/ports.ts";
import { joinLocation } from "./_location.ts";
import { VERSION_HINT_FILE } from "./metadata_file_name.ts";

/** What to write where. */
export interface VersionHintUpdate {
  /** The table's folder. */
  readonly folder: string;
  readonly version: bigint;
}

/** Names `version` as the newest one, if that can be done: the table is changed either way. */
export async function putVersionHint(io: FileIo, update: VersionHintUpdate): Promise<void> {
  const location = joinLocation(update.folder, "metadata", VERSION_HINT_FILE);
  try {
    await io.put(location, new TextEncoder().encode(String(update.version)));
  } catch (error) {
    // Readers probe on from an old hint, and list the folder where there is none.
    if (!(error instanceof AppError)) throw error;
  }
}
