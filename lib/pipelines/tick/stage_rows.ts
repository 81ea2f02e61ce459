/**
 * The rows of a batch in data files of the sink, which nobody sees yet, and the keys of rows of the
 * sink that are to go for them.
 */
import type { RecordBatch } from "apache-arrow";
import { DataFileWriter, KeyBag, LatestRows, readChanges, rowEncoder } from "../../columnar/mod.ts";
import type { RowGroupCopy } from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import { manifestSource } from "../../iceberg/scan/manifest_source.ts";
import { planChanges } from "../../iceberg/scan/plan_changes.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import { currentSchema, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { toTableBatch, type Transform } from "../../sql/mod.ts";
import type { PipelineOptions } from "../contract/options.ts";
import { batchRows } from "./batch_rows.ts";
import { type BatchPart, CopyableFiles } from "./copyable_files.ts";
import type { BatchPlan } from "./plan_batch.ts";

/** Parts of the isolate's memory: rows that wait to be written, rows that an upsert holds, keys. */
const WRITER_SHARE = 1 / 4;
const HELD_SHARE = 1 / 4;
const KEYS_SHARE = 1 / 8;

/** Rows of the sink that go. */
export interface LeavingRows {
  readonly keys: KeyBag;
  /** `as_often`: one for each that was added, rather than all that are equal. */
  readonly match: "all" | "as_often";
}

/** A batch that is ready to be committed. */
export interface StagedRows {
  readonly files: readonly DataFile[];
  /** Null where none goes. */
  readonly leaving: LeavingRows | null;
  readonly inputRows: number;
  readonly inputBytes: number;
  readonly inputFiles: number;
  readonly outputRows: number;
  /** Removes the files, where they are certainly not committed. */
  readonly discard: () => Promise<void>;
}

/** Options of {@linkcode stageRows}. */
export interface StageRowsOptions {
  readonly source: LoadedTable;
  /** The source's columns. */
  readonly schema: Schema;
  readonly sink: LoadedTable;
  readonly transform: Transform | null;
  readonly options: PipelineOptions;
  readonly host: JobHost;
}

/**
 * Reads and writes a batch. Where that fails nothing is left; what is not committed later is the host's
 * to remove. `too_large`: `rows_too_many`, `keys_too_many`, `transform_out_of_memory`.
 */
export async function stageRows(plan: BatchPlan, options: StageRowsOptions): Promise<StagedRows> {
  const stage = new Stage(options);
  const { changes } = plan;
  try {
    const input = changes === null ? inputOf(plan) : await stage.takeChanges(changes.snapshot);
    if (changes === null) await stage.takeRows(plan);
    return { ...await stage.finish(), ...input, discard: () => stage.abort() };
  } catch (error) {
    await stage.abort();
    throw error;
  }
}

type Output = Pick<StagedRows, "files" | "leaving" | "outputRows">;
type Input = Pick<StagedRows, "inputRows" | "inputBytes" | "inputFiles">;

function inputOf({ tasks }: Pick<BatchPlan, "tasks">): Input {
  return {
    inputRows: tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0),
    inputBytes: tasks.reduce((sum, { dataFile }) => sum + dataFile.fileSizeInBytes, 0),
    inputFiles: tasks.length,
  };
}

class Stage {
  readonly #options: StageRowsOptions;
  /** The sink's columns. */
  readonly #target: Schema;
  readonly #writer: DataFileWriter;
  /** Rows of an upsert, until all have come. */
  readonly #latest: LatestRows | null;
  /** Keys of rows that were deleted from the source. */
  #deleted: KeyBag | null = null;
  #outputRows = 0;

  constructor(options: StageRowsOptions) {
    const { sink: { metadata, io }, options: { write_mode: mode }, host } = options;
    this.#options = options;
    this.#target = currentSchema(metadata);
    this.#writer = new DataFileWriter({
      io,
      metadata,
      schema: this.#target,
      spec: defaultSpec(metadata),
      operationId: host.operationId,
      memoryBytes: Math.floor(host.memoryBytes * WRITER_SHARE),
      encode: rowEncoder(metadata, host),
      encodesAtATime: host.tasks.width,
      signal: host.signal,
    });
    this.#latest = mode !== "upsert" ? null : new LatestRows({
      schema: this.#target,
      ids: this.#keyIds() ?? [],
      maxBytes: Math.floor(host.memoryBytes * HELD_SHARE),
      maxKeyBytes: Math.floor(host.memoryBytes * KEYS_SHARE),
      holdsRows: this.#deletesByEquality,
    });
  }

  /** Rows that were added to the source. */
  async takeRows(plan: BatchPlan): Promise<void> {
    for await (const part of this.#parts(plan.tasks)) {
      if (part.kind === "read") await this.#read(part.tasks);
      else for await (const group of part.rowGroups) await this.#copy(group);
    }
  }

  /** What a snapshot of the source inserted and deleted. */
  async takeChanges(snapshot: Snapshot): Promise<Input> {
    const { source: { metadata, io }, schema, host: { signal } } = this.#options;
    const manifests = manifestSource(io, metadata);
    const plan = await planChanges({ metadata, snapshot, manifests, signal });
    const tasks = [...plan.added, ...plan.removed, ...plan.changed.map(({ after }) => after)];
    let inputRows = 0;
    for await (const { kind, batch } of readChanges(plan, { io, metadata, schema, signal })) {
      inputRows += batch.numRows;
      for await (const rows of this.#transformed(batch)) {
        if (kind === "insert") await this.#add(rows);
        else this.#remove(rows);
      }
    }
    return { ...inputOf({ tasks }), inputRows };
  }

  async finish(): Promise<Output> {
    for (const rows of this.#latest?.rows() ?? []) await this.#write(rows);
    const files = await this.#writer.finish();
    return { files, leaving: this.#leaving(), outputRows: this.#outputRows };
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  /** What is read, and what can be copied: whole files whose rows go through as they are. */
  async *#parts(tasks: readonly FileScanTask[]): AsyncGenerator<BatchPart> {
    const { source, schema, sink, transform, host: { signal } } = this.#options;
    const isPartitioned = defaultSpec(sink.metadata).fields.length > 0;
    if (transform !== null || this.#latest !== null || isPartitioned) {
      return yield { kind: "read", tasks };
    }
    yield* new CopyableFiles({ source, schema, sink, signal }).parts(tasks);
  }

  async #read(tasks: readonly FileScanTask[]): Promise<void> {
    const { source, schema, transform, host: { signal } } = this.#options;
    for await (const rows of batchRows(tasks, { source, schema, transform, signal })) {
      await this.#add(rows);
    }
  }

  async #copy(group: RowGroupCopy): Promise<void> {
    await this.#writer.writeCopy(group);
    this.#wrote(group.metadata.rowCount);
  }

  async *#transformed(batch: RecordBatch): AsyncGenerator<RecordBatch> {
    const { transform, host: { signal } } = this.#options;
    if (transform === null) yield batch;
    else yield* transform.run(only(batch), signal);
  }

  async #add(rows: RecordBatch): Promise<void> {
    const batch = toTableBatch(rows, this.#target);
    if (this.#latest === null) await this.#write(batch);
    else this.#latest.add(batch);
  }

  async #write(batch: RecordBatch): Promise<void> {
    await this.#writer.write(batch);
    this.#wrote(batch.numRows);
  }

  #wrote(rows: number): void {
    this.#outputRows += rows;
    this.#options.host.progress({
      phase: "writing",
      done: this.#outputRows,
      total: null,
      unit: "rows",
    });
  }

  #remove(rows: RecordBatch): void {
    const { memoryBytes } = this.#options.host;
    // An upsert takes out every row with the key, whether a new one comes for it or not.
    const bag = this.#latest?.keys ?? (this.#deleted ??= new KeyBag({
      schema: this.#target,
      ids: this.#keyIds() ?? this.#ownColumns(rows),
      maxBytes: Math.floor(memoryBytes * KEYS_SHARE),
    }));
    bag.add(toTableBatch(rows, this.#target));
  }

  #leaving(): LeavingRows | null {
    if (this.#latest !== null) {
      return this.#latest.keys.size === 0 ? null : { keys: this.#latest.keys, match: "all" };
    }
    return this.#deleted === null ? null : { keys: this.#deleted, match: "as_often" };
  }

  get #deletesByEquality(): boolean {
    return this.#options.options.delete_files === "equality";
  }

  /** Ids of the key columns in the sink; null where the pipeline names none. */
  #keyIds(): readonly number[] | null {
    const names = this.#options.options.key_columns;
    return names?.map((name) => {
      const found = this.#target.findByName(name);
      if (found === undefined) throw keyMissing(name);
      return found.field.id;
    }) ?? null;
  }

  /** Columns of the sink that rows have; null where these are all of them. */
  #ownColumns(rows: RecordBatch): readonly number[] | null {
    const names = new Set(rows.schema.fields.map(({ name }) => name));
    const own = this.#target.fields.filter(({ name }) => names.has(name));
    return own.length === this.#target.fields.length ? null : own.map(({ id }) => id);
  }
}

async function* only(batch: RecordBatch): AsyncGenerator<RecordBatch> {
  yield await Promise.resolve(batch);
}

/** A key column that the sink does not have. */
export function keyMissing(name: string): AppError {
  const message = `Expected columns of the sink; it has none called "${name}"`;
  return new AppError("invalid", "key_column_missing", "Cannot write to the sink by key", {
    issues: [{ path: "key_columns", message }],
  });
}
