/** What a transaction is made of: actions that turn a table into requirements and updates. */
import type { LoadedTable } from "../ports.ts";
import type { ManifestSource } from "../scan/manifest_source.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableUpdate } from "./table_update.ts";

/** Property of a snapshot's summary that names the operation which made it. */
export const OPERATION_ID_PROPERTY = "drls.operation-id";

/** One attempt to commit. Time and randomness come from here, so that actions stay repeatable. */
export interface CommitAttempt {
  /** The table to change, with the updates of the actions before this one applied. */
  readonly table: LoadedTable;
  readonly manifests: ManifestSource;
  /** UUID v7; part of the name of every file that is written. */
  readonly operationId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly nowMs: number;
  /** Positive random 63-bit ids that the table does not use. */
  readonly newSnapshotId: () => bigint;
  readonly signal?: AbortSignal | undefined;
}

/** What an action wants to change; empty `updates` for nothing. */
export interface ActionChange {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
}

/** How a transaction ended, as far as an action's files are concerned. */
export type CommitOutcome =
  /** Committed: files that no snapshot of the table names may go. */
  | { readonly kind: "committed"; readonly table: LoadedTable }
  /** Certainly not committed: everything the action wrote may go. */
  | { readonly kind: "failed" }
  /** Nobody knows: nothing may be deleted. */
  | { readonly kind: "unknown" };

/** A step of a transaction. */
export interface CommitAction {
  /** For logs and errors: `append`, `replace`, `evolve schema`. */
  readonly name: string;
  /**
   * Called once per attempt with the newest table. Expensive files are written once and kept between
   * attempts; only manifest lists are written anew. Validation that must not be retried throws
   * `conflict` with `retryable` false; it is done against `attempt.table` as loaded for this attempt.
   */
  apply(attempt: CommitAttempt): Promise<ActionChange>;
  /** Called once when the transaction has ended, to remove what became useless. */
  settle?(outcome: CommitOutcome): Promise<void>;
}
