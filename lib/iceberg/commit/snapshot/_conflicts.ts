/** Checks against what others have committed since an operation looked at the table. */
import { AppError, displayPath } from "../../../errors.ts";
import type { Expression } from "../../expression/expression.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import { type DeleteFile, DeleteIndex, referencedDataFile } from "../../scan/delete_index.ts";
import type { TableMetadata } from "../../spec/table_metadata.ts";
import { partitionPruner } from "../../scan/partition_pruner.ts";
import type { RemovedFile } from "./_removal.ts";
import { RowFilter } from "./_row_filter.ts";
import { METRIC_COLUMNS, type Since } from "./_since.ts";

/** What of concurrent changes an operation cannot bear (Spark: `write.*.isolation-level`). */
export type IsolationLevel =
  /** No new rows and no new deletes that may match. */
  | "serializable"
  /** No new deletes that may match. */
  | "snapshot";

/** Deletes that have come for one data file. */
export interface NewDeletes {
  readonly dataFile: DataFile;
  readonly deletes: readonly DeleteFile[];
}

/** Which of the files new deletes apply to. All files were there at the start. */
export function newDeletesFor(
  files: readonly DataFile[],
  { deletes, metadata }: {
    readonly deletes: readonly DeleteFile[];
    readonly metadata: TableMetadata;
  },
): readonly NewDeletes[] {
  if (deletes.length === 0) return [];
  const index = new DeleteIndex(metadata, deletes);
  const found: NewDeletes[] = [];
  for (const dataFile of files) {
    // Newer than every file here, whatever data sequence number they claim.
    const applying = index.forFile(dataFile, 0n);
    if (applying.length > 0) found.push({ dataFile, deletes: applying });
  }
  return found;
}

/** Removed files must not have got deletes that their removal would forget. */
export async function refuseNewDeletes(
  removed: readonly RemovedFile[],
  since: Since,
  metadata: TableMetadata,
): Promise<void> {
  if (removed.length === 0) return;
  const deletes = await since.newDeletes();
  const files = removed.map(({ dataFile }) => dataFile);
  const [first] = newDeletesFor(files, { deletes, metadata });
  if (first === undefined) return;
  throw new AppError(
    "conflict",
    "delete_conflict",
    `Cannot remove "${displayPath(first.dataFile.filePath)}": rows of it have been deleted since ` +
      "it was read; read it again",
    { context: { location: first.dataFile.filePath, deletes: paths(first.deletes) } },
  );
}

/** Refuses what an isolation level rules out among rows that match `where`. */
export async function checkIsolation(
  since: Since,
  { isolation, where, metadata }: {
    readonly isolation: IsolationLevel;
    readonly where: Expression;
    readonly metadata: TableMetadata;
  },
): Promise<void> {
  if (since.isUnchanged) return;
  const rows = new RowFilter(where, metadata);
  const deletes = await since.newDeletes();
  const removing = deletes.find(({ dataFile }) => rows.mayMatch(dataFile));
  if (removing !== undefined) {
    throw conflictWith("delete_conflict", "deletes of such rows", removing.dataFile);
  }
  if (isolation === "snapshot") return;
  const question = {
    mayHold: rows.mayHold.bind(rows),
    asksFor: ({ dataFile }: { readonly dataFile: DataFile }) => rows.mayMatch(dataFile),
    columns: METRIC_COLUMNS,
  };
  const [added] = await since.newData(question);
  if (added !== undefined) throw conflictWith("data_conflict", "such rows", added.dataFile);
}

/** No data file with matching rows may have gone. */
export async function refuseRemovedData(
  where: Expression,
  { since, metadata }: { readonly since: Since; readonly metadata: TableMetadata },
): Promise<void> {
  const rows = new RowFilter(where, metadata);
  const [gone] = await since.removedData({
    mayHold: rows.mayHold.bind(rows),
    asksFor: ({ dataFile }) => rows.mayMatch(dataFile),
  });
  if (gone === undefined) return;
  throw new AppError(
    "conflict",
    "data_conflict",
    `Cannot commit: "${
      displayPath(gone.dataFile.filePath)
    }", which may hold rows that match, has ` +
      "been removed since the table was read; read it again",
    { context: { location: gone.dataFile.filePath } },
  );
}

/** What new deletes speak of. */
export interface References {
  /** Locations of data files. */
  readonly paths: ReadonlySet<string>;
  /** Files whose partitions hold all of them; null where that is not known. */
  readonly within: readonly DataFile[] | null;
}

/** Data files that new deletes are for must still be there, or rows would come back. */
export async function requireReferenced(
  { paths: wanted, within }: References,
  since: Since,
  metadata: TableMetadata,
): Promise<void> {
  if (wanted.size === 0) return;
  const [gone] = await since.removedData({
    mayHold: within === null ? () => true : partitionPruner(metadata, within),
    asksFor: ({ dataFile }) => wanted.has(dataFile.filePath),
  });
  if (gone === undefined) return;
  throw new AppError(
    "conflict",
    "files_missing",
    `Cannot delete rows of "${displayPath(gone.dataFile.filePath)}": the table no longer has it; ` +
      "look the rows up again",
    { context: { missing: [gone.dataFile.filePath] } },
  );
}

/**
 * A deletion vector holds all deleted positions of its file, and ends what was there before (spec:
 * "Deletion Vectors"): positions that were deleted since its writer looked would come back.
 */
export async function refuseLostPositions(
  vectors: readonly DataFile[],
  since: Since,
  metadata: TableMetadata,
): Promise<void> {
  if (vectors.length === 0) return;
  const deletes = (await since.newDeletes())
    .filter(({ dataFile }) => dataFile.content === "position_deletes");
  const targets = vectors.map((vector): DataFile => ({
    ...vector,
    content: "data",
    filePath: referencedDataFile(vector) ?? "",
  }));
  const [first] = newDeletesFor(targets, { deletes, metadata });
  if (first === undefined) return;
  throw new AppError(
    "conflict",
    "delete_conflict",
    `Cannot delete rows of "${displayPath(first.dataFile.filePath)}": others have been deleted ` +
      "since its deletion vector was read; merge them",
    { context: { location: first.dataFile.filePath, deletes: paths(first.deletes) } },
  );
}

function conflictWith(code: string, what: string, file: DataFile): AppError {
  return new AppError(
    "conflict",
    code,
    `Cannot commit: "${displayPath(file.filePath)}" has come since the table was read, and may ` +
      `hold ${what}; read it again`,
    { context: { location: file.filePath } },
  );
}

function paths(deletes: readonly DeleteFile[]): readonly string[] {
  return deletes.map(({ dataFile }) => dataFile.filePath);
}
