/**
 * A Parquet file on its way in: it is read from its end, so all of it is kept beside the table's data
 * first, under the operation's name, and removed again whatever happens.
 */
import { openParquetFile } from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import type { FileIo, FileWriter } from "../../iceberg/ports.ts";
import { notParquet, type ParquetPart } from "./columnar_rows.ts";

/** Where an upload is kept while it is read. */
export interface UploadOptions {
  readonly io: FileIo;
  /** Free. */
  readonly location: string;
  readonly signal: AbortSignal;
}

/** The file while it is needed: whoever makes one calls `remove` at the end. */
export class Upload {
  readonly #options: UploadOptions;
  #writer: FileWriter | null = null;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Takes in the file. Its row groups, in order; of a file without rows its columns. */
  async *parts(input: ReadableStream<Uint8Array>): AsyncGenerator<ParquetPart> {
    const { io, location, signal } = this.#options;
    const writer = this.#writer = await io.openWriter(location);
    for await (const chunk of input) await writer.write(chunk);
    const { sizeBytes } = await writer.close();
    const { rowGroups } = await openUpload(io, { location, sizeBytes, signal });
    let firstRow = 0;
    for (const [rowGroup, { rowCount }] of rowGroups.entries()) {
      if (rowCount > 0) yield { location, sizeBytes, rowGroup, firstRow };
      firstRow += rowCount;
    }
    if (firstRow === 0) yield { location, sizeBytes, rowGroup: null, firstRow };
  }

  /**
   * Removes the file, where there is any and as far as it goes: the rows may be part of the table by
   * now, and a failure here must not read as theirs. Orphan removal finds what stays.
   */
  async remove(): Promise<void> {
    if (this.#writer === null) return;
    try {
      await this.#writer.abort();
      await this.#options.io.delete(this.#options.location);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
}

async function openUpload(io: FileIo, options: Parameters<typeof openParquetFile>[1]) {
  try {
    return await openParquetFile(io, options);
  } catch (error) {
    throw notParquet(error);
  }
}
