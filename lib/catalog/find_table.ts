/** Finds a table by the name that a client wrote. */
import { AppError } from "../errors.ts";
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
