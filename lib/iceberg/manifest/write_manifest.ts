/** Writes manifests (spec: "Manifests") of format v1, v2 and v3. */
import type { AvroWriteCodec } from "../avro/codec.ts";
import type { WritableValue } from "../avro/encoded_items.ts";
import { writeContainer } from "../avro/write_container.ts";
import type { FormatVersion } from "../spec/table_metadata.ts";
import type { StructType } from "../spec/types.ts";
import type { ManifestEntry } from "./data_file.ts";
import { requiredField } from "./avro_schema_json.ts";
import { dataFileColumns, entryColumns } from "./data_file_columns.ts";
import { ENTRY_FIELD } from "./field_ids.ts";
import type { ManifestFile } from "./manifest_file.ts";
import { PartitionSummary } from "./partition_summary.ts";

/**
 * Stands for the sequence number that a commit has yet to assign. `writeManifestList` replaces it, so
 * that a retried commit writes a new list and keeps its manifests.
 */
export const UNASSIGNED_SEQUENCE_NUMBER = -1n;

/** Options of {@linkcode writeManifest}. */
export interface WriteManifestOptions {
  readonly formatVersion: FormatVersion;
  readonly content: ManifestFile["content"];
  /** Where the bytes will be stored; goes into the returned description only. */
  readonly manifestPath: string;
  /** The snapshot that adds the manifest. */
  readonly snapshotId: bigint;
  readonly schemaId: number;
  /** JSON of the table schema, for the header. */
  readonly schemaJson: string;
  readonly specId: number;
  /** JSON of the partition spec's fields, for the header. */
  readonly partitionSpecJson: string;
  /** The tuple's type, as `partitionType` derives it from the spec. */
  readonly partitionType: StructType;
  /** `deflate` by default. */
  readonly codec?: AvroWriteCodec;
}

/** A manifest in bytes, and its entry for the manifest list. */
export interface WrittenManifest {
  readonly bytes: Uint8Array;
  readonly manifest: ManifestFile;
}

/**
 * Encodes `entries`. Added entries leave out (null) what they inherit from the commit; existing and
 * deleted ones must carry their sequence numbers. An entry that may not stand in such a manifest is
 * a `TypeError`.
 */
export function writeManifest(
  entries: Iterable<ManifestEntry>,
  options: WriteManifestOptions,
): WrittenManifest {
  const { formatVersion, content, partitionType } = options;
  if (formatVersion === 1 && content !== "data") {
    throw new TypeError("Cannot write a delete manifest for a v1 table");
  }
  const columns = entryColumns(formatVersion);
  const fileColumns = dataFileColumns(formatVersion, partitionType);
  const totals = new ManifestTotals(partitionType);
  const bytes = writeContainer(
    (function* (): Generator<WritableValue> {
      for (const given of entries) {
        const entry = prepare(given, options);
        totals.add(entry);
        const dataFile = fileColumns.map((column) => column.value(entry.dataFile));
        yield [...columns.map((column) => column.value(entry)), dataFile];
      }
    })(),
    {
      schemaText: JSON.stringify(entrySchemaJson(columns, fileColumns)),
      metadata: header(options),
      codec: options.codec ?? "deflate",
    },
  );
  return { bytes, manifest: totals.toManifestFile(options, bytes.length) };
}

function entrySchemaJson(
  columns: ReturnType<typeof entryColumns>,
  fileColumns: ReturnType<typeof dataFileColumns>,
) {
  const dataFile = {
    type: "record",
    name: "r2",
    fields: fileColumns.map((column) => column.field),
  };
  const fields = [
    ...columns.map((column) => column.field),
    requiredField({ id: ENTRY_FIELD.dataFile, name: "data_file", type: dataFile }),
  ];
  return { type: "record", name: "manifest_entry", fields };
}

function header(options: WriteManifestOptions): ReadonlyMap<string, string> {
  const entries = new Map([
    ["schema", options.schemaJson],
    ["schema-id", String(options.schemaId)],
    ["partition-spec", options.partitionSpecJson],
    ["partition-spec-id", String(options.specId)],
    ["format-version", String(options.formatVersion)],
  ]);
  if (options.formatVersion > 1) entries.set("content", options.content);
  return entries;
}

/** Checks an entry against the rules of its manifest and fills in what v1 cannot inherit. */
function prepare(entry: ManifestEntry, options: WriteManifestOptions): ManifestEntry {
  const { dataFile, status } = entry;
  if ((dataFile.content === "data") !== (options.content === "data")) {
    throw new TypeError(`Cannot list a file of ${dataFile.content} with ${options.content}`);
  }
  if (dataFile.specId !== options.specId) {
    throw new TypeError(
      `Cannot list a file of spec ${dataFile.specId} with spec ${options.specId}`,
    );
  }
  if (options.formatVersion === 1) {
    return { ...entry, snapshotId: entry.snapshotId ?? options.snapshotId };
  }
  const numbered = entry.sequenceNumber !== null && entry.fileSequenceNumber !== null;
  if (status !== "added" && (!numbered || entry.snapshotId === null)) {
    throw new TypeError(`Cannot write an entry with status "${status}" without its numbers`);
  }
  return entry;
}

/** Sums up what the manifest list tells of a manifest. */
class ManifestTotals {
  readonly #partitions: PartitionSummary;
  readonly #files = { existing: 0, added: 0, deleted: 0 };
  readonly #rows = { existing: 0, added: 0, deleted: 0 };
  #minSequenceNumber: bigint | null = null;

  constructor(partitionType: StructType) {
    this.#partitions = new PartitionSummary(partitionType);
  }

  add(entry: ManifestEntry): void {
    const { status, sequenceNumber, dataFile } = entry;
    this.#files[status]++;
    this.#rows[status] += dataFile.recordCount;
    this.#partitions.add(dataFile.partition);
    if (status === "deleted" || sequenceNumber === null) return;
    const lowest = this.#minSequenceNumber;
    if (lowest === null || sequenceNumber < lowest) this.#minSequenceNumber = sequenceNumber;
  }

  toManifestFile(options: WriteManifestOptions, length: number): ManifestFile {
    const v1 = options.formatVersion === 1;
    return {
      manifestPath: options.manifestPath,
      manifestLength: length,
      partitionSpecId: options.specId,
      content: options.content,
      sequenceNumber: v1 ? 0n : UNASSIGNED_SEQUENCE_NUMBER,
      // Without a live entry that has a number, the lowest is the one yet to be assigned.
      minSequenceNumber: v1 ? 0n : this.#minSequenceNumber ?? UNASSIGNED_SEQUENCE_NUMBER,
      addedSnapshotId: options.snapshotId,
      addedFilesCount: this.#files.added,
      existingFilesCount: this.#files.existing,
      deletedFilesCount: this.#files.deleted,
      addedRowsCount: this.#rows.added,
      existingRowsCount: this.#rows.existing,
      deletedRowsCount: this.#rows.deleted,
      partitions: this.#partitions.toSummaries(),
      keyMetadata: null,
      firstRowId: null,
    };
  }
}
