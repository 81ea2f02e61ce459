/** Finds a table by the name that a client wrote. */
import { AppError } from "../errors.ts";
import type { TableIdentifier } from "../iceberg/ports.ts";
import type { CallOptions, Catalog, TableLocation } from "./ports.ts";
import { nameCandidates } from "./table_name.ts";

/**
 * Locates `namespace.table` or `catalog.namespace.table`. Errors: `invalid`/`invalid_table_name`,
 * `not_found`/`table_not_found`, and those of the catalog.
 */
export async function findTable(
  catalog: Catalog,
  table: string,
  options: CallOptions = {},
): Promise<TableLocation> {
  for (const candidate of nameCandidates(table, catalog.name)) {
    try {
      return await catalog.locate(candidate, options);
    } catch (error) {
      if (!(error instanceof AppError && error.kind === "not_found")) throw error;
    }
  }
  throw new AppError("not_found", "table_not_found", `Cannot find table "${table}"`);
}

/**
 * The identifier of a table to create, from `namespace.table` or `catalog.namespace.table`; each dot
 * separates levels. Errors: `invalid`/`invalid_table_name`.
 */
export function identifierOfNew(
  catalog: Pick<Catalog, "name">,
  table: string,
): TableIdentifier {
  const [literal = table] = nameCandidates(table, catalog.name);
  const levels = literal.split(".");
  const name = levels.pop() ?? "";
  if (levels.length > 0) return { namespace: levels, name };
  throw new AppError("invalid", "invalid_table_name", "Cannot use the table name", {
    issues: [{ path: "table", message: "Expected namespace.table or catalog.namespace.table" }],
  });
}
