/**
 * Looks at the table after every step that may have changed it, past all that races, and holds it
 * against the oracle and against the specification.
 */
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import type { FileIo, LoadedTable } from "../../lib/iceberg/ports.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { reachableFiles } from "../../lib/iceberg/reachability/reachable_files.ts";
import { applyTransform } from "../../lib/iceberg/spec/apply_transform.ts";
import type { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import { currentSchema, type TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import type { Oracle, RowSet } from "./_oracle.ts";
import { type ReadFile, readingOnce, type ReadRow, readSnapshot } from "./_reader.ts";
import { expectedText } from "./_rows.ts";

/** A table that is not what it must be. */
export class RaceFailure extends Error {
  override readonly name = "RaceFailure";
}

/** Parts of a {@linkcode Witness}. */
export interface WitnessOptions {
  readonly store: TableStore;
  readonly io: FileIo;
  readonly oracle: Oracle;
}

interface Lineage {
  readonly rowId: bigint | null;
  readonly lastUpdated: bigint | null;
}

/** What types can be promoted to each other. */
const FAMILIES: Readonly<Record<string, string>> = {
  int: "whole",
  long: "whole",
  float: "fraction",
  double: "fraction",
};

/** Rows named in a failure. */
const SHOWN_ROWS = 8;

/** See the module comment. */
export class Witness {
  readonly #options: WitnessOptions;
  readonly #cache = new Map<string, readonly ReadRow[]>();
  /** Snapshots that were compared, by the schema they were read with. */
  readonly #compared = new Set<string>();
  readonly #lineage = new Map<bigint, ReadonlyMap<number, Lineage>>();
  readonly #fields = new Map<number, string>();
  readonly #marks = new Set<string>();
  #failure: unknown = null;
  #io: FileIo | null = null;
  #last: LoadedTable | null = null;
  #live: ReadonlySet<string> = new Set();
  #versions = 0;
  #rowIdsEnd = 0n;
  #snapshots = 0;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** The table as it was seen last. */
  get table(): LoadedTable {
    if (this.#last === null) throw new TypeError("The witness has not looked yet");
    return this.#last;
  }

  /** Versions of the table that were seen. */
  get versions(): number {
    return this.#versions;
  }

  /** Snapshots whose rows were compared. */
  get snapshots(): number {
    return this.#snapshots;
  }

  /** Names of every property, column and ref that any version had. */
  get marks(): ReadonlySet<string> {
    return this.#marks;
  }

  /** Files that the table uses, metadata files included. */
  get live(): ReadonlySet<string> {
    return this.#live;
  }

  /**
   * Looks at the table after a step of `writer`; what is wrong with it is a {@linkcode RaceFailure}.
   */
  async look(writer: string): Promise<void> {
    // Whoever was told first may have taken it for a failure of the commit.
    if (this.#failure !== null) throw this.#failure;
    try {
      await this.#lookOnce(writer);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async #lookOnce(writer: string): Promise<void> {
    const { store } = this.#options;
    const table = await store.load();
    const last = this.#last;
    if (last !== null && table.metadataLocation === last.metadataLocation) return;
    this.#versions++;
    this.#checkHistory(table.metadata, last?.metadata ?? null);
    if (last !== null) checkSuccession(last.metadata, table.metadata, writer);
    this.#io ??= readingOnce(this.#options.io, table);
    for (const snapshot of this.#inOrder(table.metadata)) {
      const rows = this.#options.oracle.see(snapshot);
      await this.#compare(snapshot, table.metadata, rows);
    }
    await this.#lookAtFiles(table);
    this.#last = table;
  }

  /** Nothing that the table uses may be deleted. */
  checkDeletion(location: string, writer: string): void {
    if (!this.#live.has(plain(location))) return;
    throw new RaceFailure(`${writer} deletes ${location}, which the table uses`);
  }

  /** Parents before children. */
  #inOrder({ snapshots }: TableMetadata): readonly Snapshot[] {
    return [...snapshots].sort((a, b) => Number(a.sequenceNumber - b.sequenceNumber));
  }

  async #compare(snapshot: Snapshot, metadata: TableMetadata, expected: RowSet): Promise<void> {
    const schema = currentSchema(metadata);
    const key = `${snapshot.snapshotId} ${schema.schemaId}`;
    if (this.#compared.has(key)) return;
    this.#compared.add(key);
    this.#snapshots++;
    const io = this.#io ?? this.#options.io;
    const files = await readSnapshot(snapshot, { io, metadata, cache: this.#cache });
    const paths = files.map(({ task }) => task.dataFile.filePath);
    const twice = paths.find((path, at) => paths.indexOf(path) !== at);
    const { snapshotId } = snapshot;
    if (twice !== undefined) throw new RaceFailure(`Snapshot ${snapshotId} has ${twice} twice`);
    for (const file of files) checkPartition(file, schema);
    const rows = files.flatMap((file) => file.rows);
    const problem = differenceOf(rows, expected, schema.fields);
    if (problem !== null) throw new RaceFailure(`Snapshot ${snapshotId} ${problem}`);
    await this.#checkDeleteFiles(snapshot, metadata);
    // Snapshots from before an upgrade give rows no ids.
    if (snapshot.firstRowId !== null) this.#checkLineage(snapshot, rows);
  }

  /** A delete file, or vector, is live at most once; a data file has at most one vector. */
  async #checkDeleteFiles(snapshot: Snapshot, metadata: TableMetadata): Promise<void> {
    const source = manifestSource(this.#io ?? this.#options.io, metadata);
    const seen = new Set<string>();
    for (const manifest of await source.manifestsOf(snapshot, {})) {
      for (const { dataFile, status } of await source.entriesOf(manifest, {})) {
        if (status === "deleted") continue;
        const { filePath, contentOffset, fileFormat, referencedDataFile } = dataFile;
        const keys = [`${filePath}@${contentOffset}`];
        if (fileFormat === "puffin") keys.push(`the vector of ${referencedDataFile}`);
        for (const key of keys) {
          if (seen.has(key)) {
            throw new RaceFailure(`Snapshot ${snapshot.snapshotId} has ${key} twice`);
          }
          seen.add(key);
        }
      }
    }
  }

  /** A row keeps its id, and the time it was changed, for as long as nobody writes it anew. */
  #checkLineage({ snapshotId, parentSnapshotId }: Snapshot, rows: readonly ReadRow[]): void {
    const before = parentSnapshotId === null ? undefined : this.#lineage.get(parentSnapshotId);
    const now = new Map<number, Lineage>();
    const taken = new Map<bigint, number>();
    for (const { uid, rowId, lastUpdated } of rows) {
      if (rowId === null) throw new RaceFailure(`Row ${uid} of snapshot ${snapshotId} has no id`);
      const other = taken.get(rowId);
      if (other !== undefined) throw new RaceFailure(`Rows ${uid} and ${other} have id ${rowId}`);
      taken.set(rowId, uid);
      now.set(uid, { rowId, lastUpdated });
      const then = before?.get(uid);
      if (then === undefined || !this.#options.oracle.keepsIdOf(snapshotId, uid)) continue;
      if (then.rowId !== rowId || then.lastUpdated !== lastUpdated) {
        throw new RaceFailure(
          `Row ${uid} of snapshot ${snapshotId} was ${then.rowId} of ${then.lastUpdated} and is ` +
            `${rowId} of ${lastUpdated}`,
        );
      }
    }
    this.#lineage.set(snapshotId, now);
  }

  #checkHistory(metadata: TableMetadata, last: TableMetadata | null): void {
    this.#takeNote(metadata);
    const numbers = metadata.snapshots.map(({ sequenceNumber }) => sequenceNumber);
    if (new Set(numbers).size !== numbers.length) {
      throw new RaceFailure("Two snapshots have one sequence number");
    }
    if (numbers.some((number) => number > metadata.lastSequenceNumber)) {
      throw new RaceFailure("A snapshot's sequence number is beyond the table's last");
    }
    if (last === null) return;
    const falls = (key: "lastSequenceNumber" | "lastColumnId" | "lastUpdatedMs") =>
      metadata[key] < last[key] ? [key] : [];
    const fallen = [
      ...falls("lastSequenceNumber"),
      ...falls("lastColumnId"),
      ...falls("lastUpdatedMs"),
    ];
    if (fallen.length > 0) throw new RaceFailure(`The table's ${fallen.join(", ")} went down`);
    const known = new Set(last.snapshots.map(({ snapshotId }) => snapshotId));
    for (const snapshot of metadata.snapshots) {
      if (known.has(snapshot.snapshotId)) continue;
      if (snapshot.sequenceNumber <= last.lastSequenceNumber) {
        throw new RaceFailure(`Snapshot ${snapshot.snapshotId} has an old sequence number`);
      }
      this.#checkRowIds(snapshot, metadata);
    }
  }

  /** Ids are given out once: the ranges of two snapshots do not meet. */
  #checkRowIds({ snapshotId, firstRowId, addedRows }: Snapshot, metadata: TableMetadata): void {
    if (metadata.formatVersion < 3) return;
    const first = firstRowId ?? -1n;
    const end = first + (addedRows ?? 0n);
    if (first < this.#rowIdsEnd || (metadata.nextRowId ?? -1n) < end) {
      throw new RaceFailure(`Snapshot ${snapshotId} gives out row ids from ${first}, again`);
    }
    this.#rowIdsEnd = end;
  }

  #takeNote({ properties, schemas, refs }: TableMetadata): void {
    for (const name of [...Object.keys(properties), ...refs.keys()]) this.#marks.add(name);
    for (const { id, name, type } of schemas.flatMap((schema) => schema.fields)) {
      this.#marks.add(name);
      // Promotions stay within whole numbers, or within fractions.
      const family = FAMILIES[type.kind] ?? type.kind;
      const known = this.#fields.get(id);
      if (known !== undefined && known !== family) {
        throw new RaceFailure(`Field id ${id} was ${known} and is ${family}`);
      }
      this.#fields.set(id, family);
    }
  }

  /** Everything that the table uses is there. */
  async #lookAtFiles({ metadata, metadataLocation }: LoadedTable): Promise<void> {
    const { io, store } = this.#options;
    const files = reachableFiles({ io: this.#io ?? io, metadata });
    const live = new Set<string>();
    for await (const { location } of files) live.add(plain(location));
    const there = new Set<string>();
    for await (const { location } of io.listRecursive(metadata.location)) {
      there.add(plain(location));
    }
    if (store.keepsMetadataFiles !== true) live.add(plain(metadataLocation));
    const missing = [...live].filter((location) => !there.has(location));
    if (missing.length > 0) throw new RaceFailure(`The table lacks ${missing.join(", ")}`);
    this.#live = live;
  }
}

/** Every row lies in the partition that its file names: a filter would not find it elsewhere. */
function checkPartition({ task: { dataFile, spec }, rows }: ReadFile, schema: Schema): void {
  for (const [at, { sourceIds, transform, name }] of spec.fields.entries()) {
    const column = schema.fields.findIndex(({ id }) => id === sourceIds[0]);
    const type = schema.fields[column]?.type;
    if (type === undefined) continue;
    for (const { uid, values } of rows) {
      const value = applyTransform(transform, type, values[column] ?? null);
      if (value === dataFile.partition[at]) continue;
      throw new RaceFailure(
        `Row ${uid} is of ${name} ${value}, and its file of ${dataFile.partition[at]}`,
      );
    }
  }
}

/** What was there stays there: only expiry lets go of anything, and only a rollback goes back. */
function checkSuccession(last: TableMetadata, now: TableMetadata, writer: string): void {
  const lacks = <T>(what: string, list: (metadata: TableMetadata) => readonly T[]) => {
    const there = new Set(list(now));
    const gone = list(last).filter((one) => !there.has(one));
    return gone.length === 0 ? [] : [`${what} ${gone.join(", ")}`];
  };
  const gone = [
    ...lacks("properties", ({ properties }) => Object.keys(properties)),
    ...(writer.startsWith("expirer") ? [] : [
      ...lacks("snapshots", ({ snapshots }) => snapshots.map(({ snapshotId }) => snapshotId)),
      ...lacks("schemas", ({ schemas }) => schemas.map(({ schemaId }) => schemaId)),
      ...lacks("refs", ({ refs }) => [...refs.keys()]),
    ]),
  ];
  if (gone.length > 0) throw new RaceFailure(`The commit of ${writer} drops ${gone.join("; ")}`);
  if (writer.startsWith("roll-backer")) return;
  for (const { name, snapshotId } of last.refs.values()) {
    const head = now.refs.get(name)?.snapshotId ?? snapshotId;
    const parent = now.snapshots.find((one) => one.snapshotId === head)?.parentSnapshotId;
    if (head === snapshotId || parent === snapshotId) continue;
    throw new RaceFailure(`The commit of ${writer} moves ${name} from ${snapshotId} to ${head}`);
  }
}

/** Locations with and without their scheme name one file. */
export function plain(location: string): string {
  return location.replace(/^file:(?:\/\/)?(?=\/)/, "");
}

function differenceOf(
  rows: readonly ReadRow[],
  expected: RowSet,
  fields: Parameters<typeof expectedText>[1],
): string | null {
  const found = new Map<number, number>();
  const odd: string[] = [];
  for (const { uid, text } of rows) {
    found.set(uid, (found.get(uid) ?? 0) + 1);
    const row = expected.get(uid);
    if (row !== undefined && text !== expectedText(row, fields)) {
      odd.push(`${text} instead of ${expectedText(row, fields)}`);
    }
  }
  const uids = [...found.keys()];
  const groups = {
    "lost rows": [...expected.keys()].filter((uid) => !found.has(uid)),
    "shows rows again that were deleted, or never came": uids.filter((uid) => !expected.has(uid)),
    "shows rows twice": uids.filter((uid) => (found.get(uid) ?? 0) > 1),
    "shows rows changed": odd,
  };
  const told = Object.entries(groups).filter(([, list]) => list.length > 0)
    .map(([what, list]) => `${what}: ${list.slice(0, SHOWN_ROWS).join(", ")} (${list.length})`);
  return told.length === 0 ? null : told.join("; ");
}
