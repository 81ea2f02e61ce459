/**
 * Whether a local sql catalog's tables are what their names promise. A view, a virtual table or a
 * generated column computes its rows, for ever if its author likes, and a local query blocks the
 * whole isolate meanwhile: nothing could end it. Stored rows are bounded by the file.
 */
import type { Client } from "@libsql/client";
import { AppError } from "../errors.ts";

/** Expressions that are run by reading: anything but stored columns of an ordinary table. */
const COMPUTED = `
  SELECT name FROM sqlite_schema
  WHERE lower(name) IN ('iceberg_tables', 'iceberg_namespace_properties')
    AND (type <> 'table' OR sql NOT LIKE 'CREATE TABLE %')
  UNION ALL
  SELECT name FROM pragma_table_xinfo('iceberg_tables') WHERE hidden <> 0
  UNION ALL
  SELECT name FROM pragma_table_xinfo('iceberg_namespace_properties') WHERE hidden <> 0
  LIMIT 1`;

/** Statements that are run by changing. */
const TRIGGERS = `
  SELECT name FROM sqlite_schema
  WHERE type = 'trigger'
    AND lower(tbl_name) IN ('iceberg_tables', 'iceberg_namespace_properties')
  LIMIT 1`;

/** Options of {@linkcode requirePlainTables}. */
export interface PlainTablesOptions {
  /** The tables are about to be changed. */
  readonly andNoTriggers?: boolean;
}

/** Passes if reading the catalog's tables, or changing them, runs nothing of their author's. */
export async function requirePlainTables(
  client: Client,
  { andNoTriggers = false }: PlainTablesOptions = {},
): Promise<void> {
  if (andNoTriggers && (await client.execute(TRIGGERS)).rows.length > 0) throw hasTriggers();
  const { rows } = await client.execute(COMPUTED);
  if (rows.length === 0) return;
  const message = "Cannot use the catalog's database: its tables are not ordinary ones; expected " +
    "no views, virtual tables and generated columns under the names of an Iceberg catalog";
  throw new AppError("unavailable", "catalog_tables_computed", message);
}

function hasTriggers(): AppError {
  const message =
    "Cannot change the catalog's database: its tables have triggers, which would run " +
    "inside drls; expected none on the tables of an Iceberg catalog";
  return new AppError("unsupported", "catalog_tables_have_triggers", message);
}
