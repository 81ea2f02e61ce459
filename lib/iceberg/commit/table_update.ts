/**
 * Changes of table metadata (REST specification: `TableUpdate`). A commit is a list of these, applied
 * in order; the same list goes to a REST catalog as JSON and is applied here for file catalogs.
 */
import type { PartitionSpec } from "../spec/partition_spec.ts";
import type { Schema } from "../spec/schema.ts";
import type { Snapshot, SnapshotRef } from "../spec/snapshot.ts";
import type { SortOrder } from "../spec/sort_order.ts";
import type { PartitionStatisticsFile, StatisticsFile } from "../spec/statistics.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";

/** Stands for "the schema, spec or order that the update before this one added". */
export const LAST_ADDED = -1;

/** One change, by its name in the REST specification. */
export type TableUpdate =
  | { readonly action: "assign-uuid"; readonly uuid: string }
  | { readonly action: "upgrade-format-version"; readonly formatVersion: FormatVersion }
  /** A schema whose fields equal a known one's becomes that one. */
  | { readonly action: "add-schema"; readonly schema: Schema }
  | { readonly action: "set-current-schema"; readonly schemaId: number }
  | { readonly action: "add-spec"; readonly spec: PartitionSpec }
  | { readonly action: "set-default-spec"; readonly specId: number }
  | { readonly action: "add-sort-order"; readonly sortOrder: SortOrder }
  | { readonly action: "set-default-sort-order"; readonly sortOrderId: number }
  | { readonly action: "add-snapshot"; readonly snapshot: Snapshot }
  | { readonly action: "remove-snapshots"; readonly snapshotIds: readonly bigint[] }
  | { readonly action: "set-snapshot-ref"; readonly ref: SnapshotRef }
  | { readonly action: "remove-snapshot-ref"; readonly name: string }
  | { readonly action: "set-location"; readonly location: string }
  | { readonly action: "set-properties"; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: "remove-properties"; readonly removals: readonly string[] }
  | { readonly action: "set-statistics"; readonly statistics: StatisticsFile }
  | { readonly action: "remove-statistics"; readonly snapshotId: bigint }
  | { readonly action: "set-partition-statistics"; readonly statistics: PartitionStatisticsFile }
  | { readonly action: "remove-partition-statistics"; readonly snapshotId: bigint }
  | { readonly action: "remove-partition-specs"; readonly specIds: readonly number[] }
  | { readonly action: "remove-schemas"; readonly schemaIds: readonly number[] };
