/** Writes the rows of one partition to one file after another: see `data_file_writer.ts`. */
import type { RecordBatch } from "apache-arrow";
import { releaseBytes } from "../../../release_bytes.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { IcebergValue } from "../../../iceberg/spec/types.ts";
import {
  type EncodedRowGroup,
  fileMetrics,
  type MetricsConfig,
  ParquetAssembler,
  type RowGroupCopy,
  type WriteSettings,
} from "../../parquet/mod.ts";
import { RowGroupBuffer } from "./row_group_buffer.ts";

/** What all partitions of a writer share. */
export interface PartitionWriterShared {
  readonly io: Pick<FileIo, "openWriter">;
  readonly schema: Schema;
  readonly settings: WriteSettings;
  readonly metrics: MetricsConfig;
  readonly specId: number;
  readonly sortOrderId: number | null;
  /** Null for data files; for equality delete files the columns that they compare. */
  readonly equalityIds: readonly number[] | null;
  /** Bytes from which on a file is closed. */
  readonly targetFileSizeBytes: number;
  /** Bytes of memory that one row group may take. */
  readonly maxGroupMemoryBytes: number;
  /** Bytes in the file per byte in memory, of the row groups so far. */
  readonly ratio: { encodedBytes: number; memoryBytes: number };
  nextLocation(partition: readonly IcebergValue[]): string;
  /** Told of every file before its first byte is written. */
  created(location: string): void;
  encode(batches: readonly RecordBatch[]): Promise<EncodedRowGroup>;
  /** Row groups that are encoded at a time, at least 1, and those that are. */
  readonly encodesAtATime: number;
  readonly encoding: { count: number };
}

/** A row group that is being encoded. */
interface Encoding {
  readonly group: Promise<EncodedRowGroup>;
  /** Bytes of its rows in memory. */
  readonly memoryBytes: number;
}

/** One partition's rows. */
export class PartitionWriter {
  readonly #shared: PartitionWriterShared;
  readonly #partition: readonly IcebergValue[];
  readonly #buffer = new RowGroupBuffer();
  readonly #files: DataFile[] = [];
  /** In the order of their rows. */
  readonly #encoding: Encoding[] = [];
  #open: ParquetAssembler | null = null;

  constructor(shared: PartitionWriterShared, partition: readonly IcebergValue[]) {
    this.#shared = shared;
    this.#partition = partition;
  }

  /** Bytes of rows that wait in memory. */
  get memoryBytes(): number {
    return this.#buffer.memoryBytes;
  }

  /** Whether a file is open. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Files that are finished. */
  get files(): readonly DataFile[] {
    return this.#files;
  }

  /** Adds rows, and writes the row groups that are full. */
  async write(rows: RecordBatch): Promise<void> {
    this.#buffer.push(rows);
    for (;;) {
      const limit = await this.#nextGroupBytes();
      if (this.#buffer.memoryBytes < limit) return;
      await this.#writeGroup(limit);
    }
  }

  /** Adds a row group as it is, behind what waits in memory. Its bytes are gone afterwards. */
  async writeEncoded(group: EncodedRowGroup): Promise<void> {
    await this.flush();
    await this.#append(group);
  }

  /** The same of a row group of another file, which stays as it is. */
  async writeCopy(group: RowGroupCopy): Promise<void> {
    await this.flush();
    this.#open ??= await this.#openFile();
    await this.#open.appendCopy(group);
    await this.#closeIfFull();
  }

  /** Writes what waits in memory. */
  async flush(): Promise<void> {
    while (this.#buffer.rows > 0) await this.#writeGroup(await this.#nextGroupBytes());
    while (this.#encoding.length > 0) await this.#appendOldest();
  }

  /** Writes what waits in memory and closes the open file; rows may follow, in another one. */
  async close(): Promise<void> {
    await this.flush();
    await this.#closeFile();
  }

  /** Drops what waits in memory and the open file. */
  async abort(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await Promise.allSettled(this.#encoding.splice(0).map(({ group }) => group));
    await open?.abort();
  }

  /** Memory of the rows that fill the next row group: what the group or the file still has room for. */
  async #nextGroupBytes(): Promise<number> {
    const { settings, targetFileSizeBytes, maxGroupMemoryBytes } = this.#shared;
    // How large those become that are being encoded is a guess, and the next may be of another file.
    const isNearlyFull = () => this.#roomBytes() < targetFileSizeBytes * (1 - FULL_SHARE);
    while (this.#encoding.length > 0 && isNearlyFull()) await this.#appendOldest();
    const encodedBytes = Math.max(1, Math.min(settings.rowGroupSizeBytes, this.#roomBytes()));
    return Math.min(maxGroupMemoryBytes, encodedBytes * this.#memoryPerByte());
  }

  /** Bytes that the open file still takes, by all that is known. */
  #roomBytes(): number {
    const waiting = this.#encoding.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
    const { targetFileSizeBytes } = this.#shared;
    return targetFileSizeBytes - (this.#open?.sizeBytes ?? 0) - waiting / this.#memoryPerByte();
  }

  #memoryPerByte(): number {
    const { encodedBytes, memoryBytes } = this.#shared.ratio;
    return encodedBytes === 0 ? 1 : memoryBytes / encodedBytes;
  }

  async #writeGroup(memoryBytes: number): Promise<void> {
    const { encodesAtATime, encoding } = this.#shared;
    const before = this.#buffer.memoryBytes;
    const batches = this.#buffer.take(memoryBytes);
    if (batches.length === 0) return;
    const group = this.#shared.encode(batches);
    group.catch(() => {
      // Thrown where it is appended, unless one before it has failed.
    });
    this.#encoding.push({ group, memoryBytes: before - this.#buffer.memoryBytes });
    encoding.count++;
    while (this.#encoding.length > 0 && encoding.count >= encodesAtATime) {
      await this.#appendOldest();
    }
  }

  async #appendOldest(): Promise<void> {
    const { ratio, encoding } = this.#shared;
    const oldest = this.#encoding.shift();
    if (oldest === undefined) return;
    encoding.count--;
    const group = await oldest.group;
    ratio.memoryBytes += oldest.memoryBytes;
    ratio.encodedBytes += group.metadata.pagesLength;
    await this.#append(group);
  }

  async #append(group: EncodedRowGroup): Promise<void> {
    this.#open ??= await this.#openFile();
    await this.#open.append(group);
    releaseBytes(group.bytes);
    await this.#closeIfFull();
  }

  async #closeIfFull(): Promise<void> {
    const { targetFileSizeBytes } = this.#shared;
    const sizeBytes = this.#open?.sizeBytes ?? 0;
    if (sizeBytes >= targetFileSizeBytes * FULL_SHARE) await this.#closeFile();
  }

  async #openFile(): Promise<ParquetAssembler> {
    const { io, schema } = this.#shared;
    const location = this.#shared.nextLocation(this.#partition);
    this.#shared.created(location);
    return new ParquetAssembler(await io.openWriter(location), { schema });
  }

  async #closeFile(): Promise<void> {
    if (this.#open === null) return;
    const file = await this.#open.finish();
    this.#open = null;
    const { specId, sortOrderId, metrics, equalityIds } = this.#shared;
    this.#files.push({
      content: equalityIds === null ? "data" : "equality_deletes",
      filePath: file.location,
      fileFormat: "parquet",
      specId,
      partition: this.#partition,
      recordCount: file.recordCount,
      fileSizeInBytes: file.sizeBytes,
      ...fileMetrics(file.leafStats, metrics),
      keyMetadata: null,
      splitOffsets: file.splitOffsets,
      equalityIds,
      sortOrderId,
      firstRowId: null,
      referencedDataFile: null,
      contentOffset: null,
      contentSizeInBytes: null,
    });
  }
}

/** A file this close to its target is full: the rest would be a row group of hardly any rows. */
const FULL_SHARE = 0.97;
