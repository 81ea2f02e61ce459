/** One table as its catalog lets it be changed: what a transaction asks of a catalog. */
import type { LoadedTable } from "../ports.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableUpdate } from "./table_update.ts";

/** A change of one table, ready to be committed. */
export interface TableChange {
  /** Checked against the table as the catalog knows it. */
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
  /** `updates` applied to the metadata of the table that the change was made for. */
  readonly metadata: TableMetadata;
}

/** Options of {@linkcode TableStore.commit}. */
export interface StoreCommitOptions {
  /** UUID v7 of the operation that the change is part of. */
  readonly operationId: string;
  /**
   * UUID v7 of this very change: the idempotency key where the catalog takes one. The same change
   * sent again has the same id; a change made anew after a conflict has another.
   */
  readonly commitId: string;
}

/** A commit that was certainly not sent; `cause` is why, and what a caller hears of. */
export class CommitNotSent extends Error {
  override readonly name = "CommitNotSent";

  constructor(cause: unknown) {
    super("A commit was not sent", { cause });
  }
}

/** One table in its catalog. */
export interface TableStore {
  /** The table as it is now. Errors: `not_found` where it is gone, and those of loading. */
  load(signal?: AbortSignal): Promise<LoadedTable>;
  /**
   * True where the catalog's server looks after metadata files (REST): then none that left the
   * metadata log is deleted from here.
   */
  readonly keepsMetadataFiles?: boolean;
  /**
   * Makes `change` the table's state if the table is still `base`; the resolved table is what the
   * catalog has now. This is the commit point: once it resolves, every reader sees the change.
   *
   * Errors: `conflict`/`commit_conflict` (retryable) where another commit came first, nothing was
   * changed; `commit_state_unknown` where the reply was lost, so that it may or may not have
   * happened; any other error of ours means that nothing was changed. (`cancelled`,
   * `deadline_exceeded`, `internal` and errors that are not ours are looked into all the same, unless
   * they are the cause of a {@linkcode CommitNotSent}.)
   *
   * An error that leaves the outcome open says in its context, as `metadataLocation`, which metadata
   * file would have become current, if nobody else can have written that file and it could only
   * replace that of `base`. There is no signal: a commit that was begun is waited for.
   */
  commit(base: LoadedTable, change: TableChange, options: StoreCommitOptions): Promise<LoadedTable>;
}
