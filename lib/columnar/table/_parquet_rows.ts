/** Rows of Parquet files, row group by row group: see `row_source.ts`. */
import { throwIfAborted } from "../../abort.ts";
import { AppError } from "../../errors.ts";
import { metricsMayMatch } from "../../iceberg/expression/match_metrics.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { openParquetFile, type ParquetSource } from "../parquet/mod.ts";
import { chunkFacts } from "./_chunk_facts.ts";
import type {
  OpenableFile,
  OpenRowsOptions,
  PlacedBatch,
  ReadRowsOptions,
  RowSource,
} from "./row_source.ts";

/** Opens a Parquet file. */
export async function openParquetRows(
  io: FileIo,
  file: OpenableFile,
  options: OpenRowsOptions,
): Promise<RowSource> {
  const source = await openSource(io, file, options);
  return { schema: source.arrowSchema(), read: (read) => readGroups(source, read) };
}

/** Opens by the size that the manifest records, or where that leads nowhere, by the real one. */
async function openSource(
  io: FileIo,
  file: OpenableFile,
  { signal }: OpenRowsOptions,
): Promise<ParquetSource> {
  const open = (sizeBytes: number) =>
    openParquetFile(io, {
      location: file.filePath,
      sizeBytes,
      ...(signal === undefined ? {} : { signal }),
    });
  try {
    return await open(file.fileSizeInBytes);
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "corrupt_data")) throw error;
    // Tables exist whose files were rewritten in place, and writers that counted wrong.
    const stat = await io.stat(file.filePath, signal);
    if (stat === null || stat.sizeBytes === file.fileSizeInBytes) throw error;
    return await open(stat.sizeBytes);
  }
}

async function* readGroups(
  source: ParquetSource,
  options: ReadRowsOptions,
): AsyncGenerator<PlacedBatch> {
  const { prune, holds, batchRows, windowBytes, signal } = options;
  const mayMatch = prune === undefined ? null : metricsMayMatch(prune.filter);
  const columns = options.columns.flatMap((place) => source.schema.columns[place] ?? []);
  const wanted = options.rowGroups === undefined ? null : new Set(options.rowGroups);
  let firstPosition = 0;
  for (const [index, group] of source.rowGroups.entries()) {
    const start = firstPosition;
    firstPosition += group.rowCount;
    if (wanted?.has(index) === false) continue;
    if (holds?.({ firstPosition: start, length: group.rowCount }) === false) continue;
    if (prune !== undefined && mayMatch?.(chunkFacts(source, group, prune.schema)) === false) {
      continue;
    }
    throwIfAborted(signal);
    let position = start;
    const batches = source.readRowGroup(index, {
      columns,
      signal,
      ...(batchRows === undefined ? {} : { batchSize: batchRows }),
      ...(windowBytes === undefined ? {} : { windowBytes }),
    });
    for await (const batch of batches) {
      yield { batch, firstPosition: position };
      position += batch.numRows;
    }
  }
}
