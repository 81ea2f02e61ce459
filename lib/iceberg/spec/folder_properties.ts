/** Where a table may keep files beside its location. */

/** Properties that name folders which the table writes to. */
export const FOLDER_PROPERTIES = [
  "write.data.path",
  "write.metadata.path",
  "write.object-storage.path",
  "write.folder-storage.path",
] as const;
