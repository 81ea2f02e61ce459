/** Dry runs refuse what the real run would refuse. */
import { AppError } from "../../errors.ts";
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";

/** Throws `unsupported`, code `table_read_only`, where a table may not be written. */
export function requireWritable(table: LoadedTable): void {
  if (table.readOnly === null) return;
  throw new AppError(
    "unsupported",
    "table_read_only",
    `Cannot change table "${formatIdentifier(table.identifier)}": ${table.readOnly}`,
  );
}
