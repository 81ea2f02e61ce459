/** Small metadata to change, actions that need no files, and time that tests hold. */
import type { ActionChange, CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import type { CommitAttempt, CommitOutcome } from "../../lib/iceberg/commit/commit_action.ts";
import type { CommitRuntime } from "../../lib/iceberg/commit/commit_runtime.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { Snapshot, SnapshotRef } from "../../lib/iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import type { NestedField, Type } from "../../lib/iceberg/spec/types.ts";
import type { TableUpdate } from "../../lib/iceberg/commit/table_update.ts";

/** When tests begin. */
export const NOW_MS = Date.UTC(2026, 8, 1);

/** An optional column. */
export function column(id: number, name: string, type: Type = { kind: "long" }): NestedField {
  return {
    id,
    name,
    required: false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

/** `id long, ts timestamp, region string`. */
export const BASE_SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    column(1, "id"),
    column(2, "ts", { kind: "timestamp" }),
    column(3, "region", { kind: "string" }),
  ],
});

/** A snapshot with nothing in it. */
export function snapshot(snapshotId: bigint, more: Partial<Snapshot> = {}): Snapshot {
  return {
    snapshotId,
    parentSnapshotId: null,
    sequenceNumber: snapshotId,
    timestampMs: NOW_MS + Number(snapshotId),
    manifestList: `/warehouse/t/metadata/snap-${snapshotId}.avro`,
    manifests: null,
    summary: { operation: "append" },
    schemaId: 0,
    firstRowId: null,
    addedRows: null,
    keyId: null,
    ...more,
  };
}

/** A branch, or what `more` says. */
export function ref(
  name: string,
  snapshotId: bigint,
  more: Partial<SnapshotRef> = {},
): SnapshotRef {
  return {
    name,
    snapshotId,
    type: "branch",
    minSnapshotsToKeep: null,
    maxSnapshotAgeMs: null,
    maxRefAgeMs: null,
    ...more,
  };
}

/** An empty v2 table, or what `more` says. */
export function emptyTable(more: Partial<TableMetadata> = {}): TableMetadata {
  return {
    formatVersion: 2,
    tableUuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
    location: "/warehouse/t",
    lastSequenceNumber: 0n,
    lastUpdatedMs: NOW_MS,
    lastColumnId: 3,
    schemas: [BASE_SCHEMA],
    currentSchemaId: 0,
    partitionSpecs: [{ specId: 0, fields: [] }],
    defaultSpecId: 0,
    lastPartitionId: 999,
    sortOrders: [{ orderId: 0, fields: [] }],
    defaultSortOrderId: 0,
    properties: {},
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: null,
    encryptionKeys: [],
    extra: {},
    ...more,
  };
}

/** A table whose `main` has the snapshots 1, 2, … `count`, each the parent of the next. */
export function tableWithSnapshots(
  count: number,
  more: Partial<TableMetadata> = {},
): TableMetadata {
  const ids = Array.from({ length: count }, (_, index) => BigInt(index + 1));
  const snapshots = ids.map((id) => snapshot(id, { parentSnapshotId: id === 1n ? null : id - 1n }));
  const head = ids.at(-1) ?? null;
  return emptyTable({
    snapshots,
    lastSequenceNumber: BigInt(count),
    lastUpdatedMs: NOW_MS + count,
    currentSnapshotId: head,
    refs: new Map(head === null ? [] : [["main", ref("main", head)]]),
    snapshotLog: snapshots.map(({ snapshotId, timestampMs }) => ({ snapshotId, timestampMs })),
    ...more,
  });
}

/** Time that passes only while somebody sleeps, and chance that repeats itself. */
export class HeldRuntime implements CommitRuntime {
  readonly sleeps: number[] = [];
  /** Called after each sleep. */
  onSleep: () => void | Promise<void> = () => {};
  #nowMs: number;
  #state: bigint;

  constructor(options: { readonly nowMs?: number; readonly seed?: number } = {}) {
    this.#nowMs = options.nowMs ?? NOW_MS + 1_000_000;
    this.#state = BigInt(options.seed ?? 1) * 2n + 1n;
  }

  readonly clock = { now: () => this.#nowMs };

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.#nowMs += ms;
    await this.onSleep();
    signal?.throwIfAborted();
  }

  /** Moves time on. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** A linear congruence over 64 bits (Knuth's constants); its low bit is dropped. */
  randomLong(): bigint {
    this.#state = BigInt.asUintN(64, this.#state * 6364136223846793005n + 1442695040888963407n);
    return this.#state >> 1n;
  }
}

/** An action that does what it is told, and remembers how it was called. */
export class ScriptedAction implements CommitAction {
  readonly name: string;
  readonly attempts: CommitAttempt[] = [];
  readonly outcomes: CommitOutcome[] = [];
  readonly #apply: (attempt: CommitAttempt) => ActionChange | Promise<ActionChange>;

  constructor(
    apply: (attempt: CommitAttempt) => ActionChange | Promise<ActionChange>,
    name = "scripted",
  ) {
    this.name = name;
    this.#apply = apply;
  }

  async apply(attempt: CommitAttempt): Promise<ActionChange> {
    this.attempts.push(attempt);
    return await this.#apply(attempt);
  }

  settle(outcome: CommitOutcome): Promise<void> {
    this.outcomes.push(outcome);
    return Promise.resolve();
  }
}

/** Makes these updates, whatever the table is. */
export function updating(...updates: readonly TableUpdate[]): ScriptedAction {
  return new ScriptedAction(() => ({ requirements: [], updates }));
}

/** Adds an empty snapshot to a branch, with `mark` in its summary. */
export function appending(mark: string, branch = "main"): ScriptedAction {
  return new ScriptedAction(({ table, nowMs, newSnapshotId }) => {
    const { metadata } = table;
    const head = metadata.refs.get(branch) ?? metadata.refs.get("main");
    const snapshotId = newSnapshotId();
    const added = snapshot(snapshotId, {
      parentSnapshotId: head?.snapshotId ?? null,
      sequenceNumber: metadata.formatVersion === 1 ? 0n : metadata.lastSequenceNumber + 1n,
      timestampMs: Math.max(nowMs, metadata.lastUpdatedMs),
      summary: { operation: "append", mark },
      firstRowId: metadata.nextRowId,
      addedRows: metadata.nextRowId === null ? null : 10n,
    });
    const snapshotBefore = metadata.refs.get(branch)?.snapshotId ?? null;
    return {
      requirements: [{
        type: "assert-ref-snapshot-id",
        ref: branch,
        snapshotId: snapshotBefore,
      }],
      updates: [
        { action: "add-snapshot", snapshot: added },
        { action: "set-snapshot-ref", ref: ref(branch, snapshotId) },
      ],
    };
  }, `append ${mark}`);
}
