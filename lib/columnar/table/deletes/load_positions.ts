/** Reads position delete files (spec "Position Delete Files") and deletion vectors. */
import type { Data } from "apache-arrow";
import { type AppError, corruptData, displayPath } from "../../../errors.ts";
import { bind } from "../../../iceberg/expression/bind.ts";
import { eq } from "../../../iceberg/expression/expression.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { readDeletionVector } from "../../../iceberg/puffin/read_deletion_vector.ts";
import { DELETE_FILE_PATH_ID } from "../../../iceberg/scan/delete_index.ts";
import { NameMapping } from "../../../iceberg/spec/name_mapping.ts";
import { Schema } from "../../../iceberg/spec/schema.ts";
import type { NestedField, PrimitiveType } from "../../../iceberg/spec/types.ts";
import { bytesReader } from "../../arrow/value_reader.ts";
import type { ProjectedFile } from "../project_batch.ts";
import { readProjected } from "../read_projected.ts";
import { openRowSource } from "../row_source.ts";
import { type DeletedPositions, sortedPositions, vectorPositions } from "./deleted_positions.ts";

/** Field id of `pos` in position delete files (spec: "Reserved Field IDs"). */
export const DELETE_FILE_POS_ID = 2147483545;

/** The columns of a position delete file; a third one, the deleted row, is not read. */
export const POSITION_DELETE_FIELDS: readonly NestedField[] = [
  requiredField(DELETE_FILE_PATH_ID, "file_path", { kind: "string" }),
  requiredField(DELETE_FILE_POS_ID, "pos", { kind: "long" }),
];

const SCHEMA = new Schema({
  schemaId: 0,
  fields: POSITION_DELETE_FIELDS,
  identifierFieldIds: [],
});

/** Some writers leave the ids out; the names are fixed by the specification. */
const NAME_MAPPING = new NameMapping(
  POSITION_DELETE_FIELDS.map(({ id, name }) => ({ fieldId: id, names: [name], fields: [] })),
);

/** Options of {@linkcode loadPositionDeletes}. */
export interface LoadPositionsOptions {
  /** Read only the deletes of this data file; those of all by default. */
  readonly onlyPath?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Deleted positions by the path of the data file, from a position delete file. */
export async function loadPositionDeletes(
  io: FileIo,
  file: DataFile,
  options: LoadPositionsOptions = {},
): Promise<ReadonlyMap<string, DeletedPositions>> {
  const { onlyPath, signal } = options;
  const source = await openRowSource(io, file, { signal });
  const collected = new Map<string, number[]>();
  const prune = onlyPath === undefined
    ? undefined
    : { filter: bind(eq("file_path", onlyPath), SCHEMA), schema: SCHEMA };
  const rows = readProjected(source, POSITION_DELETE_FIELDS, {
    nameMapping: NAME_MAPPING,
    file: deleteFileOf(file),
    read: { prune, signal },
  });
  for await (const { batch } of rows) {
    const [paths, positions] = batch.data.children;
    if (paths === undefined || positions === undefined) {
      throw new TypeError("Projection lost columns");
    }
    collect(collected, { paths, positions: positions.values, file, onlyPath });
  }
  return new Map(
    [...collected].map(([path, positions]) => [path, sortedPositions(sorted(positions))]),
  );
}

/** Reads the vector that a delete file in a Puffin file describes. */
export async function loadDeletionVector(
  io: FileIo,
  file: DataFile,
  options: Pick<LoadPositionsOptions, "signal"> = {},
): Promise<DeletedPositions> {
  const { contentOffset, contentSizeInBytes, filePath } = file;
  if (contentOffset === null || contentSizeInBytes === null) {
    throw malformed(file, "its manifest does not say where its deletion vector lies");
  }
  const { signal } = options;
  const bytes = await io.read(filePath, {
    range: { offset: contentOffset, length: contentSizeInBytes },
    ...(signal === undefined ? {} : { signal }),
  });
  const vector = readDeletionVector(bytes, { location: filePath });
  if (vector.cardinality !== file.recordCount) {
    throw malformed(
      file,
      `its deletion vector deletes ${vector.cardinality} rows, its manifest says ${file.recordCount}`,
    );
  }
  return vectorPositions(vector);
}

/** What projection needs to know of a delete file: it has no constants and no lineage. */
export function deleteFileOf(file: DataFile): ProjectedFile {
  return { location: file.filePath, constants: new Map(), firstRowId: null, sequenceNumber: 0n };
}

interface Collecting {
  readonly paths: Data;
  readonly positions: BigInt64Array;
  readonly file: DataFile;
  readonly onlyPath: string | undefined;
}

/** Files are sorted by path: a path is decoded where it differs from the row before. */
function collect(collected: Map<string, number[]>, rows: Collecting): void {
  const { paths, positions, file, onlyPath } = rows;
  const pathAt = bytesReader(paths);
  let bytes: Uint8Array | null = null;
  let own: number[] | null = null;
  for (let row = 0; row < paths.length; row++) {
    const next = pathAt(row);
    if (bytes === null || !sameBytes(bytes, next)) {
      bytes = next;
      const path = decodePath(next, file);
      own = onlyPath === undefined || path === onlyPath ? collected.get(path) ?? [] : null;
      if (own !== null) collected.set(path, own);
    }
    const position = Number(positions[row]);
    if (!(position >= 0 && Number.isSafeInteger(position))) {
      throw malformed(file, `it deletes the position ${positions[row]}`);
    }
    own?.push(position);
  }
}

function sorted(positions: readonly number[]): Uint32Array | Float64Array {
  const highest = positions.reduce((most, position) => Math.max(most, position), 0);
  const packed = highest < 2 ** 32 ? Uint32Array.from(positions) : Float64Array.from(positions);
  const isSorted = packed.every((position, at) => at === 0 || packed[at - 1]! <= position);
  return isSorted ? packed : packed.sort();
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = a.length - 1; at >= 0; at--) if (a[at] !== b[at]) return false;
  return true;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodePath(bytes: Uint8Array, file: DataFile): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw malformed(file, "a path in it is not valid UTF-8", cause);
  }
}

function requiredField(id: number, name: string, type: PrimitiveType): NestedField {
  return {
    id,
    name,
    required: true,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

function malformed(file: DataFile, detail: string, cause?: unknown): AppError {
  return corruptData(
    "delete_file_malformed",
    `Cannot read delete file "${displayPath(file.filePath)}": ${detail}`,
    { context: { location: file.filePath }, cause },
  );
}
