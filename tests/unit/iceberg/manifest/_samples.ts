/** Entries, files and manifests to vary in tests. */
import type { DataFile, ManifestEntry } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import {
  writeManifest,
  type WriteManifestOptions,
  type WrittenManifest,
} from "../../../../lib/iceberg/manifest/write_manifest.ts";
import type { NestedField, PrimitiveType, StructType } from "../../../../lib/iceberg/spec/types.ts";

/** An id that a double cannot hold. */
export const SNAPSHOT_ID = 5_512_390_481_202_741_117n;

/** An optional field without defaults. */
export function field(id: number, name: string, type: PrimitiveType): NestedField {
  return {
    id,
    name,
    type,
    required: false,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

/** A partition type of the given fields, numbered from 1000. */
export function partitionType(...types: readonly PrimitiveType[]): StructType {
  return {
    kind: "struct",
    fields: types.map((type, index) => field(1000 + index, `p${index}`, type)),
  };
}

/** A data file without partition, all optional fields null. */
export function dataFile(overrides: Partial<DataFile> = {}): DataFile {
  return {
    content: "data",
    filePath: "s3://bucket/db/t/data/a.parquet",
    fileFormat: "parquet",
    specId: 0,
    partition: [],
    recordCount: 10,
    fileSizeInBytes: 1_000,
    columnSizes: null,
    valueCounts: null,
    nullValueCounts: null,
    nanValueCounts: null,
    lowerBounds: null,
    upperBounds: null,
    keyMetadata: null,
    splitOffsets: null,
    equalityIds: null,
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
    ...overrides,
  };
}

/** An added entry that inherits everything. */
export function entry(
  overrides: Partial<ManifestEntry> = {},
  file: Partial<DataFile> = {},
): ManifestEntry {
  return {
    status: "added",
    snapshotId: null,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile: dataFile(file),
    ...overrides,
  };
}

/** Writes an unpartitioned v2 data manifest unless told otherwise. */
export function write(
  entries: Iterable<ManifestEntry>,
  overrides: Partial<WriteManifestOptions> = {},
): WrittenManifest {
  const type = overrides.partitionType ?? partitionType();
  return writeManifest(entries, {
    formatVersion: 2,
    content: "data",
    manifestPath: "s3://bucket/db/t/metadata/m0.avro",
    snapshotId: SNAPSHOT_ID,
    schemaId: 3,
    schemaJson: '{"type":"struct","schema-id":3,"fields":[]}',
    specId: 0,
    partitionSpecJson: JSON.stringify(
      type.fields.map(({ id, name }) => ({
        "source-id": 1,
        "field-id": id,
        name,
        "transform": "identity",
      })),
    ),
    partitionType: type,
    ...overrides,
  });
}

/** How a manifest list describes a manifest with sequence number 7. */
export function committed(
  manifest: ManifestFile,
  overrides: Partial<ManifestFile> = {},
): ManifestFile {
  return { ...manifest, sequenceNumber: 7n, minSequenceNumber: 7n, ...overrides };
}
