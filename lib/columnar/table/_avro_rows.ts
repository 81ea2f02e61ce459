/**
 * Rows of Avro files: see `row_source.ts`. The whole file is read, then decoded block by block; the
 * bounds of the Avro reader hold (two million records, one GiB decoded).
 */
import { type Schema as ArrowSchema } from "apache-arrow";
import { throwIfAborted } from "../../abort.ts";
import { corruptData, displayPath } from "../../errors.ts";
import { compileSkip } from "../../iceberg/avro/compile_skip.ts";
import { compileValue } from "../../iceberg/avro/compile_value.ts";
import { type AvroContainer, openContainer, readBlocks } from "../../iceberg/avro/container.ts";
import { AvroCursor } from "../../iceberg/avro/cursor.ts";
import { MAX_FILE_BYTES } from "../../iceberg/avro/limits.ts";
import { parseAvroSchema } from "../../iceberg/avro/parse_schema.ts";
import type { AvroRecord } from "../../iceberg/avro/schema.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import type { IcebergValue } from "../../iceberg/spec/types.ts";
import { arrowSchema } from "../arrow/arrow_schema.ts";
import { BatchBuilder } from "../arrow/column_builder.ts";
import { avroFields } from "./_avro_fields.ts";
import { fileFault } from "./project_batch.ts";
import type {
  OpenableFile,
  OpenRowsOptions,
  PlacedBatch,
  ReadRowsOptions,
  RowSource,
} from "./row_source.ts";

/** Rows of a batch where the caller does not say. */
const DEFAULT_BATCH_ROWS = 16_384;
/** Bytes of a batch from which on it is handed out, however few its rows. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** Opens an Avro file. */
export async function openAvroRows(
  io: FileIo,
  file: OpenableFile,
  options: OpenRowsOptions,
): Promise<RowSource> {
  const location = file.filePath;
  const { signal } = options;
  const bytes = await io.read(location, {
    maxBytes: MAX_FILE_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  const container = openContainer(bytes, { location });
  const record = parseAvroSchema(container.schemaText, { location });
  if (record.kind !== "record") {
    throw corruptData(
      "avro_malformed",
      `Cannot read "${displayPath(location)}": its schema is no record`,
      { context: { location } },
    );
  }
  const schema: ArrowSchema = arrowSchema({ fields: avroFields(record) });
  return { schema, read: (read) => readRecords(container, record, read) };
}

async function* readRecords(
  container: AvroContainer,
  record: AvroRecord,
  options: ReadRowsOptions,
): AsyncGenerator<PlacedBatch> {
  const { batchRows = DEFAULT_BATCH_ROWS, signal } = options;
  if (options.rowGroups?.includes(0) === false) return;
  const wanted = new Set(options.columns);
  const fields = avroFields(record).filter((_, place) => wanted.has(place));
  const readers = record.fields.map(({ type }, place) =>
    wanted.has(place) ? { read: compileValue(type) } : { skip: compileSkip(type) }
  );
  const faultOf = (column: string) => fileFault(container.location, column);
  const builder = new BatchBuilder({ fields }, { faultOf });
  const cursor = new AvroCursor(container.location);
  let firstPosition = 0;
  const flush = (): PlacedBatch => {
    const batch = builder.finish();
    const placed = { batch, firstPosition };
    firstPosition += batch.numRows;
    return placed;
  };
  for (const count of readBlocks(container, cursor)) {
    throwIfAborted(signal);
    cursor.spendFreeSteps(count * record.freeSteps);
    for (let left = count; left > 0; left--) {
      const row: IcebergValue[] = [];
      for (const { read, skip } of readers) {
        if (read === undefined) skip(cursor);
        else row.push(read(cursor));
      }
      cursor.checkEnd();
      builder.append(row);
      if (builder.length >= batchRows || builder.byteLength >= MAX_BATCH_BYTES) yield flush();
    }
  }
  if (builder.length > 0) yield flush();
}
