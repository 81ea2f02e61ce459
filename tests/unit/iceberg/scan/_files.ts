/** Hand-made tables, files and manifests for scan tests. */
import { AppError } from "../../../../lib/errors.ts";
import type { DataFile, ManifestEntry } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import type { ManifestSource } from "../../../../lib/iceberg/scan/manifest_source.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../../../lib/iceberg/spec/snapshot.ts";
import type { SnapshotRef } from "../../../../lib/iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { NestedField, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { EMPTY_FILE, EMPTY_MANIFEST } from "../expression/_random_table.ts";

function field(id: number, name: string, type: PrimitiveType, required = false): NestedField {
  return {
    id,
    name,
    type,
    required,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

/** `id long required, name string, d double`. */
export const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    field(1, "id", { kind: "long" }, true),
    field(2, "name", { kind: "string" }),
    field(3, "d", { kind: "double" }),
  ],
});

/** Spec 0 is unpartitioned, 1 by name, 2 by void(name), 3 by bucket(id). */
export const SPECS: readonly PartitionSpec[] = [
  { specId: 0, fields: [] },
  {
    specId: 1,
    fields: [{ sourceIds: [2], fieldId: 1000, name: "name", transform: { kind: "identity" } }],
  },
  {
    specId: 2,
    fields: [{ sourceIds: [2], fieldId: 1001, name: "gone", transform: { kind: "void" } }],
  },
  {
    specId: 3,
    fields: [{
      sourceIds: [1],
      fieldId: 1002,
      name: "id_bucket",
      transform: { kind: "bucket", numBuckets: 4 },
    }],
  },
];

/** A snapshot; `operation` is its summary's. */
export function snapshot(
  snapshotId: bigint,
  parts: Partial<Snapshot> & { readonly operation?: string } = {},
): Snapshot {
  const { operation = "append", ...rest } = parts;
  return {
    snapshotId,
    parentSnapshotId: null,
    sequenceNumber: snapshotId,
    timestampMs: Number(snapshotId) * 1000,
    manifestList: `list-${snapshotId}.avro`,
    manifests: null,
    summary: { operation },
    schemaId: 0,
    firstRowId: null,
    addedRows: null,
    keyId: null,
    ...rest,
  };
}

/** A branch or tag. */
export function ref(
  name: string,
  snapshotId: bigint,
  type: "branch" | "tag" = "branch",
): SnapshotRef {
  return {
    name,
    snapshotId,
    type,
    minSnapshotsToKeep: null,
    maxSnapshotAgeMs: null,
    maxRefAgeMs: null,
  };
}

/** Metadata of a table with these parts. */
export function table(parts: Partial<TableMetadata> = {}): TableMetadata {
  return {
    formatVersion: 2,
    tableUuid: null,
    location: "mem://t",
    lastSequenceNumber: 0n,
    lastUpdatedMs: 0,
    lastColumnId: 3,
    schemas: [SCHEMA],
    currentSchemaId: 0,
    partitionSpecs: SPECS,
    defaultSpecId: 0,
    lastPartitionId: 1002,
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
    ...parts,
  };
}

/** A data file of one row in the unpartitioned spec, unless said otherwise. */
export function file(filePath: string, parts: Partial<DataFile> = {}): DataFile {
  return { ...EMPTY_FILE, filePath, specId: 0, recordCount: 1, ...parts };
}

/** A live entry with this data sequence number. */
export function entry(
  dataFile: DataFile,
  sequenceNumber: bigint,
  parts: Partial<ManifestEntry> = {},
): ManifestEntry {
  return {
    status: "added",
    snapshotId: sequenceNumber,
    sequenceNumber,
    fileSequenceNumber: sequenceNumber,
    dataFile,
    ...parts,
  };
}

/** A manifest with what it holds. */
export interface HeldManifest {
  readonly manifest: ManifestFile;
  readonly entries: readonly ManifestEntry[];
}

/** A manifest of spec 0 with these entries. */
export function manifest(
  path: string,
  entries: readonly ManifestEntry[],
  parts: Partial<ManifestFile> = {},
): HeldManifest {
  const count = (status: string) => entries.filter((e) => e.status === status).length;
  return {
    entries,
    manifest: {
      ...EMPTY_MANIFEST,
      manifestPath: path,
      partitionSpecId: 0,
      addedFilesCount: count("added"),
      existingFilesCount: count("existing"),
      deletedFilesCount: count("deleted"),
      ...parts,
    },
  };
}

/** A source in memory that counts what is under way, and takes a turn of the event loop a read. */
export class MemorySource implements ManifestSource {
  readonly #bySnapshot: ReadonlyMap<bigint, readonly HeldManifest[]>;
  readonly opened: string[] = [];
  /** Manifests whose read fails. */
  readonly broken = new Set<string>();
  underWay = 0;
  mostUnderWay = 0;
  aborted = 0;

  constructor(bySnapshot: Readonly<Record<string, readonly HeldManifest[]>>) {
    this.#bySnapshot = new Map(
      Object.entries(bySnapshot).map(([id, manifests]) => [BigInt(id), manifests]),
    );
  }

  manifestsOf(of: Snapshot): Promise<readonly ManifestFile[]> {
    const held = this.#bySnapshot.get(of.snapshotId) ?? [];
    return Promise.resolve(held.map(({ manifest }) => manifest));
  }

  async entriesOf(
    of: ManifestFile,
    read: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly ManifestEntry[]> {
    this.opened.push(of.manifestPath);
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    try {
      // Later manifests answer sooner, so that order cannot come from timing.
      const turns = 20 - Math.min(19, this.opened.length);
      for (let turn = 0; turn < turns; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (read.signal?.aborted) {
          this.aborted++;
          throw new AppError("cancelled", "cancelled", "Read was cancelled");
        }
      }
      if (this.broken.has(of.manifestPath)) {
        throw new AppError("unavailable", "unavailable", `Cannot read ${of.manifestPath}`);
      }
    } finally {
      this.underWay--;
    }
    for (const held of this.#bySnapshot.values()) {
      const found = held.find(({ manifest }) => manifest.manifestPath === of.manifestPath);
      if (found !== undefined) return found.entries;
    }
    throw new AppError("not_found", "not_found", `Cannot find ${of.manifestPath}`);
  }
}
