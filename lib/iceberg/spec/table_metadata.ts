/**
 * Table metadata (spec: "Table Metadata Fields"): one domain type for format v1, v2 and v3. The
 * codecs in `_wire/` absorb the differences between versions; nothing else looks at them.
 */
import type { JsonObject } from "../../json.ts";
import type { PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import type { Snapshot, SnapshotRef } from "./snapshot.ts";
import type { SortOrder } from "./sort_order.ts";
import type { PartitionStatisticsFile, StatisticsFile } from "./statistics.ts";

/** Format versions that drls reads. */
export type FormatVersion = 1 | 2 | 3;

/** When a snapshot became current. */
export interface SnapshotLogEntry {
  readonly timestampMs: number;
  readonly snapshotId: bigint;
}

/** An earlier metadata file. */
export interface MetadataLogEntry {
  readonly timestampMs: number;
  readonly metadataFile: string;
}

/** v3 table encryption key, kept for writers that use it. */
export interface EncryptionKey {
  readonly keyId: string;
  readonly encryptedKeyMetadata: string;
  readonly encryptedById: string | null;
  readonly properties: Readonly<Record<string, string>>;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A valid table metadata document. */
export interface TableMetadata {
  readonly formatVersion: FormatVersion;
  /** Lower-case canonical; null only for v1 tables that have none. */
  readonly tableUuid: string | null;
  /** The table's base location as recorded, without a trailing slash. */
  readonly location: string;
  /** 0 for v1. */
  readonly lastSequenceNumber: bigint;
  readonly lastUpdatedMs: number;
  readonly lastColumnId: number;
  readonly schemas: readonly Schema[];
  readonly currentSchemaId: number;
  readonly partitionSpecs: readonly PartitionSpec[];
  readonly defaultSpecId: number;
  readonly lastPartitionId: number;
  readonly sortOrders: readonly SortOrder[];
  readonly defaultSortOrderId: number;
  readonly properties: Readonly<Record<string, string>>;
  /** Null where the table has no snapshot; the wire's -1 sentinel dies in the codec. */
  readonly currentSnapshotId: bigint | null;
  readonly snapshots: readonly Snapshot[];
  readonly snapshotLog: readonly SnapshotLogEntry[];
  readonly metadataLog: readonly MetadataLogEntry[];
  /** By name. `main` is present whenever `currentSnapshotId` is not null. */
  readonly refs: ReadonlyMap<string, SnapshotRef>;
  readonly statistics: readonly StatisticsFile[];
  readonly partitionStatistics: readonly PartitionStatisticsFile[];
  /** v3 row lineage; null before v3. */
  readonly nextRowId: bigint | null;
  readonly encryptionKeys: readonly EncryptionKey[];
  /** Top-level fields that no version of the spec known here names; written back unchanged. */
  readonly extra: JsonObject;
}

/** The schema that `currentSchemaId` names. */
export function currentSchema(metadata: TableMetadata): Schema {
  return byId(metadata.schemas, "schemaId", metadata.currentSchemaId);
}

/**
 * The schema to read a spec's source columns from: the current one, or where a source has been
 * dropped since, the newest that has them all.
 */
export function schemaOfSpec(metadata: TableMetadata, spec: PartitionSpec): Schema {
  const current = currentSchema(metadata);
  const sources = spec.fields.flatMap((field) => field.sourceIds);
  const hasAll = (schema: Schema) => sources.every((id) => schema.findById(id) !== undefined);
  return hasAll(current) ? current : metadata.schemas.findLast(hasAll) ?? current;
}

/** The spec that new files are written with. */
export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return byId(metadata.partitionSpecs, "specId", metadata.defaultSpecId);
}

/** The order that new files are written in. */
export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  return byId(metadata.sortOrders, "orderId", metadata.defaultSortOrderId);
}

/** The snapshot with this id, or undefined. */
export function snapshotById(metadata: TableMetadata, snapshotId: bigint): Snapshot | undefined {
  return metadata.snapshots.find((snapshot) => snapshot.snapshotId === snapshotId);
}

/** The current snapshot, or undefined for an empty table. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const { currentSnapshotId } = metadata;
  return currentSnapshotId === null ? undefined : snapshotById(metadata, currentSnapshotId);
}

function byId<K extends string, T extends { readonly [key in K]: number }>(
  items: readonly T[],
  key: K,
  id: number,
): T {
  const found = items.find((item) => item[key] === id);
  // The codec refuses metadata whose current ids point nowhere.
  if (found === undefined) throw new TypeError(`Cannot find ${key} ${id} in validated metadata`);
  return found;
}
