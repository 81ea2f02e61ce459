/**
 * Which delete files apply to a data file (spec: "Scan Planning", scope rules).
 *
 * - A deletion vector applies to the one data file it names, and replaces all position deletes.
 * - Position deletes apply to data files of the same or an older commit, in the same partition or,
 *   where the file speaks of one path only, to that path.
 * - Equality deletes apply to strictly older data files, in the same partition or, written with an
 *   unpartitioned spec, everywhere.
 */
import { type AppError, corruptData, displayPath } from "../../errors.ts";
import type { BoundReference } from "../expression/bound.ts";
import { referenceTo } from "../expression/reference_to.ts";
import type { DataFile } from "../manifest/data_file.ts";
import { isUnpartitioned } from "../spec/partition_spec.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { decodeValue } from "../spec/values.ts";
import { EqualityGroup } from "./_equality_group.ts";
import { partitionKey } from "../spec/partition_key.ts";
import { bySequence, type DeleteFile, firstAfter } from "./_sequence.ts";

export type { DeleteFile };

/** Field id of `file_path` in position delete files (spec: "Reserved Field IDs"). */
export const DELETE_FILE_PATH_ID = 2147483546;

/** Lists of position deletes that a partition keeps for its next file. */
const MAX_SHARED_LISTS = 16;

/** What a delete index needs of a table. */
export type DeleteIndexTable = Pick<
  TableMetadata,
  "partitionSpecs" | "schemas" | "currentSchemaId"
>;

/** The one data file that a position delete file or deletion vector speaks of; null for several. */
export function referencedDataFile(file: DataFile): string | null {
  if (file.content !== "position_deletes") return null;
  if (file.referencedDataFile !== null) return file.referencedDataFile;
  const lower = file.lowerBounds?.get(DELETE_FILE_PATH_ID);
  const upper = file.upperBounds?.get(DELETE_FILE_PATH_ID);
  if (lower === undefined || upper === undefined || !sameBytes(lower, upper)) return null;
  const path = decodeValue({ kind: "string" }, lower);
  return typeof path === "string" ? path : null;
}

/** Whether a delete file is a deletion vector: a blob of a Puffin file. */
export function isDeletionVector(file: DataFile): boolean {
  return file.content === "position_deletes" && file.fileFormat === "puffin";
}

/** Delete files of a snapshot, ready to be asked by data file. */
export class DeleteIndex {
  /** Files indexed. */
  readonly size: number;
  readonly hasEqualityDeletes: boolean;
  readonly #vectors = new Map<string, DeleteFile>();
  readonly #byPath: ReadonlyMap<string, PositionGroup>;
  readonly #byPartition: ReadonlyMap<string, PositionGroup>;
  readonly #globalEquality: readonly EqualityGroup[];
  readonly #partitionEquality: ReadonlyMap<string, readonly EqualityGroup[]>;
  readonly #newestGlobalEquality: bigint | undefined;
  /** By partition. */
  readonly #newestEquality: ReadonlyMap<string, bigint | undefined>;
  readonly #tupleKeys = new WeakMap<DataFile["partition"], Map<number, string>>();

  /** Throws `corrupt_data` where the files contradict the specification. */
  constructor(table: DeleteIndexTable, deletes: Iterable<DeleteFile>) {
    const unpartitioned = new Set(
      table.partitionSpecs.filter(isUnpartitioned).map((spec) => spec.specId),
    );
    const byPath = new Map<string, DeleteFile[]>();
    const byPartition = new Map<string, DeleteFile[]>();
    const globalEquality: DeleteFile[] = [];
    const partitionEquality = new Map<string, DeleteFile[]>();
    let size = 0;
    for (const file of deletes) {
      size++;
      const { dataFile } = file;
      if (dataFile.content === "data") throw notADelete(dataFile);
      if (dataFile.content === "equality_deletes") {
        if (unpartitioned.has(dataFile.specId)) globalEquality.push(file);
        else append(partitionEquality, this.#keyOf(dataFile), file);
        continue;
      }
      const path = referencedDataFile(dataFile);
      if (isDeletionVector(dataFile)) this.#addVector(path, file);
      else if (path !== null) append(byPath, path, file);
      else append(byPartition, this.#keyOf(dataFile), file);
    }
    const columnsOf = equalityColumns(table);
    this.size = size;
    this.hasEqualityDeletes = globalEquality.length + partitionEquality.size > 0;
    this.#byPath = mapValues(byPath, (files) => new PositionGroup(files));
    this.#byPartition = mapValues(byPartition, (files) => new PositionGroup(files));
    this.#globalEquality = groupByColumns(globalEquality, columnsOf);
    this.#newestGlobalEquality = newestOf(globalEquality);
    this.#newestEquality = mapValues(partitionEquality, newestOf);
    this.#partitionEquality = mapValues(
      partitionEquality,
      (files) => groupByColumns(files, columnsOf),
    );
  }

  /** The deletes that apply to a data file with this data sequence number. */
  forFile(dataFile: DataFile, sequenceNumber: bigint): readonly DeleteFile[] {
    if (this.size === 0) return [];
    const key = this.#keyOf(dataFile);
    const found = this.#equalityDeletes(dataFile, sequenceNumber, key);
    const vector = this.#vectors.get(dataFile.filePath);
    if (vector !== undefined) {
      this.#checkScope(vector, dataFile);
      if (vector.sequenceNumber < sequenceNumber) throw vectorTooOld(vector, dataFile);
      return [...found, vector];
    }
    const inPartition = this.#byPartition.get(key)?.since(sequenceNumber) ?? [];
    const onPath = this.#byPath.get(dataFile.filePath)?.since(sequenceNumber) ?? [];
    for (const file of onPath) this.#checkScope(file, dataFile);
    // Most files have deletes of one kind only: those lists are shared, not copied.
    if (found.length === 0 && onPath.length === 0) return inPartition;
    if (found.length === 0 && inPartition.length === 0) return onPath;
    return [...found, ...inPartition, ...onPath];
  }

  /**
   * Whether {@linkcode DeleteIndex.forFile} would find any, without listing them: there may be as
   * many deletes as data files. Errs on the side of deletes where bounds would rule out a key.
   */
  appliesTo(dataFile: DataFile, sequenceNumber: bigint): boolean {
    if (this.size === 0) return false;
    const key = this.#keyOf(dataFile);
    const vector = this.#vectors.get(dataFile.filePath);
    if (vector !== undefined) {
      this.#checkScope(vector, dataFile);
      if (vector.sequenceNumber < sequenceNumber) throw vectorTooOld(vector, dataFile);
      return true;
    }
    const isNewer = (newest: bigint | undefined) => newest !== undefined && newest > sequenceNumber;
    return isNewer(this.#newestGlobalEquality) || isNewer(this.#newestEquality.get(key)) ||
      (this.#byPartition.get(key)?.hasSince(sequenceNumber) ?? false) ||
      (this.#byPath.get(dataFile.filePath)?.hasSince(sequenceNumber) ?? false);
  }

  /** By sequence number. */
  #equalityDeletes(
    dataFile: DataFile,
    sequenceNumber: bigint,
    key: string,
  ): readonly DeleteFile[] {
    if (!this.hasEqualityDeletes) return [];
    const groups = [...this.#globalEquality, ...this.#partitionEquality.get(key) ?? []];
    const found: DeleteFile[] = [];
    for (const group of groups) group.collect(dataFile, sequenceNumber, found);
    return groups.length > 1 ? bySequence(found) : found;
  }

  #addVector(path: string | null, file: DeleteFile): void {
    if (path === null) {
      throw corruptData(
        "deletion_vector_malformed",
        `Cannot apply the deletion vector in "${displayPath(file.dataFile.filePath)}": it names ` +
          "no data file",
      );
    }
    if (this.#vectors.has(path)) {
      throw corruptData(
        "deletion_vector_duplicate",
        `Cannot apply deletion vectors to "${displayPath(path)}": there are two of them`,
        { context: { path } },
      );
    }
    this.#vectors.set(path, file);
  }

  /** A delete that names a file of another partition would silently not apply. */
  #checkScope(file: DeleteFile, dataFile: DataFile): void {
    if (this.#keyOf(file.dataFile) === this.#keyOf(dataFile)) return;
    throw corruptData(
      "delete_partition_mismatch",
      `Cannot apply "${displayPath(file.dataFile.filePath)}" to ` +
        `"${displayPath(dataFile.filePath)}": their partitions differ`,
      { context: { deleteFile: file.dataFile.filePath, dataFile: dataFile.filePath } },
    );
  }

  /** Readers share one tuple among the files of a partition, so most keys are made once. */
  #keyOf(file: DataFile): string {
    let bySpec = this.#tupleKeys.get(file.partition);
    if (bySpec === undefined) this.#tupleKeys.set(file.partition, bySpec = new Map());
    let key = bySpec.get(file.specId);
    if (key === undefined) {
      bySpec.set(file.specId, key = partitionKey(file.specId, file.partition));
    }
    return key;
  }
}

/** Position deletes of one scope, by sequence number. */
class PositionGroup {
  readonly #files: readonly DeleteFile[];
  readonly #sequenceNumbers: readonly bigint[];
  readonly #suffixes = new Map<number, readonly DeleteFile[]>();

  constructor(files: readonly DeleteFile[]) {
    this.#files = bySequence(files);
    this.#sequenceNumbers = this.#files.map((file) => file.sequenceNumber);
  }

  /** Whether there is one with this number or a greater one. */
  hasSince(sequenceNumber: bigint): boolean {
    return (this.#sequenceNumbers.at(-1) ?? -1n) >= sequenceNumber;
  }

  /** Those with this number or a greater one; neighbours in a scan mostly share a list. */
  since(sequenceNumber: bigint): readonly DeleteFile[] {
    const first = firstAfter(this.#sequenceNumbers, sequenceNumber - 1n);
    let suffix = this.#suffixes.get(first);
    if (suffix === undefined) {
      // Lists of every length would hold the square of the group's size.
      if (this.#suffixes.size === MAX_SHARED_LISTS) this.#suffixes.clear();
      this.#suffixes.set(first, suffix = this.#files.slice(first));
    }
    return suffix;
  }
}

type ColumnsOf = (file: DataFile) => readonly BoundReference[];

/**
 * Looks equality columns up in all schemas, the current one first: a delete may compare a column
 * that has been dropped since. A column that is in none is left out: nothing is known of it.
 */
function equalityColumns(table: DeleteIndexTable): ColumnsOf {
  const schemas = [...table.schemas].sort((a, b) =>
    Number(b.schemaId === table.currentSchemaId) - Number(a.schemaId === table.currentSchemaId)
  );
  return (file) =>
    (file.equalityIds ?? []).flatMap((id) => {
      for (const schema of schemas) {
        const reference = referenceTo(schema, id);
        if (reference !== null) return [reference];
      }
      return [];
    });
}

function groupByColumns(
  files: readonly DeleteFile[],
  columnsOf: ColumnsOf,
): readonly EqualityGroup[] {
  const groups = new Map<string, DeleteFile[]>();
  for (const file of files) {
    append(groups, (file.dataFile.equalityIds ?? []).toSorted((a, b) => a - b).join(), file);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [new EqualityGroup(columnsOf(first.dataFile), bySequence(group))];
  });
}

function newestOf(files: readonly DeleteFile[]): bigint | undefined {
  return files.reduce<bigint | undefined>(
    (newest, { sequenceNumber }) =>
      newest === undefined || sequenceNumber > newest ? sequenceNumber : newest,
    undefined,
  );
}

function append(map: Map<string, DeleteFile[]>, key: string, file: DeleteFile): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [file]);
  else list.push(file);
}

function mapValues<A, B>(
  map: ReadonlyMap<string, A>,
  convert: (value: A) => B,
): ReadonlyMap<string, B> {
  return new Map([...map].map(([key, value]) => [key, convert(value)]));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function notADelete(file: DataFile): AppError {
  return corruptData(
    "delete_manifest_malformed",
    `Cannot read the table's delete manifests: one tracks "${displayPath(file.filePath)}", which ` +
      "is a data file",
    { context: { location: file.filePath } },
  );
}

function vectorTooOld(vector: DeleteFile, dataFile: DataFile) {
  return corruptData(
    "deletion_vector_too_old",
    `Cannot apply the deletion vector of "${displayPath(dataFile.filePath)}": its sequence ` +
      `number ${vector.sequenceNumber} is less than that of the data file`,
  );
}
