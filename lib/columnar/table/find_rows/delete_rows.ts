/**
 * Prepares the deletion of rows by their keys, alone or together with the rows that replace them.
 *
 * Where rows are is looked up in one state of the table, and others may change it before the commit.
 * The commit then fails, and rows are looked up anew; rows that come are written once:
 *
 *     const rows = await writer.finish();
 *     for (;;) {
 *       const state = await load();                        // the newest
 *       const prepared = await deleteRows(state, { keys, ... });
 *       try {
 *         return await commit(rowDelta({ rows, ...prepared.delta }));
 *       } catch (error) {
 *         if (!isCommitStateUnknown(error)) await prepared.abort();
 *         if (!isConflict(error)) throw error;             // and only so many times
 *       }
 *     }
 *
 * What comes in between, and what becomes of it:
 *
 * - compaction of a file that has such rows: `conflict`, code `files_missing`;
 * - new deletes for such a file (v3), or that may delete such rows: `conflict`, `delete_conflict`;
 * - new rows that may have such keys: `conflict`, `data_conflict`;
 * - a key column that was promoted or dropped: `conflict`, `key_columns_changed`, when prepared anew;
 *   keys must then be taken from the rows again;
 * - anything else: the commit goes through on top of it.
 *
 * Equality deletes hit whatever is there at the commit; they are prepared once. Those of a partitioned
 * spec reach files of that spec alone: where others have written in another one in between, the commit
 * is refused with `spec_conflict`, and prepared anew they are refused or made to reach all. An upgrade
 * from v2 to v3 in between is `delete_format_mismatch`, for which the same holds as for the others.
 */
import { AppError } from "../../../errors.ts";
import type { RowDeltaOptions } from "../../../iceberg/commit/snapshot/row_delta.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import { nameMappingOf } from "../../../iceberg/spec/name_mapping.ts";
import { DeleteLoader } from "../deletes/delete_loader.ts";
import type { KeyBag } from "../keys/key_bag.ts";
import { DeletionVectorWriter } from "../deletion_vector_writer.ts";
import { PositionDeleteWriter } from "../position_delete_writer.ts";
import { findRows, type FindRowsOptions, type TableState } from "./find_rows.ts";
import { writeEqualityDeletes } from "./write_equality_deletes.ts";

/** Rows that one commit deletes by position, at most by default: their positions are in memory. */
export const DEFAULT_DELETED_ROWS = 20_000_000;

/** Options of {@linkcode deleteRows}. */
export interface DeleteRowsOptions extends FindRowsOptions {
  /** How rows are deleted; `positions` by default. */
  readonly deletes?: "positions" | "equality";
  /** UUID v7; part of every file's name. */
  readonly operationId: string;
  /** Tells tasks and attempts of one operation apart, in names of files; 0 by default. */
  readonly taskId?: number;
  /** Rows to delete by position, at most; {@linkcode DEFAULT_DELETED_ROWS} by default. */
  readonly maxRows?: number;
}

/** Deletes that are written and not committed. */
export interface PreparedDeletes {
  /** For `rowDelta`, beside rows that come. */
  readonly delta: Pick<
    RowDeltaOptions,
    | "deletes"
    | "removedDeletes"
    | "startingSnapshotId"
    | "referencedDataFiles"
    | "isolation"
    | "conflictFilter"
    | "onlySpecId"
  >;
  /** Rows that go; null where the reader finds out, with equality deletes. */
  readonly deletedRows: number | null;
  /** Keys that have a row; null likewise. */
  readonly keysFound: number | null;
  /** Removes the files, for where they are certainly not committed. */
  abort(): Promise<void>;
}

/**
 * Writes deletes for all live rows with the keys: deletion vectors in v3, which take over those that
 * files have, position delete files in v2, or equality deletes.
 *
 * Errors: `unsupported`, code `row_deletes_unsupported` (v1) or `equality_deletes_unsupported`;
 * `conflict`, code `key_columns_changed`; `too_large`, code `deletes_too_many`; those of reading and
 * writing. Nothing is left behind by any of them.
 */
export async function deleteRows(
  state: TableState,
  options: DeleteRowsOptions,
): Promise<PreparedDeletes> {
  const { metadata } = state;
  const { deletes = "positions", match = "all" } = options;
  if (metadata.formatVersion < 2) throw unsupportedVersion();
  if (deletes === "positions") return await deletePositions(state, options);
  if (match !== "all") throw new TypeError("Cannot choose among equal rows by equality deletes");
  const written = await writeEqualityDeletes(state, options);
  return {
    delta: { deletes: written.files, onlySpecId: written.onlySpecId },
    deletedRows: null,
    keysFound: null,
    abort: written.abort,
  };
}

async function deletePositions(
  state: TableState,
  options: DeleteRowsOptions,
): Promise<PreparedDeletes> {
  const { io, metadata, snapshot } = state;
  const { keys, maxRows = DEFAULT_DELETED_ROWS } = options;
  const loader = options.loader ??
    new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  const writer = positionsWriter(state, options, loader);
  const referenced: string[] = [];
  const search = findRows(state, { ...options, loader });
  for await (const { task, positions } of search) {
    if (search.rows > maxRows) throw tooMany(maxRows);
    writer.add(task.dataFile, positions, task.deletes.map(({ dataFile }) => dataFile));
    referenced.push(task.dataFile.filePath);
  }
  const { added, replaced } = await writer.finish();
  return {
    delta: {
      deletes: added,
      removedDeletes: replaced.map((dataFile) => ({ dataFile })),
      referencedDataFiles: referenced,
      startingSnapshotId: snapshot?.snapshotId ?? null,
      ...isolationOf(keys),
    },
    deletedRows: search.rows,
    keysFound: search.keysFound,
    abort: () => writer.abort(),
  };
}

/** Rows with these keys that come in between would stay. */
function isolationOf(keys: KeyBag): Pick<RowDeltaOptions, "isolation" | "conflictFilter"> {
  return keys.size === 0 ? {} : { isolation: "serializable", conflictFilter: keys.filter() };
}

interface PositionsWriter {
  add(target: DataFile, positions: readonly number[], before: readonly DataFile[]): void;
  finish(): Promise<
    { readonly added: readonly DataFile[]; readonly replaced: readonly DataFile[] }
  >;
  abort(): Promise<void>;
}

function positionsWriter(
  { io, metadata }: TableState,
  { operationId, taskId = 0, signal }: DeleteRowsOptions,
  deletes: DeleteLoader,
): PositionsWriter {
  const shared = { io, metadata, operationId, taskId, signal };
  if (metadata.formatVersion >= 3) {
    const writer = new DeletionVectorWriter({ ...shared, deletes });
    return {
      add: (target, positions, before) => writer.add(target, positions, before),
      finish: () => orAbort(writer, () => writer.finish()),
      abort: () => writer.abort(),
    };
  }
  const writer = new PositionDeleteWriter(shared);
  return {
    add: (target, positions) => writer.add(target, positions),
    finish: () => orAbort(writer, async () => ({ added: await writer.finish(), replaced: [] })),
    abort: () => writer.abort(),
  };
}

async function orAbort<T>(
  writer: { abort(): Promise<void> },
  finish: () => Promise<T>,
): Promise<T> {
  try {
    return await finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function unsupportedVersion(): AppError {
  return new AppError(
    "unsupported",
    "row_deletes_unsupported",
    "Cannot delete single rows of a table of format v1, which knows no deletes; upgrade the table " +
      "to v2 or v3",
  );
}

function tooMany(maxRows: number): AppError {
  return new AppError(
    "too_large",
    "deletes_too_many",
    `Cannot delete more than ${maxRows} rows by position at a time; take fewer keys in one batch`,
  );
}
