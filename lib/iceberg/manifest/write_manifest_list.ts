/** Writes manifest lists (spec: "Manifest Lists") of format v1, v2 and v3. */
import { AppError } from "../../errors.ts";
import type { AvroWriteCodec } from "../avro/codec.ts";
import { writeContainer } from "../avro/write_container.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";
import type { IcebergValue } from "../spec/types.ts";
import {
  type AvroJson,
  type AvroJsonField,
  type FieldDefinition,
  listOf,
  optionalField,
  requiredField,
} from "./avro_schema_json.ts";
import { FIELD_SUMMARY_FIELD, MANIFEST_FILE_FIELD as ID } from "./field_ids.ts";
import type { FieldSummary, ManifestFile } from "./manifest_file.ts";
import { UNASSIGNED_SEQUENCE_NUMBER } from "./write_manifest.ts";

/** Options of {@linkcode writeManifestList}. */
export interface WriteManifestListOptions {
  readonly formatVersion: FormatVersion;
  readonly snapshotId: bigint;
  readonly parentSnapshotId: bigint | null;
  /** The snapshot's sequence number; manifests without one get it. Not written for v1. */
  readonly sequenceNumber: bigint;
  /** v3: the table's `next-row-id` when the commit began. */
  readonly firstRowId?: bigint;
  /** `deflate` by default. */
  readonly codec?: AvroWriteCodec;
}

/** A manifest list in bytes, and what writing it has settled. */
export interface WrittenManifestList {
  readonly bytes: Uint8Array;
  /** The manifests as written: sequence numbers and first row ids assigned. */
  readonly manifests: readonly ManifestFile[];
  /** v3: the table's `next-row-id` after the commit; null before v3. */
  readonly nextRowId: bigint | null;
}

/** Encodes the list of one commit attempt; the manifests themselves stay as they are. */
export function writeManifestList(
  manifests: Iterable<ManifestFile>,
  options: WriteManifestListOptions,
): WrittenManifestList {
  const { formatVersion } = options;
  if (formatVersion === 3 && options.firstRowId === undefined) {
    throw new TypeError("Cannot write a v3 manifest list without its first row id");
  }
  const numbered = [...manifests].map((manifest) => assignSequenceNumbers(manifest, options));
  const lineage = formatVersion === 3
    ? assignFirstRowIds(numbered, options.firstRowId ?? 0n)
    : { manifests: numbered, nextRowId: null };
  const columns = listColumns(formatVersion);
  const fields = columns.map((column) => column.field);
  const bytes = writeContainer(
    lineage.manifests.map((manifest) => columns.map((column) => column.value(manifest))),
    {
      schemaText: JSON.stringify({ type: "record", name: "manifest_file", fields }),
      metadata: header(options),
      codec: options.codec ?? "deflate",
    },
  );
  return { bytes, ...lineage };
}

function header(options: WriteManifestListOptions): ReadonlyMap<string, string> {
  const { formatVersion, firstRowId } = options;
  const entries = new Map([
    ["snapshot-id", String(options.snapshotId)],
    // "null" in letters, as the Java implementation writes it for a first snapshot.
    ["parent-snapshot-id", String(options.parentSnapshotId)],
  ]);
  if (formatVersion > 1) entries.set("sequence-number", String(options.sequenceNumber));
  if (formatVersion === 3) entries.set("first-row-id", String(firstRowId));
  return entries.set("format-version", String(formatVersion));
}

function assignSequenceNumbers(
  manifest: ManifestFile,
  options: WriteManifestListOptions,
): ManifestFile {
  const { formatVersion, snapshotId, sequenceNumber } = options;
  if (formatVersion === 1) {
    if (manifest.content === "data") return manifest;
    throw new TypeError("Cannot list a delete manifest for a v1 table");
  }
  requireCounts(manifest);
  const unassigned = manifest.sequenceNumber === UNASSIGNED_SEQUENCE_NUMBER ||
    manifest.minSequenceNumber === UNASSIGNED_SEQUENCE_NUMBER;
  if (!unassigned) return manifest;
  if (manifest.addedSnapshotId !== snapshotId) {
    throw new TypeError(
      `Cannot assign a sequence number to a manifest of snapshot ${manifest.addedSnapshotId}`,
    );
  }
  return {
    ...manifest,
    sequenceNumber: assigned(manifest.sequenceNumber, sequenceNumber),
    minSequenceNumber: assigned(manifest.minSequenceNumber, sequenceNumber),
  };
}

function assigned(own: bigint, commit: bigint): bigint {
  return own === UNASSIGNED_SEQUENCE_NUMBER ? commit : own;
}

/** v2 and later require counts that v1 writers may have left out of a manifest list. */
function requireCounts(manifest: ManifestFile): void {
  const counts = [
    manifest.addedSnapshotId,
    manifest.addedFilesCount,
    manifest.existingFilesCount,
    manifest.deletedFilesCount,
    manifest.addedRowsCount,
    manifest.existingRowsCount,
    manifest.deletedRowsCount,
  ];
  if (!counts.includes(null)) return;
  throw new AppError(
    "unsupported",
    "manifest_counts_missing",
    "Cannot list a manifest whose v1 writer left out its counts: rewrite the table's manifests first",
    { context: { location: manifest.manifestPath } },
  );
}

/**
 * Gives each data manifest without a first row id the next free one (spec: "First Row ID
 * Assignment"), with room for its existing files, too: those of older snapshots have none yet.
 */
function assignFirstRowIds(
  manifests: readonly ManifestFile[],
  firstRowId: bigint,
): { readonly manifests: readonly ManifestFile[]; readonly nextRowId: bigint } {
  let nextRowId = firstRowId;
  const numbered = manifests.map((manifest) => {
    if (manifest.content !== "data") return { ...manifest, firstRowId: null };
    if (manifest.firstRowId !== null) return manifest;
    const own = nextRowId;
    nextRowId += BigInt(manifest.addedRowsCount ?? 0) + BigInt(manifest.existingRowsCount ?? 0);
    return { ...manifest, firstRowId: own };
  });
  return { manifests: numbered, nextRowId };
}

interface ListColumn {
  readonly field: AvroJsonField;
  readonly value: (manifest: ManifestFile) => IcebergValue;
}

function listColumns(formatVersion: FormatVersion): readonly ListColumn[] {
  const v1 = formatVersion === 1;
  // v1 has the counts of rows behind the partitions, and counts may be missing.
  const counted = v1 ? optionalField : requiredField;
  const column = (
    field: AvroJsonField,
    value: (manifest: ManifestFile) => IcebergValue,
  ): ListColumn => ({ field, value });
  const rowCounts = [
    column(counted(long(ID.addedRowsCount, "added_rows_count")), (m) => m.addedRowsCount),
    column(counted(long(ID.existingRowsCount, "existing_rows_count")), (m) => m.existingRowsCount),
    column(counted(long(ID.deletedRowsCount, "deleted_rows_count")), (m) => m.deletedRowsCount),
  ];
  const partitions = column(optionalField(PARTITIONS), (m) => summaries(m.partitions));
  return [
    column(requiredField(MANIFEST_PATH), (m) => m.manifestPath),
    column(requiredField(long(ID.manifestLength, "manifest_length")), (m) => m.manifestLength),
    column(requiredField(int(ID.partitionSpecId, "partition_spec_id")), (m) => m.partitionSpecId),
    ...v1 ? [] : [
      column(requiredField(int(ID.content, "content")), (m) => m.content === "data" ? 0 : 1),
      column(requiredField(long(ID.sequenceNumber, "sequence_number")), (m) => m.sequenceNumber),
      column(
        requiredField(long(ID.minSequenceNumber, "min_sequence_number")),
        (m) => m.minSequenceNumber,
      ),
    ],
    column(requiredField(long(ID.addedSnapshotId, "added_snapshot_id")), (m) => m.addedSnapshotId),
    column(counted(int(ID.addedFilesCount, "added_files_count")), (m) => m.addedFilesCount),
    column(
      counted(int(ID.existingFilesCount, "existing_files_count")),
      (m) => m.existingFilesCount,
    ),
    column(counted(int(ID.deletedFilesCount, "deleted_files_count")), (m) => m.deletedFilesCount),
    ...v1 ? [partitions, ...rowCounts] : [...rowCounts, partitions],
    column(optionalField(KEY_METADATA), (m) => m.keyMetadata),
    ...formatVersion === 3
      ? [column(optionalField(long(ID.firstRowId, "first_row_id")), (m) => m.firstRowId)]
      : [],
  ];
}

function summaries(partitions: readonly FieldSummary[] | null): IcebergValue {
  return partitions?.map((field) => [
    field.containsNull,
    field.containsNan,
    field.lowerBound,
    field.upperBound,
  ]) ?? null;
}

function long(id: number, name: string): FieldDefinition {
  return { id, name, type: "long" };
}

function int(id: number, name: string): FieldDefinition {
  return { id, name, type: "int" };
}

const MANIFEST_PATH: FieldDefinition = {
  id: ID.manifestPath,
  name: "manifest_path",
  type: "string",
  doc: "Location URI with FS scheme",
};

const KEY_METADATA: FieldDefinition = { id: ID.keyMetadata, name: "key_metadata", type: "bytes" };

const FIELD_SUMMARY: AvroJson = {
  type: "record",
  name: "r508",
  fields: [
    requiredField({ id: FIELD_SUMMARY_FIELD.containsNull, name: "contains_null", type: "boolean" }),
    optionalField({ id: FIELD_SUMMARY_FIELD.containsNan, name: "contains_nan", type: "boolean" }),
    optionalField({ id: FIELD_SUMMARY_FIELD.lowerBound, name: "lower_bound", type: "bytes" }),
    optionalField({ id: FIELD_SUMMARY_FIELD.upperBound, name: "upper_bound", type: "bytes" }),
  ],
};

const PARTITIONS: FieldDefinition = {
  id: ID.partitions,
  name: "partitions",
  type: listOf(508, FIELD_SUMMARY),
  doc: "Summary for each partition",
};
