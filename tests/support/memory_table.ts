/** A small real table, metadata and manifests and all, written into a store in memory. */
import type { TableLocation } from "../../lib/catalog/mod.ts";
import type { DataFile, ManifestEntry } from "../../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../lib/iceberg/manifest/manifest_file.ts";
import { writeManifest } from "../../lib/iceberg/manifest/write_manifest.ts";
import { writeManifestList } from "../../lib/iceberg/manifest/write_manifest_list.ts";
import type { PartitionSpec } from "../../lib/iceberg/spec/partition_spec.ts";
import { partitionType } from "../../lib/iceberg/spec/partition_type.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import { serializeTableMetadata } from "../../lib/iceberg/spec/serialize_table_metadata.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import { MemoryFileIo } from "../../lib/storage/mod.ts";

/** Where the table lies. */
export const TABLE_LOCATION = "/warehouse/db/events";
/** When its first snapshot was made. */
export const SNAPSHOT_TIME_MS = Date.parse("2026-01-01T00:00:00Z");

/** Partitioned by day and region. */
export const SPEC: PartitionSpec = {
  specId: 0,
  fields: [
    { sourceIds: [2], fieldId: 1000, name: "ts_day", transform: { kind: "day" } },
    { sourceIds: [3], fieldId: 1001, name: "region", transform: { kind: "identity" } },
  ],
};

const column = { doc: null, initialDefault: undefined, writeDefault: undefined };

/** Its schema. */
export const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [1],
  fields: [
    { ...column, id: 1, name: "id", required: true, type: { kind: "long" } },
    { ...column, id: 2, name: "ts", required: false, type: { kind: "timestamp" }, doc: "when" },
    { ...column, id: 3, name: "region", required: false, type: { kind: "string" } },
    {
      ...column,
      id: 4,
      name: "amount",
      required: false,
      type: { kind: "decimal", precision: 10, scale: 2 },
    },
  ],
});

const NO_METRICS = {
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
};

/** A data file of day 20,000 in region "eu", unless told otherwise. */
export function dataFile(name: string, more: Partial<DataFile> = {}): DataFile {
  return {
    ...NO_METRICS,
    content: "data",
    filePath: `${TABLE_LOCATION}/data/${name}.parquet`,
    fileFormat: "parquet",
    specId: 0,
    partition: [20_000, "eu"],
    recordCount: 100,
    fileSizeInBytes: 1_000,
    equalityIds: null,
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
    ...more,
  };
}

/** The files that one snapshot adds, a manifest for each content. */
export interface Commit {
  readonly files: readonly DataFile[];
}

/** Where the table lies, and the store it lies in. */
export interface MemoryTable {
  readonly io: MemoryFileIo;
  readonly location: TableLocation & { kind: "file" };
  readonly metadata: TableMetadata;
}

/** Writes one snapshot per commit, a minute apart; each keeps the manifests of those before it. */
export async function writeMemoryTable(
  commits: readonly Commit[],
  overrides: Partial<TableMetadata> = {},
): Promise<MemoryTable> {
  const io = new MemoryFileIo();
  const snapshots: Snapshot[] = [];
  let manifests: readonly ManifestFile[] = [];
  for (const [i, commit] of commits.entries()) {
    const snapshotId = 9_007_199_254_740_993n + BigInt(i);
    const sequenceNumber = BigInt(i + 1);
    const added = await writeManifests(io, commit, snapshotId);
    const manifestList = `${TABLE_LOCATION}/metadata/snap-${snapshotId}.avro`;
    const parentSnapshotId = snapshots.at(-1)?.snapshotId ?? null;
    const options = { formatVersion: 2, snapshotId, parentSnapshotId, sequenceNumber } as const;
    const list = writeManifestList([...added, ...manifests], options);
    await io.createIfAbsent(manifestList, list.bytes);
    manifests = list.manifests;
    snapshots.push({
      snapshotId,
      parentSnapshotId,
      sequenceNumber,
      timestampMs: SNAPSHOT_TIME_MS + i * 60_000,
      manifestList,
      manifests: null,
      summary: { operation: "append" },
      schemaId: 0,
      firstRowId: null,
      addedRows: null,
      keyId: null,
    });
  }
  const metadata = tableMetadata(snapshots, overrides);
  const metadataLocation = `${TABLE_LOCATION}/metadata/v${commits.length}.metadata.json`;
  const document = new TextEncoder().encode(serializeTableMetadata(metadata));
  await io.createIfAbsent(metadataLocation, document);
  const location = {
    kind: "file",
    identifier: { namespace: ["db"], name: "events" },
    metadataLocation,
    storage: { local: null, s3: null },
    foundAt: TABLE_LOCATION,
  } as const;
  return { io, location, metadata };
}

async function writeManifests(
  io: MemoryFileIo,
  { files }: Commit,
  snapshotId: bigint,
): Promise<readonly ManifestFile[]> {
  const written: ManifestFile[] = [];
  for (const content of ["data", "deletes"] as const) {
    const own = files.filter((file) => (file.content === "data") === (content === "data"));
    if (own.length === 0) continue;
    const { bytes, manifest } = writeManifest(own.map((file) => added(file, snapshotId)), {
      formatVersion: 2,
      content,
      manifestPath: `${TABLE_LOCATION}/metadata/${snapshotId}-${content}.avro`,
      snapshotId,
      schemaId: 0,
      schemaJson: JSON.stringify({ type: "struct", fields: [] }),
      specId: SPEC.specId,
      partitionSpecJson: JSON.stringify([
        { "source-id": 2, "field-id": 1000, name: "ts_day", transform: "day" },
        { "source-id": 3, "field-id": 1001, name: "region", transform: "identity" },
      ]),
      partitionType: partitionType(SPEC, SCHEMA),
    });
    await io.createIfAbsent(manifest.manifestPath, bytes);
    written.push(manifest);
  }
  return written;
}

function added(file: DataFile, snapshotId: bigint): ManifestEntry {
  return {
    status: "added",
    snapshotId,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile: file,
  };
}

function tableMetadata(
  snapshots: readonly Snapshot[],
  overrides: Partial<TableMetadata>,
): TableMetadata {
  const head = snapshots.at(-1)?.snapshotId ?? null;
  const retention = { minSnapshotsToKeep: null, maxSnapshotAgeMs: null, maxRefAgeMs: null };
  return {
    formatVersion: 2,
    tableUuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
    location: TABLE_LOCATION,
    lastSequenceNumber: BigInt(snapshots.length),
    lastUpdatedMs: SNAPSHOT_TIME_MS,
    lastColumnId: 4,
    schemas: [SCHEMA],
    currentSchemaId: 0,
    partitionSpecs: [SPEC],
    defaultSpecId: 0,
    lastPartitionId: 1001,
    sortOrders: [
      {
        orderId: 1,
        fields: [{
          sourceIds: [2],
          transform: { kind: "identity" },
          direction: "desc",
          nullOrder: "nulls-last",
        }],
      },
    ],
    defaultSortOrderId: 1,
    properties: { "write.target-file-size-bytes": "10000" },
    currentSnapshotId: head,
    snapshots,
    snapshotLog: snapshots.map(({ snapshotId, timestampMs }) => ({ snapshotId, timestampMs })),
    metadataLog: [],
    refs: new Map(
      head === null
        ? []
        : [["main", { name: "main", type: "branch", snapshotId: head, ...retention }]],
    ),
    statistics: [],
    partitionStatistics: [],
    nextRowId: null,
    encryptionKeys: [],
    extra: {},
    ...overrides,
  };
}
