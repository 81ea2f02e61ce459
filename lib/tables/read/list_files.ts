/** The files answer: live files of one snapshot, page by page in manifest order. */
import { throwIfAborted } from "../../abort.ts";
import type { ManifestEntry } from "../../iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../iceberg/manifest/manifest_file.ts";
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import { currentSchema, snapshotById } from "../../iceberg/spec/table_metadata.ts";
import { decodeCursor, encodeCursor, invalidCursor } from "../../cursor.ts";
import type { FileInfo, FileList } from "../contract/schemas.ts";
import type { FileQuery } from "../contract/table_reader.ts";
import { columnName } from "./describe_schema.ts";
import type { CachedManifests } from "./cached_manifests.ts";
import { PageBudget } from "./page_budget.ts";
import { partitionValues } from "./partition_text.ts";

/** Where a page begins: a cursor stays on its snapshot, so pages agree while the table moves on. */
interface Position {
  readonly snapshot: Snapshot;
  readonly manifest: number;
  readonly entry: number;
}

/** What a page is read with. */
export interface ListFilesInput {
  readonly query: FileQuery;
  readonly manifests: CachedManifests;
  /** The snapshot that `query.at` names; null for an empty table. */
  readonly snapshot: Snapshot | null;
  readonly signal?: AbortSignal | undefined;
}

/** Lists live files; reads no more manifests than the page needs. */
export async function listFiles(table: LoadedTable, input: ListFilesInput): Promise<FileList> {
  const { query, manifests, signal } = input;
  const start = startOf(table, input);
  const answer = { success: true as const, table: formatIdentifier(table.identifier) };
  if (start === null) return { ...answer, snapshot_id: null, files: [] };
  const snapshotId = String(start.snapshot.snapshotId);
  const all = await manifests.list(start.snapshot, signal);
  const files: FileInfo[] = [];
  const budget = new PageBudget(query);
  for (let at = start.manifest; at < all.length; at++) {
    throwIfAborted(signal);
    const manifest = all[at] as ManifestFile;
    if (!mayHold(manifest, query.content)) continue;
    const { entries } = await manifests.entries(manifest, signal);
    for (let i = at === start.manifest ? start.entry : 0; i < entries.length; i++) {
      const entry = entries[i] as ManifestEntry;
      if (query.content !== null && entry.dataFile.content !== query.content) continue;
      const full = files.length === query.limit;
      const file = full ? null : fileInfo(table, entry, manifests.spec(manifest));
      if (file === null || !budget.takes(file)) {
        const next_cursor = encodeCursor("files", [snapshotId, String(at), String(i)]);
        return { ...answer, snapshot_id: snapshotId, files, next_cursor };
      }
      files.push(file);
    }
  }
  return { ...answer, snapshot_id: snapshotId, files };
}

function startOf(table: LoadedTable, { query, snapshot }: ListFilesInput): Position | null {
  if (query.cursor === null) {
    return snapshot === null ? null : { snapshot, manifest: 0, entry: 0 };
  }
  const [id = "", manifest, entry] = decodeCursor("files", query.cursor, { parts: 3 });
  const found = /^-?\d{1,19}$/.test(id) ? snapshotById(table.metadata, BigInt(id)) : undefined;
  const position = { manifest: Number(manifest), entry: Number(entry) };
  const usable = Number.isSafeInteger(position.manifest) && position.manifest >= 0 &&
    Number.isSafeInteger(position.entry) && position.entry >= 0;
  if (found !== undefined && usable) return { snapshot: found, ...position };
  throw invalidCursor("Expected a cursor whose snapshot still exists; list from the start again");
}

function mayHold(manifest: ManifestFile, content: FileQuery["content"]): boolean {
  return content === null || (content === "data") === (manifest.content === "data");
}

function fileInfo(
  table: LoadedTable,
  entry: ManifestEntry,
  spec: ReturnType<CachedManifests["spec"]>,
): FileInfo {
  const { dataFile } = entry;
  const schema = currentSchema(table.metadata);
  return {
    content: dataFile.content,
    file_path: dataFile.filePath,
    file_format: dataFile.fileFormat,
    spec_id: dataFile.specId,
    partition: partitionValues(table, { spec, tuple: dataFile.partition }),
    record_count: dataFile.recordCount,
    file_size_bytes: dataFile.fileSizeInBytes,
    sequence_number: entry.sequenceNumber?.toString() ?? null,
    snapshot_id: entry.snapshotId?.toString() ?? null,
    sort_order_id: dataFile.sortOrderId,
    equality_columns: dataFile.equalityIds?.map((id) => columnName(schema, id)) ?? null,
    referenced_data_file: dataFile.referencedDataFile,
  };
}
