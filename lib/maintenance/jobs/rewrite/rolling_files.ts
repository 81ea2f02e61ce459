/** Puts encoded row groups of one partition into files of the size that a plan asks for. */
import { FileLocations } from "../../../columnar/mod.ts";
import {
  type EncodedRowGroup,
  fileMetrics,
  type MetricsConfig,
  metricsConfig,
  ParquetAssembler,
  type RowGroupCopy,
} from "../../../columnar/parquet/mod.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import type { IcebergValue } from "../../../iceberg/spec/types.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import type { OutputSizes } from "../../plan/output_sizes.ts";
import type { TableContext } from "./table_context.ts";

/** Options of {@linkcode RollingFiles}. */
export interface RollingFilesOptions {
  readonly table: TableContext;
  readonly spec: PartitionSpec;
  readonly partition: readonly IcebergValue[];
  readonly outputs: OutputSizes;
  readonly operationId: string;
  /** Part of the names of new files. */
  readonly taskId: number;
}

/** What is known of the rest of the input, in bytes of its files. */
export interface Remaining {
  /** What the row groups that were just appended were made of. */
  readonly consumedBytes: number;
  /** What the next ones are made of. */
  readonly nextBytes: number;
  /** All that is left, the next ones included. */
  readonly leftBytes: number;
}

/** What remains after each of several steps, given the bytes of each. */
export function remainders(sizes: readonly number[]): readonly Remaining[] {
  let leftBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return sizes.map((consumedBytes, at) => {
    leftBytes -= consumedBytes;
    return { consumedBytes, nextBytes: sizes[at + 1] ?? 0, leftBytes };
  });
}

/** Files in the making. Calls come one after another; after an error only `abort` is left. */
export class RollingFiles {
  readonly #options: RollingFilesOptions;
  readonly #locations: FileLocations;
  readonly #metrics: MetricsConfig;
  readonly #files: DataFile[] = [];
  #open: ParquetAssembler | null = null;
  #consumedBytes = 0;
  #writtenBytes = 0;

  constructor(options: RollingFilesOptions) {
    const { table: { metadata, schema }, operationId, taskId } = options;
    this.#options = options;
    this.#locations = new FileLocations({ metadata, operationId, taskId });
    this.#metrics = metricsConfig({ schema, properties: metadata.properties });
  }

  /** Appends the row groups of a part, whose bytes it takes, and ends the file where it is full. */
  async append(rowGroups: readonly EncodedRowGroup[], remaining: Remaining): Promise<void> {
    for (const rowGroup of rowGroups) {
      this.#open ??= await this.#openFile();
      await this.#open.append(rowGroup);
      this.#writtenBytes += rowGroup.metadata.pagesLength;
      releaseBytes(rowGroup.bytes);
    }
    await this.#closeIfFull(remaining);
  }

  /** The same with a row group that stays as it is. */
  async copy(rowGroup: RowGroupCopy, remaining: Remaining): Promise<void> {
    this.#open ??= await this.#openFile();
    await this.#open.appendCopy(rowGroup);
    this.#writtenBytes += rowGroup.metadata.pagesLength;
    await this.#closeIfFull(remaining);
  }

  /** Ends the last file; all files. */
  async finish(): Promise<readonly DataFile[]> {
    await this.#closeFile();
    return this.#files;
  }

  /** Removes all that was written, as far as it goes: the operation's id leads to the rest. */
  async abort(): Promise<void> {
    const { io } = this.#options.table;
    const ignore = () => {/* what stays is found by its name */};
    await this.#open?.abort().catch(ignore);
    await Promise.all(this.#files.map(({ filePath }) => io.delete(filePath).catch(ignore)));
  }

  /**
   * Where the file's end lies nearer to the wanted size now than after the next part. The last file
   * that is expected takes in what is left, as far as it may grow: a sliver would be small again.
   */
  #isFull({ nextBytes, leftBytes }: Remaining): boolean {
    if (this.#open === null || leftBytes === 0) return false;
    const { outputs: { rollBytes, maxBytes, expectedFiles } } = this.#options;
    const ratio = this.#consumedBytes === 0 ? 1 : this.#writtenBytes / this.#consumedBytes;
    const { sizeBytes } = this.#open;
    if (sizeBytes + nextBytes * ratio / 2 < rollBytes) return false;
    const isLast = this.#files.length + 1 >= expectedFiles;
    return !(isLast && sizeBytes + leftBytes * ratio <= maxBytes);
  }

  async #closeIfFull(remaining: Remaining): Promise<void> {
    this.#consumedBytes += remaining.consumedBytes;
    if (this.#isFull(remaining)) await this.#closeFile();
  }

  async #openFile(): Promise<ParquetAssembler> {
    const { table: { io, schema }, spec, partition } = this.#options;
    const location = this.#locations.next({ spec, schema, partition }, ".parquet");
    return new ParquetAssembler(await io.openWriter(location), { schema });
  }

  async #closeFile(): Promise<void> {
    if (this.#open === null) return;
    const { spec: { specId }, partition } = this.#options;
    const file = await this.#open.finish();
    this.#open = null;
    this.#files.push({
      content: "data",
      filePath: file.location,
      fileFormat: "parquet",
      specId,
      partition,
      recordCount: file.recordCount,
      fileSizeInBytes: file.sizeBytes,
      ...fileMetrics(file.leafStats, this.#metrics),
      keyMetadata: null,
      splitOffsets: file.splitOffsets,
      equalityIds: null,
      sortOrderId: null,
      firstRowId: null,
      referencedDataFile: null,
      contentOffset: null,
      contentSizeInBytes: null,
    });
  }
}
