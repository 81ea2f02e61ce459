/** What changes of tables did, or in a dry run would do: the same fields for both. */
import { z } from "zod";
import { Column } from "./schemas.ts";

const count = z.int().nonnegative();
const bytes = z.int().nonnegative().describe("bytes");
const snapshotId = z.string().regex(/^\d+$/);

/** What a change of one column did. */
export const ColumnReceipt = z.object({
  changed: z.boolean().describe("false where everything was as asked"),
  column: z.string().describe("full name, after the change"),
  field_id: z.int(),
  before: Column.nullable().describe("null for a new column"),
  after: Column.nullable().describe("null for a dropped one"),
  position: count.nullable().describe("place among the fields of its struct, from 0"),
  previous_schema_id: z.int(),
  schema_id: z.int(),
  last_column_id: z.int().describe("highest field id ever given out"),
  changed_properties: z.array(z.string()).describe("table properties that followed the column"),
  warnings: z.array(z.string()),
});
export type ColumnReceipt = z.infer<typeof ColumnReceipt>;

/** Totals of a snapshot, null where its summary has none. */
const totals = z.object({
  records: z.string().nullable(),
  data_files: z.string().nullable(),
  delete_files: z.string().nullable(),
  bytes: z.string().nullable(),
});

/** What a rollback did; the ids are named as Spark's `rollback_to_snapshot` names them. */
export const RollbackReceipt = z.object({
  changed: z.boolean(),
  previous_snapshot_id: snapshotId,
  current_snapshot_id: snapshotId,
  rolled_back_snapshots_count: count,
  rolled_back_snapshot_ids: z.array(snapshotId).describe("newest first, the first 1000"),
  before: totals,
  after: totals,
});
export type RollbackReceipt = z.infer<typeof RollbackReceipt>;

/** What dropping a table did. */
export const DropTableReceipt = z.object({
  purge: z.boolean(),
  deleted_data_files_count: count,
  deleted_position_delete_files_count: count,
  deleted_equality_delete_files_count: count,
  deleted_manifest_files_count: count,
  deleted_manifest_lists_count: count,
  deleted_statistics_files_count: count,
  deleted_metadata_files_count: count,
  deleted_bytes_count: bytes.describe("of data, delete and manifest files"),
  failed_deletes_count: count.describe("files that could not be deleted"),
  kept_files: z.array(z.object({ reason: z.string(), files: count, bytes }))
    .describe("files that the table refers to, and that stay"),
});
export type DropTableReceipt = z.infer<typeof DropTableReceipt>;

/** What creating a table did. */
export const CreateTableReceipt = z.object({
  columns: z.array(Column),
  partition_by: z.array(z.string()),
  sort_order: z.array(z.string()),
  identifier_columns: z.array(z.string()),
  properties: z.record(z.string(), z.string()),
  format_version: z.int(),
});
export type CreateTableReceipt = z.infer<typeof CreateTableReceipt>;
