/**
 * The answers of the table endpoints as zod schemas: the OpenAPI document is generated from them,
 * and the boundary to the reader isolates checks against them.
 */
import { z } from "zod";

/** 64-bit ids are JSON strings: they may exceed 2^53. */
const int64Text = z.string().regex(/^-?\d+$/).describe("64-bit integer as text");
const count = z.int().nonnegative();
const bytes = z.int().nonnegative().describe("bytes");
const isoTime = z.string().describe("ISO 8601 time, UTC");

/** `GET /api/tables`. */
export const TableList = z.object({
  namespaces: z.array(z.string()),
  tables: z.array(z.string()),
  next_cursor: z.string().optional(),
}).meta({ id: "TableList" });
export type TableList = z.infer<typeof TableList>;

/** A default of a column: a JSON value, 64-bit integers beyond 2^53 and decimals as text. */
export const ColumnDefault = z.union([z.boolean(), z.number(), z.string()]);
export type ColumnDefault = z.infer<typeof ColumnDefault>;

/** One column of a table's current schema; nested fields show in `type`. */
export const Column = z.object({
  name: z.string(),
  type: z.string().describe("Spark SQL's name in lower case: bigint, decimal(10,2), struct<a:int>"),
  nullable: z.boolean(),
  comment: z.string().nullable(),
  id: z.int().describe("Iceberg field id"),
  ddl: z.string().optional()
    .describe("the type with the nullability and comments of nested fields, where there are any"),
  default: ColumnDefault.optional().describe(
    "what writers put in where a row leaves the column out",
  ),
  initial_default: ColumnDefault.optional().describe("value in rows older than the column"),
}).meta({ id: "Column" });
export type Column = z.infer<typeof Column>;

/** `GET /api/table/{t}/schema`. */
export const TableSchema = z.object({
  success: z.literal(true),
  table: z.string(),
  columns: z.array(Column),
  schema_id: z.int(),
  format_version: z.int(),
  partition_by: z.array(z.string()).describe("for example day(ts), bucket(16, id)"),
  sort_order: z.array(z.string()).describe("for example ts desc nulls last"),
  identifier_columns: z.array(z.string()),
  read_only: z.string().nullable().describe("why the table cannot be written, or null"),
}).meta({ id: "TableSchema" });
export type TableSchema = z.infer<typeof TableSchema>;

/** One snapshot. */
export const SnapshotInfo = z.object({
  snapshot_id: int64Text,
  parent_id: int64Text.nullable(),
  sequence_number: int64Text,
  timestamp: isoTime,
  operation: z.string().nullable(),
  summary: z.record(z.string(), z.string()),
  schema_id: z.int().nullable(),
  manifest_list: z.string().nullable(),
  refs: z.array(z.string()).describe("branches and tags that point at it"),
  is_current: z.boolean(),
}).meta({ id: "Snapshot" });
export type SnapshotInfo = z.infer<typeof SnapshotInfo>;

/** `GET /api/table/{t}/snapshots`, newest first. */
export const SnapshotList = z.object({
  success: z.literal(true),
  table: z.string(),
  current_snapshot_id: int64Text.nullable(),
  snapshots: z.array(SnapshotInfo),
  next_cursor: z.string().optional(),
}).meta({ id: "SnapshotList" });
export type SnapshotList = z.infer<typeof SnapshotList>;

/** `GET /api/table/{t}/refs`. */
export const RefList = z.object({
  success: z.literal(true),
  table: z.string(),
  refs: z.array(z.object({
    name: z.string(),
    type: z.enum(["branch", "tag"]),
    snapshot_id: int64Text,
    min_snapshots_to_keep: z.int().nullable(),
    max_snapshot_age_ms: z.int().nullable(),
    max_ref_age_ms: z.int().nullable(),
  })),
  next_cursor: z.string().optional(),
}).meta({ id: "RefList" });
export type RefList = z.infer<typeof RefList>;

/** Contents of a tracked file. */
export const FileContent = z.enum(["data", "position_deletes", "equality_deletes"]);
export type FileContent = z.infer<typeof FileContent>;

/** One live file of a snapshot. */
export const FileInfo = z.object({
  content: FileContent,
  file_path: z.string(),
  file_format: z.string(),
  spec_id: z.int(),
  partition: z.record(z.string(), z.string().nullable()).describe("partition values as text"),
  record_count: count,
  file_size_bytes: bytes,
  sequence_number: int64Text.nullable(),
  snapshot_id: int64Text.nullable().describe("snapshot that added the file"),
  sort_order_id: z.int().nullable(),
  equality_columns: z.array(z.string()).nullable(),
  referenced_data_file: z.string().nullable(),
}).meta({ id: "File" });
export type FileInfo = z.infer<typeof FileInfo>;

/** `GET /api/table/{t}/files`: live files of a snapshot in manifest order. */
export const FileList = z.object({
  success: z.literal(true),
  table: z.string(),
  snapshot_id: int64Text.nullable(),
  files: z.array(FileInfo),
  next_cursor: z.string().optional(),
}).meta({ id: "FileList" });
export type FileList = z.infer<typeof FileList>;

/** How urgent something is. */
export const Severity = z.enum(["healthy", "info", "warning", "critical"]);
export type Severity = z.infer<typeof Severity>;

/** One thing to do about a table, with its evidence and the request that does it. */
export const Recommendation = z.object({
  code: z.enum([
    "compact_small_files",
    "compact_large_files",
    "compact_deletes",
    "expire_snapshots",
    "pinned_snapshots",
    "rewrite_manifests",
  ]),
  severity: Severity,
  summary: z.string(),
  evidence: z.record(z.string(), z.union([z.number(), z.string()])),
  request: z.object({
    method: z.literal("POST"),
    path: z.string(),
    body: z.record(z.string(), z.unknown()),
  }).nullable().describe("null where the table is read-only, or no request removes the cause"),
}).meta({ id: "Recommendation" });
export type Recommendation = z.infer<typeof Recommendation>;

const snapshotMoment = z.object({ snapshot_id: int64Text, timestamp: isoTime }).nullable();

/** `GET /api/table/{t}/health`. */
export const HealthReport = z.object({
  success: z.literal(true),
  table: z.string(),
  snapshot_count: count,
  data_file_count: count,
  total_size_bytes: bytes.describe("bytes of live data files"),
  avg_file_size_bytes: bytes.describe("rounded down; 0 for a table without files"),
  small_file_count: count.describe("data files below 75 % of the table's target size"),
  recommendation: z.string(),
  severity: Severity,
  recommendations: z.array(Recommendation),
  record_count: count.describe("rows in live data files, before deletes"),
  delete_file_count: count,
  delete_files: z.object({
    position_delete_files: count,
    equality_delete_files: count,
    deletion_vectors: count,
    position_deleted_rows: count.describe("rows marked by position deletes and vectors"),
    equality_delete_rows: count.describe("keys held by equality deletes"),
    total_size_bytes: bytes,
    affected_data_files: count.describe("data files that a reader must merge with deletes"),
    affected_rows: count.describe("rows in those data files"),
  }),
  target_file_size_bytes: bytes,
  size_classes: z.array(z.object({
    class: z.enum(["tiny", "small", "on_target", "large"]),
    min_bytes: bytes,
    max_bytes: bytes.nullable(),
    file_count: count,
    total_size_bytes: bytes,
  })),
  partition_count: count,
  partitions_with_most_small_files: z.array(z.object({
    partition: z.string().describe("day=2024-01-01/bucket=3; empty where unpartitioned"),
    spec_id: z.int(),
    small_file_count: count,
    data_file_count: count,
    total_size_bytes: bytes,
  })),
  oldest_snapshot: snapshotMoment,
  newest_snapshot: snapshotMoment,
  manifest_count: count,
  metadata_size_bytes: bytes.describe("metadata file, manifest list and manifests together"),
  format_version: z.int(),
  location: z.string(),
  read_only: z.string().nullable(),
}).meta({ id: "HealthReport" });
export type HealthReport = z.infer<typeof HealthReport>;
