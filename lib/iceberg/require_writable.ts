/** Dry runs and real ones refuse the same tables, in the same words. */
import { AppError } from "../errors.ts";
import { formatIdentifier, type LoadedTable } from "./ports.ts";

/** Refuses tables that may only be read: `unsupported`/`table_read_only`. */
export function requireWritable(
  { identifier, readOnly }: Pick<LoadedTable, "identifier" | "readOnly">,
): void {
  if (readOnly === null) return;
  throw new AppError(
    "unsupported",
    "table_read_only",
    `Cannot change table "${formatIdentifier(identifier)}": ${readOnly}`,
  );
}
