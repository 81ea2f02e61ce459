/**
 * Which files of the source make the next batch, and where the stream stands after it. Nothing is
 * read but manifests, and the same place and the same source always give the same files.
 */
import { AppError } from "../../errors.ts";
import { alwaysTrue } from "../../iceberg/expression/expression.ts";
import {
  addedFiles,
  type SnapshotChange,
  type SnapshotStep,
  snapshotSteps,
} from "../../iceberg/scan/incremental_append.ts";
import { ancestorsOf } from "../../iceberg/scan/ancestors_of.ts";
import type { ManifestSource } from "../../iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../iceberg/scan/plan_files.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import {
  currentSnapshot,
  snapshotById,
  type TableMetadata,
} from "../../iceberg/spec/table_metadata.ts";
import type { SourceChangeCounts } from "../contract/metrics.ts";
import type { StreamPosition } from "../contract/offset.ts";
import type { PipelineOptions } from "../contract/options.ts";

/** Most of a batch; a single file may be larger. */
export interface BatchLimits {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Options of {@linkcode planBatch}. */
export interface PlanBatchOptions {
  readonly metadata: TableMetadata;
  readonly manifests: ManifestSource;
  readonly position: StreamPosition;
  readonly sourceChanges: PipelineOptions["source_changes"];
  readonly limits: BatchLimits;
  /** Makes each snapshot, or a full scan, one batch, whatever the limits say; false by default. */
  readonly wholeSnapshots?: boolean;
  /** Reads no further than this snapshot; null for the current one. */
  readonly untilSnapshotId: bigint | null;
  readonly signal: AbortSignal;
}

/** A batch to be read. */
export interface BatchPlan {
  /** Files whose rows are appended; none where nothing is to be read. */
  readonly tasks: readonly FileScanTask[];
  /** The snapshot whose inserts and deletes are the batch, instead of files. */
  readonly changes: { readonly snapshot: Snapshot; readonly parent: Snapshot | null } | null;
  /** Where the stream stands once the batch is in the sink. */
  readonly position: StreamPosition;
  /** Snapshots that were no appends. */
  readonly counts: SourceChangeCounts;
  /** Whether the source has more than that. */
  readonly more: boolean;
}

/** No snapshot that was not an append. */
export const NO_CHANGES: SourceChangeCounts = {
  replace_skipped: 0,
  skipped: 0,
  added_files: 0,
  changelog: 0,
};

/**
 * Errors that end a pipeline: `conflict`/`source_snapshot_not_append` (mode `fail`), `not_found`/
 * `source_snapshots_expired` (snapshots that it needs are gone), `conflict`/`source_rolled_back`.
 */
export async function planBatch(options: PlanBatchOptions): Promise<BatchPlan> {
  const { position } = options;
  const head = headOf(options);
  if (head === undefined) return { ...NOTHING, position };
  if (position.scan_all_files && position.files_read !== null) {
    return await planFullScan(options, { head, filesRead: position.files_read });
  }
  return await new StepPlanner(options).plan(stepsAfter(options, head));
}

/** The bound, or where the table has no such snapshot on its line any more, all that there is. */
function headOf(
  { metadata, untilSnapshotId }: Pick<PlanBatchOptions, "metadata" | "untilSnapshotId">,
): Snapshot | undefined {
  const current = currentSnapshot(metadata);
  if (current === undefined || untilSnapshotId === null) return current;
  for (const snapshot of ancestorsOf(metadata, current.snapshotId)) {
    if (snapshot.snapshotId === untilSnapshotId) return snapshot;
  }
  return current;
}

const NOTHING = { tasks: [], changes: null, counts: NO_CHANGES, more: false } as const;

/** The snapshots that a stream at `position` has not read to the end, oldest first. */
export function stepsAfter(
  { metadata, position }: Pick<PlanBatchOptions, "metadata" | "position">,
  head: Snapshot,
): readonly SnapshotStep[] {
  const from = position.snapshot_id === null ? null : BigInt(position.snapshot_id);
  const toSnapshotId = head.snapshotId;
  const fromInclusive = position.files_read !== null;
  if (from === toSnapshotId && !fromInclusive) return [];
  try {
    const found = snapshotSteps(metadata, { fromSnapshotId: from, fromInclusive, toSnapshotId });
    if (found.complete) return found.steps;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "snapshot_not_ancestor") throw rolledBack(position, error);
    if (error.code !== "snapshot_expired") throw error;
  }
  throw expired(position);
}

/** All files of one snapshot, oldest data first, whoever lists them. */
async function planFullScan(
  options: PlanBatchOptions,
  { head, filesRead }: { readonly head: Snapshot; readonly filesRead: number },
): Promise<BatchPlan> {
  const { metadata, manifests, position, signal } = options;
  const snapshot = snapshotById(metadata, BigInt(position.snapshot_id ?? ""));
  if (snapshot === undefined) throw expired(position);
  const all: FileScanTask[] = [];
  for await (const task of planFiles({ metadata, snapshot, manifests, signal })) all.push(task);
  all.sort(byAge);
  const room = new Room(limitsOf(options));
  const tasks: FileScanTask[] = [];
  for (const task of all.slice(filesRead)) {
    if (!room.take(task)) break;
    tasks.push(task);
  }
  const read = filesRead + tasks.length;
  const isDone = read >= all.length;
  return {
    ...NOTHING,
    tasks,
    position: isDone
      ? { snapshot_id: position.snapshot_id, files_read: null, scan_all_files: false }
      : { ...position, files_read: read },
    more: !isDone || head.snapshotId !== snapshot.snapshotId,
  };
}

function byAge(a: FileScanTask, b: FileScanTask): number {
  if (a.sequenceNumber !== b.sequenceNumber) return a.sequenceNumber < b.sequenceNumber ? -1 : 1;
  return a.dataFile.filePath < b.dataFile.filePath ? -1 : 1;
}

/** What becomes of a snapshot. */
type Treatment = "read" | "replace_skipped" | "skipped" | "added_files" | "changelog" | "fail";

function treatmentOf(change: SnapshotChange, mode: PipelineOptions["source_changes"]): Treatment {
  if (change === "append") return "read";
  if (change === "replace") return "replace_skipped";
  switch (mode) {
    case "fail":
      return "fail";
    case "skip":
      return "skipped";
    case "added-files":
      return "added_files";
    case "changelog":
      return "changelog";
  }
}

/** A snapshot is read to the end as it was begun, though the pipeline has another mode by now. */
function resumedTreatmentOf(change: SnapshotChange): Treatment {
  return change === "append" ? "read" : "added_files";
}

/** Goes along the lineage, snapshot by snapshot, until the batch is full. */
class StepPlanner {
  readonly #options: PlanBatchOptions;
  readonly #room: Room;
  readonly #tasks: FileScanTask[] = [];
  readonly #counts = { ...NO_CHANGES };
  #position: StreamPosition;

  constructor(options: PlanBatchOptions) {
    this.#options = options;
    this.#room = new Room(limitsOf(options));
    this.#position = options.position;
  }

  async plan(steps: readonly SnapshotStep[]): Promise<BatchPlan> {
    for (const [at, { snapshot, change }] of steps.entries()) {
      const treatment = this.#isBegun(snapshot)
        ? resumedTreatmentOf(change)
        : treatmentOf(change, this.#options.sourceChanges);
      const isAlone = treatment === "fail" || treatment === "changelog";
      // What comes before is committed first: then it is clear what this snapshot is about.
      if (isAlone && this.#tasks.length > 0) return this.#planned({ more: true });
      if (treatment === "fail") throw notAppend(snapshot, change);
      if (treatment === "changelog") return this.#changes(snapshot, at < steps.length - 1);
      if (treatment === "read" || treatment === "added_files") {
        const filesRead = await this.#takeFiles(snapshot);
        if (filesRead !== null) {
          // The snapshot is counted when it has been read to the end.
          this.#position = { ...after(snapshot), files_read: filesRead };
          return this.#planned({ more: true });
        }
      }
      if (treatment !== "read") this.#counts[treatment]++;
      this.#position = after(snapshot);
      const isBatch = this.#options.wholeSnapshots === true && this.#tasks.length > 0;
      if (isBatch) return this.#planned({ more: at < steps.length - 1 });
    }
    return this.#planned({ more: false });
  }

  /** Whether files of the snapshot are in the sink already. */
  #isBegun({ snapshotId }: Snapshot): boolean {
    const { snapshot_id: id, files_read: filesRead } = this.#options.position;
    return id === String(snapshotId) && filesRead !== null && filesRead > 0;
  }

  /** Takes files that a snapshot added; null where all are taken, otherwise how many have been read. */
  async #takeFiles(snapshot: Snapshot): Promise<number | null> {
    const { metadata, manifests, position, signal } = this.#options;
    const resumed = position.snapshot_id === String(snapshot.snapshotId);
    const skip = resumed ? position.files_read ?? 0 : 0;
    const specs = new Map(metadata.partitionSpecs.map((spec) => [spec.specId, spec]));
    for await (const file of addedFiles({ snapshots: [snapshot], manifests, signal })) {
      if (file.position < skip) continue;
      const spec = specs.get(file.dataFile.specId);
      if (spec === undefined) throw unknownSpec(file.dataFile.specId);
      const task: FileScanTask = {
        dataFile: file.dataFile,
        sequenceNumber: file.sequenceNumber ?? 0n,
        fileSequenceNumber: null,
        snapshotId: snapshot.snapshotId,
        // Rows as they were added; what became of them later is later snapshots' news.
        deletes: [],
        residual: alwaysTrue,
        spec,
      };
      if (!this.#room.take(task)) return file.position;
      this.#tasks.push(task);
    }
    return null;
  }

  #changes(snapshot: Snapshot, more: boolean): BatchPlan {
    const { metadata } = this.#options;
    const { parentSnapshotId } = snapshot;
    const parent = parentSnapshotId === null ? null : snapshotById(metadata, parentSnapshotId);
    if (parent === undefined) throw expired(this.#position);
    this.#counts.changelog++;
    this.#position = after(snapshot);
    return { ...this.#planned({ more }), changes: { snapshot, parent } };
  }

  #planned({ more }: { readonly more: boolean }): BatchPlan {
    return {
      tasks: this.#tasks,
      changes: null,
      position: this.#position,
      counts: this.#counts,
      more,
    };
  }
}

function after({ snapshotId }: Snapshot): StreamPosition {
  return { snapshot_id: String(snapshotId), files_read: null, scan_all_files: false };
}

function limitsOf({ limits, wholeSnapshots = false }: PlanBatchOptions): BatchLimits {
  const none = Number.MAX_SAFE_INTEGER;
  return wholeSnapshots ? { files: none, rows: none, bytes: none } : limits;
}

/** What is left of the limits. */
class Room {
  readonly #limits: BatchLimits;
  #files = 0;
  #rows = 0;
  #bytes = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Whether the file still fits; the first one always does. */
  take({ dataFile: { recordCount, fileSizeInBytes } }: FileScanTask): boolean {
    const { files, rows, bytes } = this.#limits;
    const fits = this.#files + 1 <= files && this.#rows + recordCount <= rows &&
      this.#bytes + fileSizeInBytes <= bytes;
    if (!fits && this.#files > 0) return false;
    this.#files++;
    this.#rows += recordCount;
    this.#bytes += fileSizeInBytes;
    return true;
  }
}

function notAppend({ snapshotId }: Snapshot, change: SnapshotChange): AppError {
  const what = change === "unknown" ? "does not say what it changed" : `is of kind "${change}"`;
  return new AppError(
    "conflict",
    "source_snapshot_not_append",
    `Cannot go on: snapshot ${snapshotId} of the source ${what}, and the pipeline reads appends ` +
      "only. Start it again with source_changes set to skip, added-files or changelog",
  );
}

function expired({ snapshot_id }: StreamPosition): AppError {
  const where = snapshot_id === null ? "its first snapshots" : `snapshots after ${snapshot_id}`;
  return new AppError(
    "not_found",
    "source_snapshots_expired",
    `Cannot go on: the source no longer has ${where}, so that rows may be missing. Start the ` +
      'pipeline under another checkpoint_location: with start_from "beginning" into a new sink, or ' +
      'with "latest" to go on without them',
  );
}

function rolledBack({ snapshot_id }: StreamPosition, cause: unknown): AppError {
  return new AppError(
    "conflict",
    "source_rolled_back",
    `Cannot go on: the source was rolled back behind snapshot ${snapshot_id}, whose rows are in ` +
      "the sink already. Bring the sink to the same state, then start the pipeline under another " +
      "checkpoint_location",
    { cause },
  );
}

function unknownSpec(specId: number): AppError {
  const message = `Cannot read the source: it has no partition spec ${specId}, which a file names`;
  return new AppError("corrupt_data", "partition_spec_missing", message);
}
