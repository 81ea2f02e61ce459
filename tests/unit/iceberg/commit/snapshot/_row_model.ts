/**
 * A table down to its rows: what data files and deletes would hold if they were real, and which rows
 * readers must see. The table's own code only says which files to read with which deletes.
 */
import assert from "node:assert/strict";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../../../lib/iceberg/scan/plan_files.ts";
import type { Snapshot } from "../../../../../lib/iceberg/spec/snapshot.ts";
import { dataFile, type TestTable } from "./_table.ts";

/** A row; `id` is its own for ever, `key` is what equality deletes compare. */
export interface Row {
  readonly id: number;
  readonly key: number;
  readonly region: string;
}

/** What a delete file holds: positions by data file, or keys. */
export type Deleted =
  | { readonly positions: ReadonlyMap<string, ReadonlySet<number>> }
  | { readonly keys: ReadonlySet<number> };

/** A planned data file with the rows that its deletes leave. */
export interface ReadFile {
  readonly task: FileScanTask;
  /** Rows left, with their places in the file. */
  readonly rows: ReadonlyMap<number, Row>;
}

/** Contents of files, present or deleted. */
export class RowModel {
  readonly #data = new Map<string, readonly Row[]>();
  readonly #deletes = new Map<string, Deleted>();
  readonly #gone = new Set<string>();
  #lastRow = 0;
  #lastFile = 0;

  /** Rows that no file has yet. */
  newRows(keys: readonly number[], region: string): readonly Row[] {
    return keys.map((key) => ({ id: ++this.#lastRow, key, region }));
  }

  /** A name that no file has yet. */
  newName(): string {
    return `f${++this.#lastFile}`;
  }

  /** A data file with these rows. */
  addData(rows: readonly Row[], region: string): DataFile {
    const file = dataFile(this.newName(), { partition: [region], recordCount: rows.length });
    this.#data.set(file.filePath, rows);
    return file;
  }

  /** Says what a delete file holds. */
  addDeletes(file: DataFile, deleted: Deleted): DataFile {
    this.#deletes.set(keyOf(file), deleted);
    return file;
  }

  /** Removes a file from the store. */
  delete(location: string): void {
    this.#gone.add(location);
  }

  /** What is in the vector of a file; none where it has none. */
  positionsOf(file: DataFile, of: string): ReadonlySet<number> {
    const deleted = this.#deletes.get(keyOf(file));
    assert(deleted !== undefined && "positions" in deleted);
    return deleted.positions.get(of) ?? new Set();
  }

  /** Number of physical rows. */
  sizeOf(file: DataFile): number {
    return this.#rowsOf(file).length;
  }

  /** Reads a snapshot file by file. */
  async read(table: TestTable, snapshot: Snapshot): Promise<readonly ReadFile[]> {
    const { metadata, io } = table;
    const manifests = manifestSource(io, metadata);
    const tasks = await Array.fromAsync(planFiles({ metadata, snapshot, manifests, rows: "all" }));
    return tasks.map((task) => ({ task, rows: this.#apply(task) }));
  }

  /** Ids of the rows of a snapshot, ascending; a row that is there twice is there twice. */
  async ids(table: TestTable, snapshot: Snapshot): Promise<readonly number[]> {
    const files = await this.read(table, snapshot);
    return files.flatMap((file) => [...file.rows.values()].map((row) => row.id))
      .sort((a, b) => a - b);
  }

  #apply(task: FileScanTask): ReadonlyMap<number, Row> {
    const rows = new Map(this.#rowsOf(task.dataFile).entries());
    for (const { dataFile: file } of task.deletes) {
      assert(!this.#gone.has(file.filePath), `Deletes ${file.filePath} are gone`);
      const deleted = this.#deletes.get(keyOf(file));
      assert(deleted !== undefined);
      for (const [position, row] of rows) {
        const hit = "keys" in deleted
          ? deleted.keys.has(row.key)
          : deleted.positions.get(task.dataFile.filePath)?.has(position) === true;
        if (hit) rows.delete(position);
      }
    }
    return rows;
  }

  #rowsOf({ filePath }: DataFile): readonly Row[] {
    assert(!this.#gone.has(filePath), `Data file ${filePath} is gone`);
    const rows = this.#data.get(filePath);
    assert(rows !== undefined);
    return rows;
  }
}

function keyOf(file: DataFile): string {
  return `${file.filePath}@${file.contentOffset}`;
}
