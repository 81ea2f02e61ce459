/** Parquet files in memory for tests: written from values, read back as values. */
import type { RecordBatch } from "apache-arrow";
import { arrowSchema } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { makeBatch } from "../../../../lib/columnar/arrow/batch.ts";
import { valueReader } from "../../../../lib/columnar/arrow/value_reader.ts";
import {
  type AssembledFile,
  encodeRowGroup,
  type MetricsConfig,
  metricsConfig,
  openParquetFile,
  ParquetAssembler,
  type ParquetSource,
  writeSettings,
} from "../../../../lib/columnar/parquet/mod.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { columnOf } from "../arrow/_columns.ts";

/** A table schema. */
export function schemaOf(...fields: readonly NestedField[]): Schema {
  return new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
}

/** A batch from one list of values for each column. */
export function batchOfColumns(
  { fields }: Schema,
  columns: readonly (readonly IcebergValue[])[],
): RecordBatch {
  const data = fields.map(({ type }, at) => columnOf(type, columns[at] ?? []));
  return makeBatch(arrowSchema({ fields }), data, { length: columns[0]?.length ?? 0 });
}

/** Options of {@linkcode writeFile}. */
export interface WriteFileOptions {
  readonly schema: Schema;
  readonly properties?: Readonly<Record<string, string>>;
  readonly metrics?: MetricsConfig;
  readonly location?: string;
}

/** Where files are, unless a test says otherwise. */
export const LOCATION = "/warehouse/db/t/data/file.parquet";

/** Writes a file of one row group for each list of batches. */
export async function writeFile(
  io: MemoryFileIo,
  groups: readonly (readonly RecordBatch[])[],
  options: WriteFileOptions,
): Promise<AssembledFile> {
  const { schema, properties = {}, location = LOCATION } = options;
  const assembler = new ParquetAssembler(await io.openWriter(location), { schema });
  const settings = writeSettings(properties);
  const metrics = options.metrics ?? metricsConfig({ schema, properties });
  for (const batches of groups) {
    await assembler.append(encodeRowGroup(batches, { schema, settings, metrics }));
  }
  return await assembler.finish();
}

/** Writes one row group of one batch and opens the file. */
export async function writtenFile(
  batch: RecordBatch,
  options: WriteFileOptions,
): Promise<{ readonly io: MemoryFileIo; readonly file: AssembledFile; source: ParquetSource }> {
  const io = new MemoryFileIo();
  const file = await writeFile(io, [[batch]], options);
  return { io, file, source: await openParquetFile(io, { location: LOCATION }) };
}

/** All batches of all row groups. */
export async function readAll(
  source: ParquetSource,
  options: Parameters<ParquetSource["readRowGroup"]>[1] = {},
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for (const index of source.rowGroups.keys()) {
    for await (const batch of source.readRowGroup(index, options)) batches.push(batch);
  }
  return batches;
}

/** The values of a column of several batches. */
export function valuesAt(
  batches: readonly RecordBatch[],
  { at, type }: { readonly at: number; readonly type: Type },
): IcebergValue[] {
  return batches.flatMap((batch) => {
    const read = valueReader(batch.data.children[at]!, type);
    return Array.from({ length: batch.numRows }, (_, row) => read(row));
  });
}
