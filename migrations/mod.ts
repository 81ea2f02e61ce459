/**
 * The migrations, in order, as text inside the binary. A released one is never edited: its checksum
 * is recorded in every database that has it.
 */
import createAccessTables from "./0001_create_access_tables.sql" with { type: "text" };
import createOperationTables from "./0002_create_operation_tables.sql" with { type: "text" };
import createSnapshotPins from "./0003_create_snapshot_pins.sql" with { type: "text" };
import createPipelines from "./0004_create_pipelines.sql" with { type: "text" };

/** Every migration; the place in the list is its version, from 1. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: "0001_create_access_tables", sql: createAccessTables },
  { name: "0002_create_operation_tables", sql: createOperationTables },
  { name: "0003_create_snapshot_pins", sql: createSnapshotPins },
  { name: "0004_create_pipelines", sql: createPipelines },
];
