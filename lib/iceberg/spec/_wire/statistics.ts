/** Statistics files and encryption keys as metadata writes them. */
import type { JsonOutput } from "../../../json.ts";
import type { BlobMetadata, PartitionStatisticsFile, StatisticsFile } from "../statistics.ts";
import type { EncryptionKey } from "../table_metadata.ts";
import { MAX_ENCRYPTION_KEYS, MAX_LIST_LENGTH, MAX_STATISTICS } from "./limits.ts";
import type { WireObject } from "./reader.ts";

const FILE_KEYS: ReadonlySet<string> = new Set([
  "snapshot-id",
  "statistics-path",
  "file-size-in-bytes",
  "file-footer-size-in-bytes",
  "key-metadata",
  "blob-metadata",
]);
const PARTITION_FILE_KEYS: ReadonlySet<string> = new Set([
  "snapshot-id",
  "statistics-path",
  "file-size-in-bytes",
]);
const BLOB_KEYS: ReadonlySet<string> = new Set([
  "type",
  "snapshot-id",
  "sequence-number",
  "fields",
  "properties",
]);
const ENCRYPTION_KEYS: ReadonlySet<string> = new Set([
  "key-id",
  "encrypted-key-metadata",
  "encrypted-by-id",
  "properties",
]);

/** Reads table statistics; none where the key is absent. */
export function readStatistics(wire: WireObject, key: string): StatisticsFile[] {
  if (!wire.has(key)) return [];
  return wire.objects(key, MAX_STATISTICS).map((file) => ({
    snapshotId: file.long("snapshot-id"),
    statisticsPath: file.text("statistics-path"),
    fileSizeInBytes: file.atLeast("file-size-in-bytes", 0),
    fileFooterSizeInBytes: file.atLeast("file-footer-size-in-bytes", 0),
    keyMetadata: file.optional("key-metadata", (name) => file.text(name)),
    blobMetadata: file.objects("blob-metadata", MAX_LIST_LENGTH).map(readBlob),
    ...file.extra(FILE_KEYS),
  }));
}

/** Inverse of {@linkcode readStatistics}. */
export function writeStatistics(files: readonly StatisticsFile[]): JsonOutput {
  return files.map(writeStatisticsFile);
}

/** Writes one table statistics file. */
export function writeStatisticsFile(file: StatisticsFile): JsonOutput {
  return {
    ...file.extra,
    "snapshot-id": file.snapshotId,
    "statistics-path": file.statisticsPath,
    "file-size-in-bytes": file.fileSizeInBytes,
    "file-footer-size-in-bytes": file.fileFooterSizeInBytes,
    ...(file.keyMetadata === null ? {} : { "key-metadata": file.keyMetadata }),
    "blob-metadata": file.blobMetadata.map(writeBlob),
  };
}

/** Reads partition statistics; none where the key is absent. */
export function readPartitionStatistics(wire: WireObject, key: string): PartitionStatisticsFile[] {
  if (!wire.has(key)) return [];
  return wire.objects(key, MAX_STATISTICS).map((file) => ({
    snapshotId: file.long("snapshot-id"),
    statisticsPath: file.text("statistics-path"),
    fileSizeInBytes: file.atLeast("file-size-in-bytes", 0),
    ...file.extra(PARTITION_FILE_KEYS),
  }));
}

/** Inverse of {@linkcode readPartitionStatistics}. */
export function writePartitionStatistics(files: readonly PartitionStatisticsFile[]): JsonOutput {
  return files.map(writePartitionStatisticsFile);
}

/** Writes one partition statistics file. */
export function writePartitionStatisticsFile(file: PartitionStatisticsFile): JsonOutput {
  return {
    ...file.extra,
    "snapshot-id": file.snapshotId,
    "statistics-path": file.statisticsPath,
    "file-size-in-bytes": file.fileSizeInBytes,
  };
}

/** Reads encryption keys; none where the key is absent. */
export function readEncryptionKeys(wire: WireObject, key: string): EncryptionKey[] {
  if (!wire.has(key)) return [];
  return wire.objects(key, MAX_ENCRYPTION_KEYS).map((item) => ({
    keyId: item.text("key-id"),
    encryptedKeyMetadata: item.text("encrypted-key-metadata"),
    encryptedById: item.optional("encrypted-by-id", (name) => item.text(name)),
    properties: item.textMap("properties"),
    ...item.extra(ENCRYPTION_KEYS),
  }));
}

/** Inverse of {@linkcode readEncryptionKeys}. */
export function writeEncryptionKeys(keys: readonly EncryptionKey[]): JsonOutput {
  return keys.map((key) => ({
    ...key.extra,
    "key-id": key.keyId,
    "encrypted-key-metadata": key.encryptedKeyMetadata,
    ...(key.encryptedById === null ? {} : { "encrypted-by-id": key.encryptedById }),
    ...(Object.keys(key.properties).length === 0 ? {} : { properties: key.properties }),
  }));
}

function readBlob(wire: WireObject): BlobMetadata {
  return {
    type: wire.text("type"),
    snapshotId: wire.long("snapshot-id"),
    sequenceNumber: wire.long("sequence-number"),
    fields: wire.ints("fields"),
    properties: wire.textMap("properties"),
    ...wire.extra(BLOB_KEYS),
  };
}

function writeBlob(blob: BlobMetadata): JsonOutput {
  return {
    ...blob.extra,
    type: blob.type,
    "snapshot-id": blob.snapshotId,
    "sequence-number": blob.sequenceNumber,
    fields: blob.fields,
    ...(Object.keys(blob.properties).length === 0 ? {} : { properties: blob.properties }),
  };
}
