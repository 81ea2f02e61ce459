/** Files that one operation of a raced writer makes, and takes back where it comes to nothing. */
import { DataFileWriter } from "../../lib/columnar/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../lib/iceberg/ports.ts";
import type { PartitionSpec } from "../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import { defaultSpec } from "../../lib/iceberg/spec/table_metadata.ts";
import { batchOfRows } from "../support/rows.ts";
import { type Act, schemaOf } from "./_act.ts";
import type { ReadRow } from "./_reader.ts";
import { FIXED, type Row, valuesOf } from "./_rows.ts";

/** A writer of files that can take them back. */
interface Revocable {
  abort(): Promise<void>;
}

/** See the module comment. */
export class WrittenFiles {
  readonly #act: Act;
  readonly #writers: Revocable[] = [];
  #tasks = 0;

  constructor(act: Act) {
    this.#act = act;
  }

  /** Remembers a writer; its files go where the operation fails. */
  keep<T extends Revocable>(writer: T): T {
    this.#writers.push(writer);
    return writer;
  }

  /** The next number for names of files. */
  nextTask(): number {
    return this.#tasks++;
  }

  /** Data files with new rows, and with rows that were there already. */
  async data(
    table: LoadedTable,
    rows: readonly Row[],
    copied: readonly ReadRow[] = [],
  ): Promise<readonly DataFile[]> {
    const schema = schemaOf(table);
    const writer = this.#writer(table, { schema, spec: defaultSpec(table.metadata) });
    const values = [
      ...rows.map((row) => valuesOf(row, schema.fields)),
      ...copied.map((row) => row.values),
    ];
    if (values.length > 0) await writer.write(batchOfRows(schema.fields, values));
    return await writer.finish();
  }

  /** Equality deletes of these keys; of one region where the spec is by region. */
  async keyDeletes(
    table: LoadedTable,
    keys: readonly number[],
    { spec, region }: { readonly spec: PartitionSpec; readonly region: string | null },
  ): Promise<readonly DataFile[]> {
    const wanted: number[] = region === null ? [FIXED.key] : [FIXED.key, FIXED.region];
    const schema = new Schema({
      schemaId: 0,
      fields: schemaOf(table).fields.filter(({ id }) => wanted.includes(id)),
      identifierFieldIds: [],
    });
    const writer = this.#writer(table, { schema, spec, equalityIds: [FIXED.key] });
    const values = keys.map((key) =>
      valuesOf({ uid: 0, key, region: region ?? "", columns: [] }, schema.fields)
    );
    await writer.write(batchOfRows(schema.fields, values));
    return await writer.finish();
  }

  /** Runs what writes and commits; where that certainly came to nothing, the files go. */
  async orNothing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isUnknown = error instanceof AppError && error.kind === "commit_state_unknown";
      if (!isUnknown) { for (const writer of this.#writers) await writer.abort(); }
      throw error;
    }
  }

  #writer(
    { metadata, io }: LoadedTable,
    options: {
      readonly schema: Schema;
      readonly spec: PartitionSpec;
      readonly equalityIds?: readonly number[];
    },
  ): DataFileWriter {
    const { operationId, signal } = this.#act.host;
    const taskId = this.nextTask();
    return this.keep(
      new DataFileWriter({ io, metadata, operationId, taskId, signal, ...options }),
    );
  }
}
