/** What keeps maintenance away from a table altogether. */
import { AppError } from "../../errors.ts";
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { mayDeleteFiles } from "../../iceberg/retention/garbage_collection.ts";

/**
 * Refuses to delete files of tables that say others use them: `gc.enabled` is false, as it is for
 * tables made from another's files. `conflict`/`gc_disabled`.
 */
export function requireGarbageCollection({ identifier, metadata }: LoadedTable): void {
  if (mayDeleteFiles(metadata)) return;
  throw new AppError(
    "conflict",
    "gc_disabled",
    `Cannot delete files of table "${formatIdentifier(identifier)}": its property gc.enabled is ` +
      "false, because other tables may use them; set it to true if none does",
  );
}

/**
 * Refuses tables with encrypted metadata, of which nobody can tell here what they refer to:
 * `unsupported`/`table_encrypted`.
 */
export function requireReadable({ identifier, metadata }: LoadedTable): void {
  const isEncrypted = metadata.encryptionKeys.length > 0 ||
    metadata.properties["encryption.key-id"] !== undefined;
  if (!isEncrypted) return;
  throw new AppError(
    "unsupported",
    "table_encrypted",
    `Cannot tell which files table "${formatIdentifier(identifier)}" uses: it is encrypted`,
  );
}
