/** Checks the files that a snapshot adds, and writes the manifests that add them. */
import { AppError, displayPath } from "../../../errors.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { isDeletionVector } from "../../scan/delete_index.ts";
import type { FormatVersion } from "../../spec/table_metadata.ts";
import type { ManifestWriter } from "./_manifest_writer.ts";

/** A file to add. */
export interface AddedFile {
  readonly file: DataFile;
  /** Data sequence number where it is not to be that of the commit. */
  readonly sequenceNumber?: bigint | null;
}

/** What tells a file from others: deletion vectors share Puffin files. */
export function fileKey(file: DataFile): string {
  return isDeletionVector(file) ? `${file.contentOffset}@${file.filePath}` : file.filePath;
}

/** Programmer mistakes among files to add, before any table is looked at: a `TypeError`. */
export function checkAddedFiles(added: readonly AddedFile[]): void {
  const keys = new Set<string>();
  const vectors = new Set<string>();
  for (const { file } of added) {
    const name = displayPath(file.filePath);
    const key = fileKey(file);
    if (keys.has(key)) throw new TypeError(`Cannot add "${name}" to a snapshot twice`);
    keys.add(key);
    if (file.content === "equality_deletes" && (file.equalityIds ?? []).length === 0) {
      throw new TypeError(`Cannot add equality deletes "${name}" without equality columns`);
    }
    if (!isDeletionVector(file)) continue;
    const { referencedDataFile: data, contentOffset, contentSizeInBytes } = file;
    if (data === null || contentOffset === null || contentSizeInBytes === null) {
      throw new TypeError(`Cannot add a deletion vector in "${name}" without its file and place`);
    }
    if (vectors.has(data)) {
      throw new TypeError(`Cannot add two deletion vectors for "${displayPath(data)}"`);
    }
    vectors.add(data);
  }
}

/**
 * Refuses deletes that the table's format has no place for (spec: "Delete Formats"): none in v1, no
 * deletion vectors in v2, no position delete files in v3. Code `delete_format_mismatch`.
 */
export function checkDeleteFormat(deletes: readonly AddedFile[], version: FormatVersion): void {
  for (const { file } of deletes) {
    const vector = isDeletionVector(file);
    const why = version === 1
      ? "format v1 knows no row-level deletes; upgrade the table"
      : version === 2 && vector
      ? "format v2 knows no deletion vectors; write position delete files"
      : version === 3 && file.content === "position_deletes" && !vector
      ? "format v3 takes no new position delete files; write deletion vectors"
      : null;
    if (why === null) continue;
    throw new AppError(
      "conflict",
      "delete_format_mismatch",
      `Cannot add "${displayPath(file.filePath)}" to a v${version} table: ${why}`,
    );
  }
}

/** Writes added files, a manifest or more for each spec; the newest spec's come first. */
export async function writeAdded(
  added: readonly AddedFile[],
  options: {
    readonly writer: ManifestWriter;
    readonly content: ManifestFile["content"];
    readonly targetBytes: number;
  },
): Promise<readonly ManifestFile[]> {
  const { writer, content, targetBytes } = options;
  const bySpec = Map.groupBy(added, ({ file }) => file.specId);
  const specIds = [...bySpec.keys()].sort((a, b) => b - a);
  const manifests: ManifestFile[] = [];
  for (const specId of specIds) {
    const files = bySpec.get(specId) ?? [];
    const { fields } = writer.specOf(specId);
    for (const { file } of files) checkPartition(file, fields.length);
    const entries = files.map((one) => addedEntry(one, writer.snapshotId));
    manifests.push(...await writer.write(entries, { content, specId, targetBytes }));
  }
  return manifests;
}

function addedEntry({ file, sequenceNumber }: AddedFile, snapshotId: bigint): ManifestEntry {
  return {
    status: "added",
    snapshotId,
    sequenceNumber: sequenceNumber ?? null,
    fileSequenceNumber: null,
    // Row ids of a new file are given out by the commit (spec: "First Row ID Inheritance").
    dataFile: file.firstRowId === null ? file : { ...file, firstRowId: null },
  };
}

function checkPartition(file: DataFile, fields: number): void {
  if (file.partition.length === fields) return;
  throw new TypeError(
    `Cannot add "${displayPath(file.filePath)}" with a partition of ${file.partition.length} ` +
      `values, wanted ${fields}`,
  );
}
