/**
 * What has come into a branch, and gone from it, since an operation looked at it.
 *
 * Answers come from the state of the branch's head, not from walking its history: sequence numbers
 * tell new files from old ones whatever the snapshots between did, and whether they have expired.
 * That the starting snapshot lies behind the head is checked first: after a rollback the operation
 * has seen rows and deletes that the branch no longer has.
 */
import { AppError } from "../../../errors.ts";
import { mapConcurrently } from "../../../concurrency.ts";
import type { ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { type DataFileColumn, NO_DATA_FILE_COLUMNS } from "../../manifest/read_manifest.ts";
import { ancestorsOf } from "../../scan/ancestors_of.ts";
import type { DeleteFile } from "../../scan/delete_index.ts";
import { DEFAULT_MANIFEST_CONCURRENCY } from "../../scan/manifest_source.ts";
import { type Snapshot, snapshotOperation } from "../../spec/snapshot.ts";
import { snapshotById } from "../../spec/table_metadata.ts";
import { isLive } from "./_manifest_filter.ts";
import type { SnapshotWork } from "./snapshot_producer.ts";

/** What decides whether a file may match a filter. */
export const METRIC_COLUMNS: ReadonlySet<DataFileColumn> = new Set([
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
]);

/** Which manifests and entries a question is about. */
export interface EntryQuestion {
  readonly mayHold: (manifest: ManifestFile) => boolean;
  readonly asksFor: (entry: ManifestEntry) => boolean;
  readonly columns?: ReadonlySet<DataFileColumn>;
}

/** The branch since a snapshot. */
export class Since {
  readonly #work: SnapshotWork;
  /** Null: since the branch was empty. */
  readonly #start: Snapshot | null;
  /** v1, which has no sequence numbers: snapshots after the starting one. */
  readonly #newSnapshots: ReadonlySet<bigint>;

  /** `conflict`, code `starting_snapshot_lost`, where the snapshot is not behind the head. */
  constructor(work: SnapshotWork, startingSnapshotId: bigint | null) {
    this.#work = work;
    this.#newSnapshots = snapshotsAfter(work, startingSnapshotId);
    this.#start = startingSnapshotId === null
      ? null
      : snapshotById(work.metadata, startingSnapshotId) ?? null;
  }

  /** Whether nothing has happened since. */
  get isUnchanged(): boolean {
    return this.#start?.snapshotId === this.#work.parent?.snapshotId;
  }

  /** Sequence number of the starting snapshot; -1 since the branch was empty. */
  get sequenceNumber(): bigint {
    return this.#start?.sequenceNumber ?? -1n;
  }

  /** Whether a live file was added after the starting snapshot, by whatever operation. */
  isNew(entry: ManifestEntry): boolean {
    if (this.#work.metadata.formatVersion === 1) {
      return entry.snapshotId === null || this.#newSnapshots.has(entry.snapshotId);
    }
    return (entry.fileSequenceNumber ?? entry.sequenceNumber ?? 0n) > this.sequenceNumber;
  }

  /**
   * Live delete files that were not there yet. A delete file that a later `replace` wrote with an
   * older data sequence number says what others said before it.
   */
  async newDeletes(): Promise<readonly DeleteFile[]> {
    if (this.isUnchanged) return [];
    const entries = await this.#read(this.#newManifests("deletes"), {
      mayHold: () => true,
      asksFor: (entry) => this.#addsContent(entry),
      columns: METRIC_COLUMNS,
    });
    return entries.map(({ dataFile, sequenceNumber }) => ({
      dataFile,
      sequenceNumber: sequenceNumber ?? 0n,
    }));
  }

  /** Live data files with rows that were not there yet; compaction brings none. */
  async newData(question: EntryQuestion): Promise<readonly ManifestEntry[]> {
    if (this.isUnchanged) return [];
    return await this.#read(this.#newManifests("data"), {
      ...question,
      asksFor: (entry) => this.#addsContent(entry) && question.asksFor(entry),
    });
  }

  /**
   * Data files that the starting snapshot had and the head has no more. Only manifests that the two
   * do not share are read.
   */
  async removedData(question: EntryQuestion): Promise<readonly ManifestEntry[]> {
    const { attempt, manifests } = this.#work;
    if (this.isUnchanged || this.#start === null) return [];
    const { signal } = attempt;
    const read = signal === undefined ? {} : { signal };
    const before = await attempt.manifests.manifestsOf(this.#start, read);
    const now = new Set(manifests.map((manifest) => manifest.manifestPath));
    const then = new Set(before.map((manifest) => manifest.manifestPath));
    const gone = before.filter((one) => one.content === "data" && !now.has(one.manifestPath));
    const candidates = await this.#read(gone, question);
    if (candidates.length === 0) return [];
    const wanted = new Set(candidates.map((entry) => entry.dataFile.filePath));
    const moved = await this.#read(
      manifests.filter((one) => one.content === "data" && !then.has(one.manifestPath)),
      {
        mayHold: question.mayHold,
        asksFor: (entry) => wanted.has(entry.dataFile.filePath),
        columns: NO_DATA_FILE_COLUMNS,
      },
    );
    const there = new Set(moved.map((entry) => entry.dataFile.filePath));
    return candidates.filter((entry) => !there.has(entry.dataFile.filePath));
  }

  #addsContent(entry: ManifestEntry): boolean {
    if ((entry.sequenceNumber ?? 0n) > this.sequenceNumber) return true;
    if (!this.isNew(entry)) return false;
    const by = entry.snapshotId === null
      ? undefined
      : snapshotById(this.#work.metadata, entry.snapshotId);
    return by === undefined || snapshotOperation(by) !== "replace";
  }

  /** Manifests that may list a new file: a manifest is never older than what is in it. */
  #newManifests(content: ManifestFile["content"]): readonly ManifestFile[] {
    const { metadata, manifests } = this.#work;
    return manifests.filter((manifest) =>
      manifest.content === content &&
      (metadata.formatVersion === 1 || manifest.sequenceNumber > this.sequenceNumber)
    );
  }

  async #read(
    manifests: readonly ManifestFile[],
    question: EntryQuestion,
  ): Promise<readonly ManifestEntry[]> {
    const { manifests: source, signal } = this.#work.attempt;
    const { columns = METRIC_COLUMNS } = question;
    const chosen = manifests.filter((manifest) => isLive(manifest) && question.mayHold(manifest));
    const found = await mapConcurrently(chosen, async (manifest) => {
      const read = { columns, ...(signal === undefined ? {} : { signal }) };
      const entries = await source.entriesOf(manifest, read);
      return entries.filter((entry) => entry.status !== "deleted" && question.asksFor(entry));
    }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
    return found.flat();
  }
}

function snapshotsAfter(
  { metadata, parent }: SnapshotWork,
  startingSnapshotId: bigint | null,
): ReadonlySet<bigint> {
  const after = new Set<bigint>();
  if (parent !== null) {
    for (const { snapshotId } of ancestorsOf(metadata, parent.snapshotId)) {
      if (snapshotId === startingSnapshotId) return after;
      after.add(snapshotId);
    }
  }
  if (startingSnapshotId === null) return after;
  throw new AppError(
    "conflict",
    "starting_snapshot_lost",
    `Cannot build on snapshot ${startingSnapshotId}: it is not, or no longer known to be, behind ` +
      "the branch's head; plan anew from the head",
  );
}
