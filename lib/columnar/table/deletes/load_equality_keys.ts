/**
 * Reads equality delete files (spec "Equality Delete Files") as sets of keys. Values are equal as in
 * the reference implementation: null equals null, NaN equals NaN, and `-0.0` differs from `0.0`.
 */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError, corruptData, displayPath } from "../../../errors.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import type { NameMapping } from "../../../iceberg/spec/name_mapping.ts";
import { canMakeKeys, concatKeys, encodeRowKeys, type RowKeys } from "../../arrow/row_keys.ts";
import { type FileField, fileFields } from "../file_fields.ts";
import type { NeededColumn } from "../needed_column.ts";
import { readProjected } from "../read_projected.ts";
import { openRowSource } from "../row_source.ts";
import { KeySet } from "./key_set.ts";
import { deleteFileOf } from "./load_positions.ts";

/** Options of {@linkcode loadEqualityKeys}. */
export interface LoadEqualityOptions {
  /** The equality columns, in the types that rows are compared in. */
  readonly columns: readonly NeededColumn[];
  readonly nameMapping: NameMapping | null;
  readonly signal?: AbortSignal | undefined;
}

/** The keys of the rows that an equality delete file deletes. */
export async function loadEqualityKeys(
  io: FileIo,
  file: DataFile,
  options: LoadEqualityOptions,
): Promise<KeySet> {
  const { columns, nameMapping, signal } = options;
  const source = await openRowSource(io, file, { signal });
  const fields = fileFields(source.schema, { nameMapping, location: file.filePath });
  for (const column of columns) {
    // A default must not stand in: it would delete rows that nobody named.
    if (!hasField(fields, column.id)) throw lacksColumn(file, column);
  }
  const rows = readProjected(source, columns.map(({ field }) => field), {
    nameMapping,
    file: deleteFileOf(file),
    read: { signal },
  });
  const chunks: RowKeys[] = [];
  for await (const { batch } of rows) {
    chunks.push(equalityKeys(batch.data.children, columns, batch));
  }
  return new KeySet(concatKeys(chunks));
}

/** The keys of rows whose equality columns are `fields`, one for each of `columns`. */
export function equalityKeys(
  fields: readonly Data[],
  columns: readonly NeededColumn[],
  { numRows }: Pick<RecordBatch, "numRows">,
): RowKeys {
  const keyColumns = columns.map(({ leafOf, type }, at) => {
    const field = fields[at];
    if (field === undefined) throw new TypeError(`Cannot find equality column ${at}`);
    return { column: leafOf(field), type };
  });
  return encodeRowKeys(keyColumns, { length: numRows });
}

function hasField(fields: readonly FileField[], id: number): boolean {
  return fields.some((field) => field.id === id || hasField(field.children, id));
}

function lacksColumn(file: DataFile, { name }: NeededColumn): AppError {
  return corruptData(
    "delete_file_malformed",
    `Cannot read delete file "${displayPath(file.filePath)}": it lacks the column "${name}", ` +
      "by which it deletes",
    { context: { location: file.filePath } },
  );
}

/** Refuses columns that the specification does not let equality deletes compare. */
export function checkEqualityColumn(column: NeededColumn | null, file: DataFile): NeededColumn {
  if (column !== null && canMakeKeys(column.type)) return column;
  throw new AppError(
    "unsupported",
    "equality_delete_unsupported",
    `Cannot apply delete file "${displayPath(file.filePath)}": it compares ` +
      (column === null
        ? "a column that no schema of the table has"
        : `column "${column.name}" of type ${column.type.kind}`),
    { context: { location: file.filePath } },
  );
}
