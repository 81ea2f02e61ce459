/**
 * Makes one snapshot of a table's branch: the part that all snapshot-producing actions share.
 *
 * ```
 * apply ─► parent's manifests ─► produce() ─► manifest list ─► add-snapshot, set-snapshot-ref
 *   ▲                               │ manifests, written once and kept
 *   └── retry: only the list is new ┘
 * settle ─► removes manifests and lists that no snapshot names
 * ```
 *
 * The snapshot id stays the same over all attempts, because manifests name it; a table takes an id
 * once only, so that of two attempts at most one can ever have been committed.
 */
import { AppError } from "../../../errors.ts";
import { mapConcurrently } from "../../../concurrency.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { writeManifestList, type WrittenManifestList } from "../../manifest/write_manifest_list.ts";
import type { FileIo } from "../../ports.ts";
import type { Snapshot, SnapshotRef } from "../../spec/snapshot.ts";
import { currentSnapshot, snapshotById, type TableMetadata } from "../../spec/table_metadata.ts";
import {
  type ActionChange,
  type CommitAction,
  type CommitAttempt,
  type CommitOutcome,
  OPERATION_ID_PROPERTY,
} from "../commit_action.ts";
import type { TableRequirement } from "../table_requirement.ts";
import { describeManifests } from "./_describe_manifests.ts";
import { manifestListPath } from "./_file_names.ts";
import { manifestProperties } from "./_manifest_properties.ts";
import { ManifestWriter } from "./_manifest_writer.ts";
import {
  checkSnapshotProperties,
  type SnapshotOperation,
  type SnapshotSummaryBuilder,
} from "./snapshot_summary.ts";

/** The branch that readers see unless they ask for another. */
export const MAIN_BRANCH = "main";

/** Deletions of leftovers under way at once. */
const DELETE_CONCURRENCY = 8;

/** Options of every snapshot-producing action. */
export interface SnapshotOptions {
  /** The branch that gets the snapshot, `main` by default; a new one starts from `main`. */
  readonly branch?: string;
  /** Further properties of the snapshot's summary; the commit's own names are `invalid`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A {@linkcode CommitAction} that adds a snapshot. */
export interface SnapshotAction extends CommitAction {
  /** The snapshot of the latest attempt; null before the first, and where nothing is to change. */
  readonly snapshot: Snapshot | null;
}

/** What one attempt has to work with. */
export interface SnapshotWork {
  readonly attempt: CommitAttempt;
  readonly metadata: TableMetadata;
  readonly branch: string;
  /** The branch's head; null where there is none. */
  readonly parent: Snapshot | null;
  /** The parent's manifests, with all counts filled in. */
  readonly manifests: readonly ManifestFile[];
  /** Another one than before means: what was prepared for earlier attempts fits no more. */
  readonly writer: ManifestWriter;
}

/** A snapshot in the making. */
export interface ProducedSnapshot {
  readonly operation: SnapshotOperation;
  /** New manifests first, delete manifests after data manifests. */
  readonly manifests: readonly ManifestFile[];
  readonly summary: SnapshotSummaryBuilder;
}

/** What makes one kind of snapshot different from the others. */
export interface SnapshotKind {
  /** For logs and errors. */
  readonly name: string;
  /** The new manifests; null where nothing is to change. */
  produce(work: SnapshotWork): Promise<ProducedSnapshot | null>;
}

/** The action around a {@linkcode SnapshotKind}. */
export class SnapshotProducer implements SnapshotAction {
  readonly name: string;
  readonly #kind: SnapshotKind;
  readonly #options: SnapshotOptions;
  readonly #writers: ManifestWriter[] = [];
  /** Lists by location, with those of the own manifests that each names. */
  readonly #lists = new Map<string, readonly string[]>();
  #io: FileIo | null = null;
  #snapshot: Snapshot | null = null;

  constructor(kind: SnapshotKind, options: SnapshotOptions = {}) {
    checkSnapshotProperties(options.properties ?? {});
    this.name = kind.name;
    this.#kind = kind;
    this.#options = options;
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  async apply(attempt: CommitAttempt): Promise<ActionChange> {
    const { metadata, io } = attempt.table;
    const { branch = MAIN_BRANCH } = this.#options;
    const ref = branchRef(metadata, branch);
    const parent = headOf(metadata, ref);
    this.#io = io;
    const own = this.#committed(attempt);
    if (own !== null) {
      this.#snapshot = own;
      return { requirements: [], updates: [] };
    }
    const writer = this.#writerFor(attempt);
    const manifests = parent === null ? [] : await describeManifests(parent, attempt);
    const work = { attempt, metadata, branch, parent, manifests, writer };
    const produced = await this.#kind.produce(work);
    if (produced === null) {
      this.#snapshot = null;
      return { requirements: [], updates: [] };
    }
    const snapshot = this.#snapshot = await this.#writeSnapshot(produced, work);
    return {
      requirements: [requireHead(branch, ref)],
      updates: [
        { action: "add-snapshot", snapshot },
        { action: "set-snapshot-ref", ref: movedRef(branch, ref, snapshot) },
      ],
    };
  }

  async settle(outcome: CommitOutcome): Promise<void> {
    const io = this.#io;
    // Files that a commit of unknown outcome may have made part of the table are never deleted.
    if (outcome.kind === "unknown" || io === null) return;
    const used = new Set<string>();
    if (outcome.kind === "committed") {
      const committed = this.#snapshot === null
        ? undefined
        : snapshotById(outcome.table.metadata, this.#snapshot.snapshotId);
      const list = committed?.manifestList ?? null;
      const manifests = list === null ? undefined : this.#lists.get(list);
      // The snapshot has been expired already: nobody can tell which of its files others kept.
      if (this.#snapshot !== null && (list === null || manifests === undefined)) return;
      if (list !== null) used.add(list);
      for (const manifest of manifests ?? []) used.add(manifest);
    }
    const written = [
      ...this.#lists.keys(),
      ...this.#writers.flatMap((writer) => [...writer.locations]),
    ];
    await deleteAll(io, written.filter((location) => !used.has(location)));
  }

  /** The snapshot itself where an attempt whose reply was lost has gone through after all. */
  #committed(attempt: CommitAttempt): Snapshot | null {
    const { metadata } = attempt.table;
    for (const { snapshotId } of this.#writers) {
      const found = snapshotById(metadata, snapshotId);
      if (found?.summary[OPERATION_ID_PROPERTY] === attempt.operationId) return found;
    }
    return null;
  }

  #writerFor(attempt: CommitAttempt): ManifestWriter {
    const { metadata, io } = attempt.table;
    const last = this.#writers.at(-1);
    const isFree = (id: bigint) => snapshotById(metadata, id) === undefined;
    if (last !== undefined && isFree(last.snapshotId) && last.fits(metadata)) return last;
    const writer = new ManifestWriter({
      metadata,
      io,
      operationId: attempt.operationId,
      snapshotId: last !== undefined && isFree(last.snapshotId)
        ? last.snapshotId
        : attempt.newSnapshotId(),
      firstNumber: last?.nextNumber ?? 0,
    });
    this.#writers.push(writer);
    return writer;
  }

  async #writeSnapshot(produced: ProducedSnapshot, work: SnapshotWork): Promise<Snapshot> {
    const { attempt, metadata, parent, writer } = work;
    const { snapshotId, formatVersion } = writer;
    const { operationId } = attempt;
    const parentSnapshotId = parent?.snapshotId ?? null;
    const sequenceNumber = formatVersion === 1 ? 0n : metadata.lastSequenceNumber + 1n;
    const firstRowId = formatVersion === 3 ? metadata.nextRowId ?? 0n : null;
    const list = writeManifestList(produced.manifests, {
      formatVersion,
      snapshotId,
      parentSnapshotId,
      sequenceNumber,
      ...(firstRowId === null ? {} : { firstRowId }),
    });
    const manifestList = await this.#writeList(list, work);
    return {
      snapshotId,
      parentSnapshotId,
      sequenceNumber,
      // Clocks of writers differ; history that runs backwards would break reads as of a time.
      timestampMs: Math.max(attempt.nowMs, metadata.lastUpdatedMs),
      manifestList,
      manifests: null,
      summary: produced.summary.build({
        operation: produced.operation,
        parent,
        operationId,
        properties: this.#options.properties ?? {},
        partitionSummaryLimit: manifestProperties(metadata.properties).partitionSummaryLimit,
      }),
      schemaId: metadata.currentSchemaId,
      firstRowId,
      addedRows: firstRowId === null ? null : (list.nextRowId ?? firstRowId) - firstRowId,
      keyId: null,
    };
  }

  async #writeList(list: WrittenManifestList, work: SnapshotWork): Promise<string> {
    const { attempt, metadata, writer } = work;
    const { operationId } = attempt;
    const { snapshotId } = writer;
    const number = this.#lists.size + 1;
    const location = manifestListPath(metadata, { snapshotId, attempt: number, operationId });
    const manifests = list.manifests.map(({ manifestPath }) => manifestPath);
    const own = new Set(this.#writers.flatMap((one) => [...one.locations]));
    // Remembered first: a list whose upload failed half-way may be there all the same.
    this.#lists.set(location, manifests.filter((path) => own.has(path)));
    await attempt.table.io.createIfAbsent(location, list.bytes);
    return location;
  }
}

/** Tries every file, and rejects with the first failure once all have been tried. */
async function deleteAll(io: FileIo, locations: readonly string[]): Promise<void> {
  const failures = await mapConcurrently(
    locations,
    (location) => io.delete(location).then(() => null, (error: unknown) => ({ error })),
    { limit: DELETE_CONCURRENCY },
  );
  for (const failure of failures) if (failure !== null) throw failure.error;
}

function branchRef(metadata: TableMetadata, branch: string): SnapshotRef | null {
  const ref = metadata.refs.get(branch) ?? null;
  if (ref === null || ref.type === "branch") return ref;
  throw new AppError(
    "invalid",
    "ref_not_branch",
    `Cannot write to "${branch.slice(0, 80)}": it is a tag; name a branch`,
  );
}

function headOf(metadata: TableMetadata, ref: SnapshotRef | null): Snapshot | null {
  const head = ref === null ? currentSnapshot(metadata) : snapshotById(metadata, ref.snapshotId);
  return head ?? null;
}

/** Where nobody else moved the branch, the parent is still its head. */
function requireHead(branch: string, ref: SnapshotRef | null): TableRequirement {
  const snapshotId = ref?.snapshotId ?? null;
  return { type: "assert-ref-snapshot-id", ref: branch, snapshotId };
}

function movedRef(branch: string, ref: SnapshotRef | null, snapshot: Snapshot): SnapshotRef {
  const { snapshotId } = snapshot;
  if (ref !== null) return { ...ref, snapshotId };
  return {
    name: branch,
    snapshotId,
    type: "branch",
    minSnapshotsToKeep: null,
    maxSnapshotAgeMs: null,
    maxRefAgeMs: null,
  };
}
