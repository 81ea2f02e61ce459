/** A source of made-up files with real manifests, and a stream that is planned along it. */
import { deleteFiles } from "../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { overwriteFiles } from "../../../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { manifestSource } from "../../../../lib/iceberg/scan/manifest_source.ts";
import type { Snapshot } from "../../../../lib/iceberg/spec/snapshot.ts";
import {
  currentSnapshot,
  type TableMetadata,
} from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { SourceChangeCounts } from "../../../../lib/pipelines/contract/metrics.ts";
import type { StreamPosition } from "../../../../lib/pipelines/contract/offset.ts";
import {
  type BatchLimits,
  type BatchPlan,
  NO_CHANGES,
  planBatch,
  type PlanBatchOptions,
} from "../../../../lib/pipelines/tick/plan_batch.ts";
import { claimedFile, RowTable } from "../../../support/maintenance/row_table.ts";

/** No bound. */
export const NO_LIMITS: BatchLimits = {
  files: Number.MAX_SAFE_INTEGER,
  rows: Number.MAX_SAFE_INTEGER,
  bytes: Number.MAX_SAFE_INTEGER,
};

/** Before the first snapshot. */
export const START: StreamPosition = {
  snapshot_id: null,
  files_read: null,
  scan_all_files: false,
};

/** After all of a snapshot. */
export function after(snapshot: Pick<Snapshot, "snapshotId">): StreamPosition {
  return { snapshot_id: String(snapshot.snapshotId), files_read: null, scan_all_files: false };
}

/** What one batch was. */
export interface Batch {
  /** Names of its files. */
  readonly files: readonly string[];
  /** The snapshot whose changes it carries. */
  readonly changes: bigint | null;
  readonly position: StreamPosition;
  readonly counts: SourceChangeCounts;
}

/** See the module. */
export class Flow {
  readonly table = new RowTable();
  readonly #live = new Map<string, DataFile>();

  get metadata(): TableMetadata {
    return this.table.store.table.metadata;
  }

  get head(): Snapshot {
    const head = currentSnapshot(this.metadata);
    if (head === undefined) throw new TypeError("There is no snapshot yet");
    return head;
  }

  /** One snapshot that adds these files; a name is `name` or `name:rows`. */
  async append(...names: readonly string[]): Promise<Snapshot> {
    await this.table.commit(fastAppend({ files: names.map((name) => this.#file(name)) }));
    return this.head;
  }

  /** One snapshot that adds some and removes others. */
  async overwrite(
    { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Promise<Snapshot> {
    const tasks = await this.table.tasks();
    const gone = tasks.filter(({ dataFile }) => remove.includes(nameOf(dataFile)));
    await this.table.commit(
      overwriteFiles({ add: add.map((name) => this.#file(name)), remove: gone }),
    );
    return this.head;
  }

  /** One snapshot that removes files. */
  async remove(...names: readonly string[]): Promise<Snapshot> {
    const paths = names.map((name) => this.#live.get(name)?.filePath ?? name);
    await this.table.commit(deleteFiles({ paths }));
    return this.head;
  }

  /** The head says of itself that it is of another kind. */
  relabel(operation: string): Snapshot {
    const { snapshotId } = this.head;
    this.table.store.replace((metadata) => ({
      ...metadata,
      snapshots: metadata.snapshots.map((one) =>
        one.snapshotId === snapshotId ? { ...one, summary: { ...one.summary, operation } } : one
      ),
    }));
    return this.head;
  }

  /** Forgets snapshots, as an expiry does that nobody held back. */
  expire(...gone: readonly Snapshot[]): void {
    const ids = gone.map(({ snapshotId }) => snapshotId);
    this.table.store.replace((metadata) => ({
      ...metadata,
      snapshots: metadata.snapshots.filter(({ snapshotId }) => !ids.includes(snapshotId)),
      snapshotLog: metadata.snapshotLog.filter(({ snapshotId }) => !ids.includes(snapshotId)),
    }));
  }

  /** Makes an older snapshot the current one again. */
  rollBack({ snapshotId }: Snapshot): void {
    this.table.store.replace((metadata) => ({
      ...metadata,
      currentSnapshotId: snapshotId,
      refs: new Map([...metadata.refs].map(([name, ref]) => [name, { ...ref, snapshotId }])),
    }));
  }

  async plan(more: Partial<PlanBatchOptions> = {}): Promise<BatchPlan> {
    const { metadata } = this;
    return await planBatch({
      metadata,
      manifests: manifestSource(this.table.store.io, metadata),
      position: START,
      sourceChanges: "fail",
      limits: NO_LIMITS,
      untilSnapshotId: null,
      signal: new AbortController().signal,
      ...more,
    });
  }

  /** Batch after batch until there is nothing more. */
  async drain(more: Partial<PlanBatchOptions> = {}): Promise<readonly Batch[]> {
    const batches: Batch[] = [];
    let position = more.position ?? START;
    for (;;) {
      const plan = await this.plan({ ...more, position });
      const files = plan.tasks.map(({ dataFile }) => nameOf(dataFile));
      const { changes, counts, more: hasMore } = plan;
      const moved = JSON.stringify(position) !== JSON.stringify(plan.position);
      if (moved) {
        const carried = changes?.snapshot.snapshotId ?? null;
        batches.push({ files, changes: carried, position: plan.position, counts });
      }
      position = plan.position;
      if (!hasMore) return batches;
      if (!moved) throw new Error(`It says that there is more and does not move: ${position}`);
    }
  }

  #file(text: string): DataFile {
    const [name = "", rows = "1"] = text.split(":");
    const recordCount = Number(rows);
    const file = { ...claimedFile(name, ["eu"]), recordCount, fileSizeInBytes: recordCount * 10 };
    this.#live.set(name, file);
    return file;
  }
}

/** The sum of all counts. */
export function sumOfCounts(batches: readonly Pick<Batch, "counts">[]): SourceChangeCounts {
  const sum: Record<string, number> = { ...NO_CHANGES };
  for (const { counts } of batches) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum as SourceChangeCounts;
}

function nameOf({ filePath }: DataFile): string {
  return /([^/]+)\.parquet$/.exec(filePath)?.[1] ?? filePath;
}
