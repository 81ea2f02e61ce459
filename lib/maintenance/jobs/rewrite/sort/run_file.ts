/** Runs of sorted rows as files: written fast, read once, in the very form they were written in. */
import type { RecordBatch } from "apache-arrow";
import { throwIfAborted } from "../../../../abort.ts";
import { arrowSchema, makeBatch, METADATA_FIELD_IDS, readTask } from "../../../../columnar/mod.ts";
import {
  encodeRowGroup,
  ParquetAssembler,
  type WriteSettings,
} from "../../../../columnar/parquet/mod.ts";
import { alwaysTrue } from "../../../../iceberg/expression/expression.ts";
import { type DataFile, NOTHING_MORE_KNOWN } from "../../../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../../../iceberg/ports.ts";
import { Schema } from "../../../../iceberg/spec/schema.ts";

/** A run. */
export interface RunFile {
  readonly io: FileIo;
  readonly location: string;
  readonly sizeBytes: number;
  readonly rows: number;
}

/** Options of {@linkcode RunFiles.write}. */
export interface WriteRunOptions {
  readonly io: FileIo;
  readonly location: string;
  readonly signal: AbortSignal;
}

/** What is fast to write counts, not what is small. */
const SETTINGS: WriteSettings = {
  codec: "lz4_raw",
  rowGroupSizeBytes: 128 * 1024 * 1024,
  pageSizeBytes: 1024 * 1024,
  dictionarySizeBytes: 1024 * 1024,
  pageVersion: "v1",
  columnsWithoutDictionary: [],
  columnsWithoutStatistics: [],
  ignoredProperties: [],
};

/** Writes and reads runs of one schema. */
export class RunFiles {
  readonly #schema: Schema;
  readonly #stored: Schema;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#stored = withPlainIds(schema);
  }

  /** Writes each batch as a row group: that is what a reader of the run holds at a time. */
  async write(
    rows: Iterable<RecordBatch> | AsyncIterable<RecordBatch>,
    { io, location, signal }: WriteRunOptions,
  ): Promise<RunFile> {
    const schema = this.#stored;
    const assembler = new ParquetAssembler(await io.openWriter(location), { schema });
    try {
      for await (const batch of rows) {
        throwIfAborted(signal);
        const options = { schema, settings: SETTINGS, metrics: new Map() };
        await assembler.append(encodeRowGroup([this.#as(schema, batch)], options));
      }
      const { sizeBytes, recordCount } = await assembler.finish();
      return { io, location, sizeBytes, rows: recordCount };
    } catch (error) {
      await assembler.abort();
      throw error;
    }
  }

  /** The rows of a run, a row group at a time. */
  async *read(run: RunFile, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const schema = this.#stored;
    const task = {
      dataFile: dataFileOf(run),
      sequenceNumber: 0n,
      fileSequenceNumber: null,
      snapshotId: null,
      deletes: [],
      residual: alwaysTrue,
      spec: { specId: 0, fields: [] },
    };
    const metadata = {
      schemas: [schema],
      currentSchemaId: schema.schemaId,
      properties: {},
      formatVersion: 2,
    } as const;
    const batchRows = Math.max(1, run.rows);
    for await (const batch of readTask(task, { io: run.io, metadata, schema, batchRows, signal })) {
      yield this.#as(this.#schema, batch);
    }
  }

  #as(schema: Schema, batch: RecordBatch): RecordBatch {
    return makeBatch(arrowSchema(schema), batch.data.children, { length: batch.numRows });
  }
}

/** Columns with reserved ids would be made up by the reader instead of read. */
function withPlainIds(schema: Schema): Schema {
  const reserved = new Set<number>(Object.values(METADATA_FIELD_IDS));
  const ids = [...schema.allFields()].map(({ field }) => field.id).filter((id) =>
    !reserved.has(id)
  );
  let next = ids.reduce((highest, id) => Math.max(highest, id), 0) + 1;
  return new Schema({
    schemaId: schema.schemaId,
    identifierFieldIds: [],
    fields: schema.fields.map((field) => reserved.has(field.id) ? { ...field, id: next++ } : field),
  });
}

function dataFileOf({ location, sizeBytes, rows }: RunFile): DataFile {
  return {
    ...NOTHING_MORE_KNOWN,
    content: "data",
    filePath: location,
    fileFormat: "parquet",
    specId: 0,
    partition: [],
    recordCount: rows,
    fileSizeInBytes: sizeBytes,
  };
}
