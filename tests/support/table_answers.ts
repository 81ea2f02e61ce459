/** Table verbs that answer the same small table, for tests of what stands before them. */
import type { Tables } from "../../lib/tables/mod.ts";

const TABLE = { success: true, table: "db.events" } as const;

/** Valid answers of every table verb. */
export const TABLE_ANSWERS: Tables = {
  list: () => Promise.resolve({ namespaces: ["db"], tables: ["db.events"] }),
  schema: () =>
    Promise.resolve({
      ...TABLE,
      columns: [{ name: "id", type: "bigint", nullable: false, comment: null, id: 1 }],
      schema_id: 0,
      format_version: 2,
      partition_by: [],
      sort_order: [],
      identifier_columns: [],
      read_only: null,
    }),
  snapshots: () => Promise.resolve({ ...TABLE, current_snapshot_id: null, snapshots: [] }),
  refs: () => Promise.resolve({ ...TABLE, refs: [] }),
  files: () => Promise.resolve({ ...TABLE, snapshot_id: null, files: [] }),
  health: () =>
    Promise.resolve({
      ...TABLE,
      snapshot_count: 0,
      data_file_count: 0,
      total_size_bytes: 0,
      avg_file_size_bytes: 0,
      small_file_count: 0,
      recommendation: "Nothing to do",
      severity: "healthy",
      recommendations: [],
      record_count: 0,
      delete_file_count: 0,
      delete_files: {
        position_delete_files: 0,
        equality_delete_files: 0,
        deletion_vectors: 0,
        position_deleted_rows: 0,
        equality_delete_rows: 0,
        total_size_bytes: 0,
        affected_data_files: 0,
        affected_rows: 0,
      },
      target_file_size_bytes: 536_870_912,
      size_classes: [],
      partition_count: 0,
      partitions_with_most_small_files: [],
      oldest_snapshot: null,
      newest_snapshot: null,
      manifest_count: 0,
      metadata_size_bytes: 1,
      format_version: 2,
      location: "events",
      read_only: null,
    }),
};
