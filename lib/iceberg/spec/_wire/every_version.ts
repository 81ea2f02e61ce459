/** The parts of table metadata that every format version writes alike. */
import type { JsonOutput } from "../../../json.ts";
import type { PartitionSpec } from "../partition_spec.ts";
import type { Schema } from "../schema.ts";
import type { FormatVersion, TableMetadata } from "../table_metadata.ts";
import { MAX_PARTITION_SPECS, MAX_SCHEMAS, MAX_SNAPSHOTS, MAX_SORT_ORDERS } from "./limits.ts";
import {
  FIRST_PARTITION_FIELD_ID,
  readPartitionSpec,
  writePartitionSpec,
} from "./partition_spec.ts";
import type { WireObject } from "./reader.ts";
import { readSchema, writeSchema } from "./schema.ts";
import {
  readMetadataLog,
  readRefs,
  readSnapshot,
  readSnapshotId,
  readSnapshotLog,
  writeRefs,
  writeSnapshot,
} from "./snapshot.ts";
import { readSortOrder, writeSortOrder } from "./sort_order.ts";
import {
  readEncryptionKeys,
  readPartitionStatistics,
  readStatistics,
  writeEncryptionKeys,
  writePartitionStatistics,
  writeStatistics,
} from "./statistics.ts";

/** Every top-level name of any version; all others are `extra`. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  "format-version",
  "table-uuid",
  "location",
  "last-sequence-number",
  "last-updated-ms",
  "last-column-id",
  "schema",
  "schemas",
  "current-schema-id",
  "partition-spec",
  "partition-specs",
  "default-spec-id",
  "last-partition-id",
  "properties",
  "current-snapshot-id",
  "snapshots",
  "snapshot-log",
  "metadata-log",
  "sort-orders",
  "default-sort-order-id",
  "refs",
  "statistics",
  "partition-statistics",
  "next-row-id",
  "encryption-keys",
]);
const HEX_UUID = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/;

/** What {@linkcode readCommon} reads. */
export type CommonMetadata = Omit<TableMetadata, VersionedKey>;

/** What the versions write differently. */
export type VersionedKey =
  | "formatVersion"
  | "tableUuid"
  | "lastSequenceNumber"
  | "schemas"
  | "currentSchemaId"
  | "partitionSpecs"
  | "defaultSpecId"
  | "lastPartitionId"
  | "sortOrders"
  | "defaultSortOrderId"
  | "nextRowId";

/** Reads the common parts; a reference `main` is made up where there is only a current snapshot. */
export function readCommon(wire: WireObject, version: FormatVersion): CommonMetadata {
  const currentSnapshotId = readSnapshotId(wire, "current-snapshot-id");
  const refs = readRefs(wire, "refs");
  if (currentSnapshotId !== null && !refs.has("main")) {
    refs.set("main", {
      name: "main",
      snapshotId: currentSnapshotId,
      type: "branch",
      minSnapshotsToKeep: null,
      maxSnapshotAgeMs: null,
      maxRefAgeMs: null,
    });
  }
  return {
    location: withoutTrailingSlash(wire),
    lastUpdatedMs: wire.safeInteger("last-updated-ms"),
    lastColumnId: wire.int("last-column-id"),
    properties: wire.textMap("properties"),
    currentSnapshotId,
    snapshots: wire.has("snapshots")
      ? wire.objects("snapshots", MAX_SNAPSHOTS).map((snapshot) => readSnapshot(snapshot, version))
      : [],
    snapshotLog: readSnapshotLog(wire, "snapshot-log"),
    metadataLog: readMetadataLog(wire, "metadata-log"),
    refs,
    statistics: readStatistics(wire, "statistics"),
    partitionStatistics: readPartitionStatistics(wire, "partition-statistics"),
    encryptionKeys: readEncryptionKeys(wire, "encryption-keys"),
    extra: wire.extra(KNOWN_KEYS).extra ?? Object.create(null),
  };
}

/** Reads the list of schemas. */
export function readSchemas(wire: WireObject): Schema[] {
  return wire.objects("schemas", MAX_SCHEMAS).map(readSchema);
}

/** Reads the list of partition specs. */
export function readPartitionSpecs(wire: WireObject): PartitionSpec[] {
  return wire.objects("partition-specs", MAX_PARTITION_SPECS).map(readPartitionSpec);
}

/** Reads the sort orders; order 0 is reserved for "unsorted", so a table need not list it. */
export function readSortOrders(
  wire: WireObject,
): Pick<TableMetadata, "sortOrders" | "defaultSortOrderId"> {
  const sortOrders = wire.has("sort-orders")
    ? wire.objects("sort-orders", MAX_SORT_ORDERS).map(readSortOrder)
    : [];
  const defaultSortOrderId = wire.optional("default-sort-order-id", (key) => wire.int(key)) ?? 0;
  if (defaultSortOrderId === 0 && !sortOrders.some((order) => order.orderId === 0)) {
    sortOrders.unshift({ orderId: 0, fields: [] });
  }
  return { sortOrders, defaultSortOrderId };
}

/** The last id assigned to a partition field; never below one in use, or ids would be recycled. */
export function readLastPartitionId(wire: WireObject, specs: readonly PartitionSpec[]): number {
  const declared = wire.optional("last-partition-id", (key) => wire.int(key)) ??
    FIRST_PARTITION_FIELD_ID - 1;
  return specs.reduce(
    (last, spec) => spec.fields.reduce((max, field) => Math.max(max, field.fieldId), last),
    declared,
  );
}

/** Reads a UUID as lower-case canonical text; null where it is absent. */
export function readUuid(wire: WireObject): string | null {
  if (!wire.has("table-uuid")) return null;
  const match = HEX_UUID.exec(wire.text("table-uuid").toLowerCase());
  if (match === null) throw wire.problem("table-uuid", "is not a UUID");
  return match.slice(1).join("-");
}

/**
 * The document that all versions share, in the reference implementation's order; `versioned` is what
 * a version adds. Unknown members come first, so that none of them can replace a known one.
 */
export function writeCommon(
  metadata: TableMetadata,
  versioned: Readonly<Record<string, JsonOutput>>,
): Record<string, JsonOutput> {
  const { formatVersion, currentSnapshotId, encryptionKeys } = metadata;
  return {
    ...metadata.extra,
    "format-version": formatVersion,
    ...(metadata.tableUuid === null ? {} : { "table-uuid": metadata.tableUuid }),
    location: metadata.location,
    "last-updated-ms": metadata.lastUpdatedMs,
    "last-column-id": metadata.lastColumnId,
    ...versioned,
    "current-schema-id": metadata.currentSchemaId,
    schemas: metadata.schemas.map(writeSchema),
    "default-spec-id": metadata.defaultSpecId,
    "partition-specs": metadata.partitionSpecs.map(writePartitionSpec),
    "last-partition-id": metadata.lastPartitionId,
    "default-sort-order-id": metadata.defaultSortOrderId,
    "sort-orders": metadata.sortOrders.map(writeSortOrder),
    properties: metadata.properties,
    // Readers of v1 and v2 expect the sentinel where there is no snapshot.
    "current-snapshot-id": currentSnapshotId ?? (formatVersion < 3 ? -1 : null),
    ...(encryptionKeys.length === 0
      ? {}
      : { "encryption-keys": writeEncryptionKeys(encryptionKeys) }),
    refs: writeRefs(metadata.refs),
    snapshots: metadata.snapshots.map((snapshot) => writeSnapshot(snapshot, formatVersion)),
    statistics: writeStatistics(metadata.statistics),
    "partition-statistics": writePartitionStatistics(metadata.partitionStatistics),
    "snapshot-log": metadata.snapshotLog.map(({ timestampMs, snapshotId }) => ({
      "timestamp-ms": timestampMs,
      "snapshot-id": snapshotId,
    })),
    "metadata-log": metadata.metadataLog.map(({ timestampMs, metadataFile }) => ({
      "timestamp-ms": timestampMs,
      "metadata-file": metadataFile,
    })),
  };
}

/** `s3://` alone keeps its slashes. */
function withoutTrailingSlash(wire: WireObject): string {
  let location = wire.text("location");
  while (location.endsWith("/") && !location.endsWith("://")) location = location.slice(0, -1);
  if (location === "") throw wire.problem("location", "is empty");
  return location;
}
