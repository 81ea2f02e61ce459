/** Warehouses to measure against: many tables, and tables with very many files. */
import { join } from "node:path";
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
import type { NestedField } from "../../lib/iceberg/spec/types.ts";

const FIRST_SNAPSHOT_ID = 5_512_390_481_202_741_117n;
const FIRST_DAY = 19_700;
const DAYS = 30;

/** How large a table to write. */
export interface LargeTableOptions {
  readonly manifests: number;
  readonly filesPerManifest: number;
  readonly columns: number;
  readonly snapshots: number;
  /** Of the manifests; `deflate` by default. */
  readonly codec?: "null" | "deflate";
}

/** Numbers that repeat from run to run. */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor(state / 0x7fffffff * limit);
  };
}

/** Writes `count` empty tables, a hundred to a namespace, as a hadoop catalog lays them out. */
export async function writeManyTables(warehouse: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const location = join(warehouse, `ns_${Math.floor(i / 100)}`, `table_${i}`);
    const metadata = { ...emptyTable(location, 8), snapshots: [], currentSnapshotId: null };
    await writeMetadata(location, { ...metadata, refs: new Map() });
  }
}

/** Writes a table whose files are described but do not exist; returns its metadata file. */
export async function writeLargeTable(
  location: string,
  options: LargeTableOptions,
): Promise<string> {
  const metadata = emptyTable(location, options.columns);
  const spec = metadata.partitionSpecs[0] as PartitionSpec;
  const schema = metadata.schemas[0] as Schema;
  const random = randomNumbers(42);
  const head = FIRST_SNAPSHOT_ID + BigInt(options.snapshots - 1);
  await Deno.mkdir(join(location, "metadata"), { recursive: true });
  const manifests: ManifestFile[] = [];
  for (let i = 0; i < options.manifests; i++) {
    const { bytes, manifest } = writeManifest(entries(i, { ...options, location, random, head }), {
      formatVersion: 2,
      content: "data",
      manifestPath: join(location, "metadata", `m${i}.avro`),
      snapshotId: head,
      schemaId: 0,
      schemaJson: JSON.stringify({ type: "struct", "schema-id": 0, fields: [] }),
      specId: 0,
      partitionSpecJson: JSON.stringify([
        { "source-id": 1, "field-id": 1000, name: "ts_day", transform: "day" },
      ]),
      partitionType: partitionType(spec, schema),
      codec: options.codec ?? "deflate",
    });
    await Deno.writeFile(manifest.manifestPath, bytes);
    manifests.push(manifest);
  }
  const list = join(location, "metadata", "snap.avro");
  const sequenceNumber = BigInt(options.snapshots);
  const listOptions = { formatVersion: 2, parentSnapshotId: null, sequenceNumber } as const;
  const { bytes } = writeManifestList(manifests, { ...listOptions, snapshotId: head });
  await Deno.writeFile(list, bytes);
  const snapshots = Array.from({ length: options.snapshots }, (_, i) => snapshot(i, list));
  return await writeMetadata(location, {
    ...metadata,
    lastSequenceNumber: sequenceNumber,
    currentSnapshotId: head,
    snapshots,
    snapshotLog: snapshots.map(({ timestampMs, snapshotId }) => ({ timestampMs, snapshotId })),
    refs: new Map([["main", { ...mainRef, snapshotId: head }]]),
  });
}

/** A second table of the same files: hard links under another name, which opens read-only. */
export async function linkTable(from: string, to: string): Promise<void> {
  await Deno.mkdir(join(to, "metadata"), { recursive: true });
  for await (const { name } of Deno.readDir(join(from, "metadata"))) {
    await Deno.link(join(from, "metadata", name), join(to, "metadata", name));
  }
}

const mainRef = {
  name: "main",
  type: "branch",
  minSnapshotsToKeep: null,
  maxSnapshotAgeMs: null,
  maxRefAgeMs: null,
} as const;

interface EntryOptions extends LargeTableOptions {
  readonly location: string;
  readonly random: (limit: number) => number;
  /** The snapshot that adds all files. */
  readonly head: bigint;
}

function* entries(
  manifest: number,
  options: EntryOptions,
): Generator<ManifestEntry> {
  for (let i = 0; i < options.filesPerManifest; i++) {
    yield {
      status: "added",
      snapshotId: options.head,
      sequenceNumber: null,
      fileSequenceNumber: null,
      dataFile: dataFile(manifest * options.filesPerManifest + i, options),
    };
  }
}

function dataFile(
  index: number,
  { columns, location, random }: EntryOptions,
): DataFile {
  const metrics = <V>(value: () => V): ReadonlyMap<number, V> =>
    new Map(Array.from({ length: columns }, (_, i) => [i + 1, value()]));
  const bound = () => new Uint8Array(new BigInt64Array([BigInt(random(2 ** 31))]).buffer);
  const day = FIRST_DAY + index % DAYS;
  return {
    content: "data",
    filePath: `${location}/data/ts_day=${day}/${index}-${random(1e9)}.parquet`,
    fileFormat: "parquet",
    specId: 0,
    partition: [day],
    recordCount: 100_000 + random(1e5),
    fileSizeInBytes: 20_000_000 + random(1e7),
    columnSizes: metrics(() => 100_000 + random(1e6)),
    valueCounts: metrics(() => 100_000 + random(1e5)),
    nullValueCounts: metrics(() => random(100)),
    nanValueCounts: metrics(() => 0),
    lowerBounds: metrics(bound),
    upperBounds: metrics(bound),
    keyMetadata: null,
    splitOffsets: [4],
    equalityIds: null,
    sortOrderId: 0,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
  };
}

function snapshot(index: number, manifestList: string): Snapshot {
  return {
    snapshotId: FIRST_SNAPSHOT_ID + BigInt(index),
    parentSnapshotId: index === 0 ? null : FIRST_SNAPSHOT_ID + BigInt(index - 1),
    sequenceNumber: BigInt(index + 1),
    timestampMs: 1_760_000_000_000 + index * 60_000,
    manifestList,
    manifests: null,
    summary: {
      operation: "append",
      "added-data-files": "100",
      "added-records": "15000000",
      "added-files-size": "2500000000",
      "total-data-files": String(100 * (index + 1)),
    },
    schemaId: 0,
    firstRowId: null,
    addedRows: null,
    keyId: null,
  };
}

function field(id: number, name: string, kind: "long" | "timestamp"): NestedField {
  const type = { kind };
  return {
    id,
    name,
    required: false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

function emptyTable(location: string, columns: number): TableMetadata {
  const rest = Array.from({ length: columns - 1 }, (_, i) => field(i + 2, `c${i + 2}`, "long"));
  const fields = [field(1, "ts", "timestamp"), ...rest];
  return {
    formatVersion: 2,
    tableUuid: crypto.randomUUID(),
    location,
    lastSequenceNumber: 0n,
    lastUpdatedMs: 1_770_000_000_000,
    lastColumnId: columns,
    schemas: [new Schema({ schemaId: 0, fields, identifierFieldIds: [] })],
    currentSchemaId: 0,
    partitionSpecs: [{
      specId: 0,
      fields: [{ sourceIds: [1], fieldId: 1000, name: "ts_day", transform: { kind: "day" } }],
    }],
    defaultSpecId: 0,
    lastPartitionId: 1000,
    sortOrders: [{ orderId: 0, fields: [] }],
    defaultSortOrderId: 0,
    properties: {},
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: null,
    encryptionKeys: [],
    extra: {},
  };
}

async function writeMetadata(location: string, metadata: TableMetadata): Promise<string> {
  const folder = join(location, "metadata");
  await Deno.mkdir(folder, { recursive: true });
  const path = join(folder, "v1.metadata.json");
  await Deno.writeTextFile(path, serializeTableMetadata(metadata));
  await Deno.writeTextFile(join(folder, "version-hint.text"), "1");
  return path;
}
