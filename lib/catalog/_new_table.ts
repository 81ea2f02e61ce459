/** The first metadata of a table that hadoop and sql catalogs create themselves. */
import { AppError } from "../errors.ts";
import {
  newTableMetadata as freshMetadata,
  type NewTableOptions,
} from "../iceberg/commit/new_table_metadata.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { TableMetadata } from "../iceberg/spec/table_metadata.ts";
import type { TableDefinition } from "./ports.ts";

/**
 * Metadata without snapshots, with ids assigned anew as Java and PyIceberg do. A definition that
 * makes no valid table is `invalid`, code `table_definition_invalid`, with the table's name.
 */
export function newTableMetadata(
  definition: TableDefinition,
  options: NewTableOptions,
): TableMetadata {
  try {
    return freshMetadata(definition, options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { kind, code, context, issues } = error;
    const name = formatIdentifier(definition.identifier);
    const message = error.message.replace(
      "Cannot create the table",
      `Cannot create table "${name}"`,
    );
    throw new AppError(kind, code, message, { context, issues, cause: error });
  }
}
