/**
 * Writes rows as data files of a table: split by partition, rolled over at the target size, metrics
 * and all. Memory and open files are bounded, whatever the number of partitions: where rows that wait
 * in memory are too many, the partition that has most of them is written out; where files open at a
 * time are too many, the one that was written to longest ago is closed. A partition may so get
 * more files than its rows need; input that is sorted by partition avoids it.
 *
 * Files are always Parquet, which `write.format.default` does not change.
 */
import type { RecordBatch } from "apache-arrow";
import { throwIfAborted } from "../../abort.ts";
import { mapConcurrently } from "../../concurrency.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { targetFileSize } from "../../iceberg/rewrite/file_size_rules.ts";
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { SortOrder } from "../../iceberg/spec/sort_order.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import {
  type EncodedRowGroup,
  encodeRowGroup,
  type MetricsConfig,
  metricsConfig,
  type RowGroupCopy,
  writeSettings,
} from "../parquet/mod.ts";
import { FileLocations } from "./write/file_locations.ts";
import { PartitionRouter } from "./write/partition_router.ts";
import { PartitionWriter, type PartitionWriterShared } from "./write/partition_writer.ts";

/** Bytes of memory that a writer takes by default. */
export const DEFAULT_WRITER_BYTES = 256 * 1024 * 1024;
/** Files open at a time by default. */
export const DEFAULT_OPEN_FILES = 32;
/** Partitions written at a time: a store takes its time for each file, whatever there is in it. */
const CONCURRENT_PARTITIONS = 8;
/** A row group is held in memory several times over while it is encoded. */
const GROUP_COPIES = 4;
/** Smallest row group that memory is cut into, in bytes. */
const MIN_GROUP_BYTES = 1024 * 1024;

/** Options of {@linkcode DataFileWriter}. */
export interface DataFileWriterOptions {
  readonly io: Pick<FileIo, "openWriter" | "delete">;
  readonly metadata: Pick<TableMetadata, "location" | "properties">;
  /** The schema of the rows: the table's, and for v3 rewrites its lineage columns behind it. */
  readonly schema: Schema;
  /** How files are partitioned. */
  readonly spec: PartitionSpec;
  /** The order that the rows come in within each partition; null for none. */
  readonly sortOrder?: SortOrder | null;
  /** UUID v7; part of every file's name. */
  readonly operationId: string;
  /** Tells tasks of one operation apart, in names of files; 0 by default. */
  readonly taskId?: number;
  /** Bytes of a file; `write.target-file-size-bytes` by default. */
  readonly targetFileSizeBytes?: number;
  /** Bytes of rows and row groups in memory. */
  readonly memoryBytes?: number;
  /** Files open at a time. */
  readonly maxOpenFiles?: number;
  /**
   * Makes the files equality delete files, which delete rows equal to theirs in these columns. Rows
   * have the columns and, for a partitioned spec, the columns that it is made of.
   */
  readonly equalityIds?: readonly number[];
  /** Encodes row groups; in this isolate by default. */
  readonly encode?: (batches: readonly RecordBatch[]) => Promise<EncodedRowGroup>;
  /** Row groups that `encode` may have at a time, while rows go on coming; 1 by default. */
  readonly encodesAtATime?: number;
  readonly signal?: AbortSignal | undefined;
}

/** See the module comment. Calls come one after another; after an error only `abort` is left. */
export class DataFileWriter {
  readonly #options: DataFileWriterOptions;
  readonly #router: PartitionRouter;
  /** By number of the partition. */
  readonly #writers: PartitionWriter[] = [];
  /** Writers with an open file, the one written to last at the end. */
  readonly #open = new Set<PartitionWriter>();
  readonly #shared: PartitionWriterShared;
  readonly #created: string[] = [];
  readonly #maxWaitingBytes: number;
  readonly #maxOpenFiles: number;
  #waitingBytes = 0;

  constructor(options: DataFileWriterOptions) {
    const { io, metadata, schema, spec, sortOrder = null, equalityIds = null } = options;
    const { memoryBytes = DEFAULT_WRITER_BYTES } = options;
    const { properties } = metadata;
    const settings = writeSettings(properties, equalityIds === null ? "data" : "deletes");
    const metrics = keptMetrics(options);
    const suffix = equalityIds === null ? ".parquet" : "-deletes.parquet";
    const locations = new FileLocations(options);
    this.#options = options;
    this.#maxWaitingBytes = memoryBytes / 2;
    this.#maxOpenFiles = options.maxOpenFiles ?? DEFAULT_OPEN_FILES;
    this.#router = new PartitionRouter(spec, schema);
    this.#shared = {
      io,
      schema,
      settings,
      equalityIds: equalityIds === null ? null : checkEqualityIds(equalityIds, schema),
      metrics,
      encode: options.encode ??
        ((batches) => Promise.resolve(encodeRowGroup(batches, { schema, settings, metrics }))),
      encodesAtATime: options.encodesAtATime ?? 1,
      encoding: { count: 0 },
      specId: spec.specId,
      sortOrderId: sortOrder?.orderId ?? null,
      targetFileSizeBytes: options.targetFileSizeBytes ?? targetFileSize(properties),
      maxGroupMemoryBytes: Math.max(MIN_GROUP_BYTES, memoryBytes / GROUP_COPIES),
      ratio: { encodedBytes: 0, memoryBytes: 0 },
      nextLocation: (partition) => locations.next({ spec, schema, partition }, suffix),
      created: (location) => this.#created.push(location),
    };
  }

  /**
   * Adds rows in the Arrow form of the schema. Throws `invalid` for nulls in required columns,
   * `cancelled`, and what the store throws.
   */
  async write(batch: RecordBatch): Promise<void> {
    for (const { partition, rows } of this.#router.split(batch)) {
      throwIfAborted(this.#options.signal);
      const tuple = this.#router.tupleOf(partition);
      const writer = this.#writers[partition] ??= new PartitionWriter(this.#shared, tuple);
      await this.#use(writer, () => writer.write(rows));
      if (this.#waitingBytes > this.#maxWaitingBytes) await this.#flushFullest();
    }
  }

  /**
   * Adds a row group that was encoded elsewhere, for a spec without fields only: nobody looks at the
   * partitions of its rows. Its bytes are gone afterwards. Errors are those of {@linkcode write}.
   */
  async writeEncoded(group: EncodedRowGroup): Promise<void> {
    const writer = this.#onlyWriter();
    await this.#use(writer, () => writer.writeEncoded(group));
  }

  /** Adds a row group of another file of the schema's columns, for a spec without fields only. */
  async writeCopy(group: RowGroupCopy): Promise<void> {
    const writer = this.#onlyWriter();
    await this.#use(writer, () => writer.writeCopy(group));
  }

  /** Finishes all files. Without rows there are none. */
  async finish(): Promise<readonly DataFile[]> {
    // Open ones first: then no more are open than are being closed.
    const open = this.#writers.filter((writer) => writer.isOpen);
    const others = this.#writers.filter((writer) => !writer.isOpen);
    for (const writers of [open, others]) await this.#useAll(writers, (writer) => writer.close());
    return this.#writers.flatMap((writer) => writer.files);
  }

  /** Removes everything that was written, finished files too. */
  async abort(): Promise<void> {
    const { io } = this.#options;
    const left = this.#writers.map((writer) => writer.abort());
    const aborted = await Promise.allSettled(left);
    const deleted = await Promise.allSettled(this.#created.map((location) => io.delete(location)));
    for (const outcome of [...aborted, ...deleted]) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  /** Of the one partition that encoded rows can be in. */
  #onlyWriter(): PartitionWriter {
    if (this.#options.spec.fields.length > 0) {
      throw new TypeError("Cannot tell the partitions of encoded rows");
    }
    throwIfAborted(this.#options.signal);
    return this.#writers[0] ??= new PartitionWriter(this.#shared, []);
  }

  /** Lets a writer work; where it has opened a file, one too many perhaps, another is closed. */
  async #use(writer: PartitionWriter, work: () => Promise<void>): Promise<void> {
    await this.#account(writer, work);
    await this.#closeOldest(writer.isOpen ? [writer] : []);
  }

  /** Lets several work at a time, each for itself. */
  async #useAll(
    writers: readonly PartitionWriter[],
    work: (writer: PartitionWriter) => Promise<void>,
  ): Promise<void> {
    const limit = Math.min(CONCURRENT_PARTITIONS, this.#maxOpenFiles);
    const one = (writer: PartitionWriter) => this.#account(writer, () => work(writer));
    await mapConcurrently(writers, one, { limit, signal: this.#options.signal });
  }

  /** Keeps account of a writer's memory and its file. */
  async #account(writer: PartitionWriter, work: () => Promise<void>): Promise<void> {
    const before = writer.memoryBytes;
    await work();
    this.#waitingBytes += writer.memoryBytes - before;
    this.#open.delete(writer);
    if (writer.isOpen) this.#open.add(writer);
  }

  /** Closes so many of the other files that each of these writers may have one. */
  async #closeOldest(writers: readonly PartitionWriter[]): Promise<void> {
    const others = [...this.#open].filter((writer) => !writers.includes(writer));
    const surplus = others.length + writers.length - this.#maxOpenFiles;
    if (surplus > 0) {
      await this.#useAll(others.slice(0, surplus), (writer) => writer.close());
    }
  }

  /** Writes out the partitions with most rows in memory, until little is left there. */
  async #flushFullest(): Promise<void> {
    const fullestFirst = this.#writers.filter((writer) => writer.memoryBytes > 0)
      .sort((a, b) => b.memoryBytes - a.memoryBytes);
    const flushed: PartitionWriter[] = [];
    let left = this.#waitingBytes;
    for (const writer of fullestFirst) {
      if (left <= this.#maxWaitingBytes / 2) break;
      flushed.push(writer);
      left -= writer.memoryBytes;
    }
    for (let at = 0; at < flushed.length; at += this.#maxOpenFiles) {
      const writers = flushed.slice(at, at + this.#maxOpenFiles);
      await this.#closeOldest(writers);
      await this.#useAll(writers, (writer) => writer.flush());
    }
  }
}

/**
 * Of equality deletes only metrics of the columns that they compare: readers skip delete files by
 * metrics, and what else a delete has beside its key need not be what the deleted row has.
 */
function keptMetrics(options: DataFileWriterOptions): MetricsConfig {
  const { metadata: { properties }, schema, sortOrder = null, equalityIds = null } = options;
  const config = metricsConfig({ schema, properties, sortOrder });
  if (equalityIds === null) return config;
  return new Map([...config].filter(([id]) => equalityIds.includes(id)));
}

function checkEqualityIds(ids: readonly number[], schema: Schema): readonly number[] {
  const distinct = [...new Set(ids)].sort((a, b) => a - b);
  if (distinct.length === 0 || distinct.some((id) => schema.findById(id) === undefined)) {
    throw new TypeError(`Cannot delete by columns ${distinct}: rows do not have them all`);
  }
  return distinct;
}
