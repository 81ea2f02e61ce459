/**
 * Writes position delete files (spec "Position Delete Files") for tables of format v2: one file for
 * each partition that rows are deleted from, or each data file (`write.delete.granularity`), sorted by
 * path and position.
 */
import type { RecordBatch } from "apache-arrow";
import { throwIfAborted } from "../../abort.ts";
import { AppError } from "../../errors.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { partitionKey } from "../../iceberg/spec/partition_key.ts";
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import { Schema } from "../../iceberg/spec/schema.ts";
import { schemaOfSpec, type TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import { compareCodePoints } from "../../iceberg/spec/compare_values.ts";
import { BatchBuilder } from "../arrow/column_builder.ts";
import {
  encodeRowGroup,
  fileMetrics,
  ParquetAssembler,
  positionDeleteMetrics,
  writeSettings,
} from "../parquet/mod.ts";
import { POSITION_DELETE_FIELDS } from "./deletes/load_positions.ts";
import { FileLocations } from "./write/file_locations.ts";

/** The data file whose rows are deleted. */
export type DeleteTarget = Pick<DataFile, "filePath" | "specId" | "partition">;

/** Options of the writers of deletes. */
export interface DeleteWriterOptions {
  readonly io: FileIo;
  readonly metadata: TableMetadata;
  /** UUID v7; part of every file's name. */
  readonly operationId: string;
  /** Tells tasks of one operation apart, in names of files; 0 by default. */
  readonly taskId?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of a row group. */
const GROUP_ROWS = 1_000_000;

const SCHEMA = new Schema({
  schemaId: 0,
  fields: POSITION_DELETE_FIELDS,
  identifierFieldIds: [],
});
const METRICS = positionDeleteMetrics(POSITION_DELETE_FIELDS.map(({ id }) => id));

/** Positions by data file, of one partition or one data file. */
interface DeleteGroup {
  readonly specId: number;
  readonly partition: DeleteTarget["partition"];
  readonly positions: Map<string, Set<number>>;
}

/** Collects deletes, then writes them. */
export class PositionDeleteWriter {
  readonly #options: DeleteWriterOptions;
  readonly #locations: FileLocations;
  readonly #groups = new Map<string, DeleteGroup>();
  readonly #created: string[] = [];
  readonly #perFile: boolean;

  /** Tables of format v3 take deletion vectors instead: `unsupported`. */
  constructor(options: DeleteWriterOptions) {
    const { formatVersion, properties } = options.metadata;
    if (formatVersion !== 2) throw wrongVersion(formatVersion);
    this.#options = options;
    this.#locations = new FileLocations(options);
    this.#perFile = properties["write.delete.granularity"]?.trim().toLowerCase() === "file";
  }

  /** Deletes rows of a data file; a position may be given again. */
  add(target: DeleteTarget, positions: Iterable<number>): void {
    const { filePath, specId, partition } = target;
    const key = this.#perFile ? filePath : partitionKey(specId, partition);
    const group = this.#groups.get(key) ?? { specId, partition, positions: new Map() };
    this.#groups.set(key, group);
    const own = group.positions.get(filePath) ?? new Set();
    group.positions.set(filePath, own);
    for (const position of positions) {
      if (!Number.isSafeInteger(position) || position < 0) {
        throw new RangeError(`Cannot delete the row at position ${position}`);
      }
      own.add(position);
    }
  }

  /** Writes the files. Without deletes there are none. */
  async finish(): Promise<readonly DataFile[]> {
    const files: DataFile[] = [];
    for (const group of this.#groups.values()) {
      throwIfAborted(this.#options.signal);
      if ([...group.positions.values()].some((own) => own.size > 0)) {
        files.push(await this.#write(group));
      }
    }
    return files;
  }

  /** Removes everything that was written. */
  async abort(): Promise<void> {
    for (const location of this.#created) await this.#options.io.delete(location);
  }

  async #write(group: DeleteGroup): Promise<DataFile> {
    const { io, metadata } = this.#options;
    const settings = writeSettings(metadata.properties, "deletes");
    const location = this.#locations.next({
      ...specAndSchema(metadata, group.specId),
      partition: group.partition,
    }, "-deletes.parquet");
    this.#created.push(location);
    const assembler = new ParquetAssembler(await io.openWriter(location), { schema: SCHEMA });
    try {
      for (const batch of batchesOf(group)) {
        await assembler.append(
          encodeRowGroup([batch], { schema: SCHEMA, settings, metrics: METRICS }),
        );
      }
      return describe(group, await assembler.finish());
    } catch (error) {
      await assembler.abort();
      throw error;
    }
  }
}

/** A partition spec of the table, with the schema that its columns are in. */
export function specAndSchema(
  metadata: TableMetadata,
  specId: number,
): { readonly spec: PartitionSpec; readonly schema: Schema } {
  const spec = metadata.partitionSpecs.find((known) => known.specId === specId);
  if (spec === undefined) throw new RangeError(`Cannot find partition spec ${specId}`);
  return { spec, schema: schemaOfSpec(metadata, spec) };
}

/** The rows of a group, sorted by path as UTF-8 and by position. */
function* batchesOf({ positions }: DeleteGroup): Generator<RecordBatch> {
  const builder = new BatchBuilder(SCHEMA);
  for (const path of [...positions.keys()].sort(compareCodePoints)) {
    for (const position of Float64Array.from(positions.get(path) ?? []).sort()) {
      builder.append([path, BigInt(position)]);
      if (builder.length >= GROUP_ROWS) yield builder.finish();
    }
  }
  if (builder.length > 0) yield builder.finish();
}

function describe(
  { specId, partition, positions }: DeleteGroup,
  file: Awaited<ReturnType<ParquetAssembler["finish"]>>,
): DataFile {
  const paths = [...positions].filter(([, own]) => own.size > 0).map(([path]) => path);
  const [only, ...others] = paths;
  return {
    content: "position_deletes",
    filePath: file.location,
    fileFormat: "parquet",
    specId,
    partition,
    recordCount: file.recordCount,
    fileSizeInBytes: file.sizeBytes,
    ...fileMetrics(file.leafStats, METRICS),
    keyMetadata: null,
    splitOffsets: file.splitOffsets,
    equalityIds: null,
    // Position deletes have an order of their own (spec "Position Delete Files").
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: others.length === 0 ? only ?? null : null,
    contentOffset: null,
    contentSizeInBytes: null,
  };
}

function wrongVersion(formatVersion: number): AppError {
  const instead = formatVersion < 2
    ? "format v1 knows no deletes; upgrade the table to v2"
    : "format v3 takes deletion vectors";
  return new AppError(
    "unsupported",
    "position_deletes_unsupported",
    `Cannot write position delete files: ${instead}`,
  );
}
