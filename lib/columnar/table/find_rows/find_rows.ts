/**
 * Where in a table the live rows with given keys are. Files without any such row are left out by their
 * partitions and bounds, row groups by their statistics; of the rest only the key columns are read.
 */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import { bind } from "../../../iceberg/expression/bind.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import type { ManifestSource } from "../../../iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../../iceberg/spec/name_mapping.ts";
import type { Snapshot } from "../../../iceberg/spec/snapshot.ts";
import { formatPrimitiveType } from "../../../iceberg/spec/format_type.ts";
import { currentSchema, type TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import { isPrimitive, type Type } from "../../../iceberg/spec/types.ts";
import { DeleteLoader } from "../deletes/delete_loader.ts";
import { hashKeys } from "../deletes/key_set.ts";
import type { KeyBag } from "../keys/key_bag.ts";
import { POSITION_COLUMN } from "../metadata_columns.ts";
import { readTask } from "../read_task.ts";

/** A table as it is at one time. */
export interface TableState {
  readonly metadata: TableMetadata;
  /** The head of the branch that is changed; null where it is empty. */
  readonly snapshot: Snapshot | null;
  readonly io: FileIo;
  readonly manifests: ManifestSource;
}

/** Options of {@linkcode findRows}. */
export interface FindRowsOptions {
  readonly keys: KeyBag;
  /**
   * `all` (default): every row whose key is among them. `as_often`: of each key no more rows than were
   * added with it, so that of equal rows one goes for each that is to go.
   */
  readonly match?: "all" | "as_often";
  /** Shared by all that read the table; its own by default. */
  readonly loader?: DeleteLoader;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of one data file. */
export interface FoundRows {
  readonly task: FileScanTask;
  /** Ascending. */
  readonly positions: readonly number[];
}

/** Rows of a table by key: iterate them, then ask how many there were. */
export class RowSearch implements AsyncIterable<FoundRows> {
  readonly #state: TableState;
  readonly #options: FindRowsOptions;
  readonly #found: Uint8Array;
  #rows = 0;

  constructor(state: TableState, options: FindRowsOptions) {
    checkColumns(state, options.keys);
    this.#state = state;
    this.#options = options;
    this.#found = new Uint8Array(options.keys.size);
  }

  /** Rows so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Keys so far that have a row. */
  get keysFound(): number {
    return this.#found.reduce((sum, found) => sum + found, 0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FoundRows> {
    const { metadata, snapshot, io, manifests } = this.#state;
    const { keys, match = "all", signal } = this.#options;
    if (snapshot === null || keys.size === 0) return;
    const schema = currentSchema(metadata);
    const deletes = this.#options.loader ??
      new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
    const left = match === "all" ? null : keys.counts();
    const filter = bind(keys.filter(), schema);
    const scan = { metadata, snapshot, manifests, filter };
    const tasks = planFiles(signal === undefined ? scan : { ...scan, signal });
    for await (const task of tasks) {
      const positions: number[] = [];
      const read = {
        io,
        metadata,
        schema,
        fields: [...keys.columns.fields, POSITION_COLUMN],
        deletes,
        residual: "row_groups",
        signal,
      } as const;
      for await (const batch of readTask(task, read)) this.#match(batch, left, positions);
      if (positions.length > 0) yield { task, positions };
    }
  }

  #match(batch: RecordBatch, left: Uint32Array | null, positions: number[]): void {
    const { keys: bag } = this.#options;
    const keys = bag.columns.keysOfFields(batch);
    const hashes = hashKeys(keys);
    const places: BigInt64Array = batch.data.children.at(-1)?.values;
    for (let row = 0; row < keys.length; row++) {
      const number = bag.find(keys, row, hashes[row]!);
      if (number < 0 || left?.[number] === 0) continue;
      if (left !== null) left[number]! -= 1;
      this.#found[number] = 1;
      this.#rows++;
      positions.push(Number(places[row]));
    }
  }
}

/** Searches a table; errors when iterated are those of planning and reading. */
export function findRows(state: TableState, options: FindRowsOptions): RowSearch {
  return new RowSearch(state, options);
}

/** Keys of other types than the table's are never equal to its own. */
function checkColumns({ metadata }: TableState, { columns }: KeyBag): void {
  const schema = currentSchema(metadata);
  const changed = columns.columns.find(({ id, type }) => {
    const field = schema.findById(id)?.field;
    return field === undefined || !haveSameValues(field.type, type);
  });
  const isWhole = !columns.areAll || schema.fields.length === columns.columns.length;
  if (changed === undefined && isWhole) return;
  throw new AppError(
    "conflict",
    "key_columns_changed",
    changed === undefined
      ? "Cannot compare whole rows: the table has got other columns since; look at it again"
      : `Cannot compare rows by column "${changed.name}": the table has it no more, or with another ` +
        "type; look at it again",
  );
}

/** Whether values of two types compare; names, comments and defaults do not matter. */
function haveSameValues(a: Type, b: Type): boolean {
  if (a.kind === "struct" && b.kind === "struct") {
    return a.fields.length === b.fields.length && a.fields.every((field, at) => {
      const other = b.fields[at];
      return other !== undefined && field.id === other.id && haveSameValues(field.type, other.type);
    });
  }
  if (a.kind === "list" && b.kind === "list") return haveSameValues(a.element, b.element);
  if (a.kind === "map" && b.kind === "map") {
    return haveSameValues(a.key, b.key) && haveSameValues(a.value, b.value);
  }
  return isPrimitive(a) && isPrimitive(b) && formatPrimitiveType(a) === formatPrimitiveType(b);
}
