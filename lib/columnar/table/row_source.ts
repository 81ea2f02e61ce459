/** Data and delete files as batches of rows, whatever their format: Parquet and Avro. */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { AppError, displayPath } from "../../errors.ts";
import type { BoundExpression } from "../../iceberg/expression/bound.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { PositionRange } from "./deletes/deleted_positions.ts";
import { openAvroRows } from "./_avro_rows.ts";
import { openParquetRows } from "./_parquet_rows.ts";

/** Rows that follow one another in a file. */
export interface PlacedBatch {
  /** The wanted columns, in the file's order. */
  readonly batch: RecordBatch;
  /** Position of the first row in the file. */
  readonly firstPosition: number;
}

/** Which rows are wanted; rows that do not match may come nevertheless. */
export interface PruneFilter {
  readonly filter: BoundExpression;
  /** The schema that `filter` is bound to. */
  readonly schema: Schema;
}

/** Options of {@linkcode RowSource.read}. */
export interface ReadRowsOptions {
  /** Places of the wanted columns in the schema, ascending. */
  readonly columns: readonly number[];
  /** Row groups that certainly hold no such row are left out. */
  readonly prune?: PruneFilter | undefined;
  /** Row groups to read, by number; all by default. Avro files are one group. */
  readonly rowGroups?: readonly number[] | undefined;
  /** Row groups none of whose rows are wanted by their positions are left out. */
  readonly holds?: ((range: PositionRange) => boolean) | undefined;
  /** Rows of a batch, at most. */
  readonly batchRows?: number | undefined;
  /** Decoded bytes at a time, of Parquet files: see `ReadRowGroupOptions`. */
  readonly windowBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An open file. */
export interface RowSource {
  /** The file's schema, with field ids where the file carries them. */
  readonly schema: ArrowSchema;
  /** Batches in the order of the file, with gaps where rows are known not to match. */
  read(options: ReadRowsOptions): AsyncIterable<PlacedBatch>;
}

/** What opening needs of a file. */
export type OpenableFile = Pick<
  DataFile,
  "filePath" | "fileFormat" | "fileSizeInBytes" | "keyMetadata"
>;

/** Options of {@linkcode openRowSource}. */
export interface OpenRowsOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file. ORC and encrypted files are `unsupported`; other errors are `corrupt_data` and those
 * of `io`.
 */
export async function openRowSource(
  io: FileIo,
  file: OpenableFile,
  options: OpenRowsOptions = {},
): Promise<RowSource> {
  if (file.keyMetadata !== null) throw unsupported(file, "it is encrypted");
  switch (file.fileFormat) {
    case "parquet":
      return await openParquetRows(io, file, options);
    case "avro":
      return await openAvroRows(io, file, options);
  }
  throw unsupported(
    file,
    `its format is "${file.fileFormat.slice(0, 40)}"; rewrite it as Parquet with another engine`,
  );
}

function unsupported(file: OpenableFile, why: string): AppError {
  return new AppError(
    "unsupported",
    "data_file_unsupported",
    `Cannot read "${displayPath(file.filePath)}": ${why}`,
    { context: { location: file.filePath } },
  );
}
