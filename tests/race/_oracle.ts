/**
 * The oracle: what every snapshot must hold, told from what operations mean and from nothing that is
 * on disk. A snapshot names its operation and its parent; its rows are the parent's with the
 * operation's meaning applied, whatever else has happened in between.
 */
import { OPERATION_ID_PROPERTY } from "../../lib/iceberg/commit/commit_action.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import type { Row } from "./_rows.ts";

/** What an operation means for the rows of a table. Plain data. */
export type Intent =
  | { readonly kind: "append"; readonly rows: readonly Row[] }
  /** Every row of the key goes that is there already, and others come. */
  | {
    readonly kind: "delete keys";
    readonly keys: readonly number[];
    /** Null for the whole table. */
    readonly region: string | null;
    readonly rows: readonly Row[];
  }
  | { readonly kind: "delete rows"; readonly uids: readonly number[] }
  /** All rows of the region go, others come. */
  | { readonly kind: "overwrite"; readonly region: string; readonly rows: readonly Row[] }
  /** Rows go, others come; the rest of their files was only copied. */
  | {
    readonly kind: "update";
    readonly uids: readonly number[];
    readonly rows: readonly Row[];
    /** Rows that were copied into other files. */
    readonly copied: readonly number[];
  }
  /** Compaction and the like: not a row changes. */
  | { readonly kind: "keep" }
  /** Makes no snapshot at all. */
  | { readonly kind: "no snapshot" };

/** How an operation ended, as far as its caller knows. */
export type Outcome = "acknowledged" | "refused" | "unknown" | "crashed";

/** An operation. */
export interface Operation {
  readonly id: string;
  readonly writer: string;
  readonly intent: Intent;
  outcome: Outcome | null;
  /** Snapshots with its id, of any version of the table. */
  readonly snapshots: Set<bigint>;
  /** How many snapshots an acknowledged operation made; null where that is not known. */
  expectedSnapshots: number | null;
  /** Name of a property, column or ref that only this operation makes; null for none. */
  mark: string | null;
  /** For the log. */
  error: unknown;
}

/** Rows by their number. */
export type RowSet = ReadonlyMap<number, Row>;

/** See the module comment. */
export class Oracle {
  readonly #operations = new Map<string, Operation>();
  readonly #expected = new Map<bigint, RowSet>();
  readonly #intents = new Map<bigint, Intent>();
  #uids = 0;

  /** Every operation so far. */
  get operations(): readonly Operation[] {
    return [...this.#operations.values()];
  }

  /** A number that no row has had. */
  nextUid(): number {
    return ++this.#uids;
  }

  /** Says what an operation means, before it can take effect. */
  register(id: string, writer: string, { intent }: { readonly intent: Intent }): Operation {
    const operation: Operation = {
      id,
      writer,
      intent,
      outcome: null,
      snapshots: new Set(),
      expectedSnapshots: null,
      mark: null,
      error: null,
    };
    if (this.#operations.has(id)) throw new TypeError(`Operation ${id} is registered twice`);
    this.#operations.set(id, operation);
    return operation;
  }

  /** Takes note of a snapshot; its parent must be known. Returns its rows. */
  see(snapshot: Snapshot): RowSet {
    const { snapshotId, parentSnapshotId } = snapshot;
    const known = this.#expected.get(snapshotId);
    if (known !== undefined) return known;
    const parent = parentSnapshotId === null ? new Map() : this.#expected.get(parentSnapshotId);
    if (parent === undefined) {
      throw new Error(`Snapshot ${snapshotId} stands on ${parentSnapshotId}, which nobody saw`);
    }
    const id = snapshot.summary[OPERATION_ID_PROPERTY] ?? "";
    const operation = this.#operations.get(id);
    if (operation === undefined) {
      throw new Error(`Snapshot ${snapshotId} is of no operation: ${id}`);
    }
    operation.snapshots.add(snapshotId);
    const rows = applyIntent(parent, operation.intent);
    this.#expected.set(snapshotId, rows);
    this.#intents.set(snapshotId, operation.intent);
    return rows;
  }

  /** Rows that a snapshot left where its parent had them: their ids must have stayed. */
  keepsIdOf(snapshotId: bigint, uid: number): boolean {
    const intent = this.#intents.get(snapshotId);
    return intent?.kind !== "update" || !intent.copied.includes(uid);
  }

  /**
   * What operations say that the table does not bear out; empty where all is well. `marks` are the
   * names of properties, columns and refs that any version of the table had.
   */
  contradictions(marks: ReadonlySet<string>): readonly string[] {
    return this.operations.flatMap((operation) => {
      const problem = contradictionOf(operation) ?? markProblemOf(operation, marks);
      const { writer, id, intent, outcome, error } = operation;
      return problem === null
        ? []
        : [`${problem}: ${writer} ${id} (${intent.kind}), ${outcome}: ${String(error ?? "")}`];
    });
  }
}

function markProblemOf({ mark, outcome }: Operation, marks: ReadonlySet<string>): string | null {
  if (mark === null) return null;
  if (outcome === "acknowledged" && !marks.has(mark)) return "was acknowledged and did nothing";
  if (outcome === "refused" && marks.has(mark)) return "was refused and took effect";
  return null;
}

function contradictionOf({ intent, outcome, snapshots, expectedSnapshots }: Operation) {
  const made = snapshots.size;
  if (intent.kind === "no snapshot") {
    return made > 0 ? "made a snapshot and must not" : null;
  }
  // Compaction commits in parts: what it did before it was refused stays.
  const isPartial = intent.kind === "keep";
  if (!isPartial && made > 1) return "took effect twice";
  if (outcome === "refused" && made > 0 && !isPartial) return "was refused and took effect";
  if (outcome !== "acknowledged") return null;
  if (expectedSnapshots !== null && made !== expectedSnapshots) {
    return `was acknowledged with ${expectedSnapshots} snapshots and made ${made}`;
  }
  return null;
}

/** The rows of a snapshot's parent, changed as the operation means. */
export function applyIntent(parent: RowSet, intent: Intent): RowSet {
  if (intent.kind === "keep") return parent;
  const rows = new Map(parent);
  const remove = (goes: (row: Row) => boolean) => {
    for (const [uid, row] of parent) if (goes(row)) rows.delete(uid);
  };
  switch (intent.kind) {
    case "append":
      break;
    case "delete keys": {
      const { region } = intent;
      const keys = new Set(intent.keys);
      remove((row) => keys.has(row.key) && (region === null || row.region === region));
      break;
    }
    case "update":
    case "delete rows": {
      const uids = new Set(intent.uids);
      remove((row) => uids.has(row.uid));
      break;
    }
    case "overwrite":
      remove((row) => row.region === intent.region);
      break;
    case "no snapshot":
      throw new Error("An operation without snapshots made one");
  }
  if (intent.kind !== "delete rows") { for (const row of intent.rows) rows.set(row.uid, row); }
  return rows;
}
