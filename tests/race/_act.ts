/** One operation of a writer: what it works with, and how it came out. */
import { AppError } from "../../lib/errors.ts";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../lib/iceberg/commit/commit_runtime.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import {
  commitTransaction,
  type CommitTransactionResult,
} from "../../lib/iceberg/commit/transaction.ts";
import type { FileIo, LoadedTable } from "../../lib/iceberg/ports.ts";
import type { TableLocation } from "../../lib/catalog/mod.ts";
import type { JobHost, SweepOperationParams } from "../../lib/jobs/mod.ts";
import type { Schema } from "../../lib/iceberg/spec/schema.ts";
import { currentSchema, currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import type { Chance } from "./_chance.ts";
import type { Intent, Operation, Outcome } from "./_oracle.ts";
import { type ReadFile, readSnapshot } from "./_reader.ts";
import { REGIONS, type Row } from "./_rows.ts";

/** A commit as those know it who look after a dead job. */
export type TriedCommit = NonNullable<SweepOperationParams["commit"]>;

/** A store that says which commit it is about to try. */
export function noting(store: TableStore, note: (tried: TriedCommit) => void): TableStore {
  return {
    keepsMetadataFiles: store.keepsMetadataFiles === true,
    load: (signal) => store.load(signal),
    commit(base, change, options) {
      note({
        base: base.metadataLocation,
        lastUpdatedMs: change.metadata.lastUpdatedMs,
        snapshotIds: change.updates.flatMap((update) =>
          update.action === "add-snapshot" ? [String(update.snapshot.snapshotId)] : []
        ),
      });
      return store.commit(base, change, options);
    },
  };
}

/** What a race allows its writers. */
export interface RaceRules {
  /** Equality deletes are for one region: only where the spec stays as it is. */
  readonly deletesByRegion: boolean;
  /** Keys are among that many, so that writers meet. */
  readonly keys: number;
  /** Expiry lets go of no snapshot that is younger, in milliseconds. */
  readonly expiresAfterMs: number;
}

/** Parts of an {@linkcode Act}. */
export interface ActOptions {
  readonly writer: string;
  readonly location: TableLocation;
  readonly store: TableStore;
  readonly io: FileIo;
  readonly host: JobHost;
  readonly chance: Chance;
  readonly rules: RaceRules;
  /** Says what the operation means before it can take effect. */
  readonly register: (intent: Intent) => Operation;
  /** A number that no row has had. */
  readonly nextUid: () => number;
}

/** A step of an operation's own: nothing was refused, there was only nothing to do. */
export class NothingToDo extends Error {
  override readonly name = "NothingToDo";
}

/** See the module comment. */
export class Act {
  readonly options: ActOptions;
  /** The commit that was tried last; null before there was one. */
  tried: TriedCommit | null = null;
  /** What the job answered, where it is one. */
  receipt: unknown = null;
  #operation: Operation | null = null;

  constructor(options: ActOptions) {
    this.options = options;
  }

  get chance(): Chance {
    return this.options.chance;
  }

  get host(): JobHost {
    return this.options.host;
  }

  get rules(): RaceRules {
    return this.options.rules;
  }

  /** Registered, if it got that far. */
  get operation(): Operation | null {
    return this.#operation;
  }

  /** Loads the table. */
  async load(): Promise<LoadedTable> {
    return await this.options.store.load(this.host.signal);
  }

  /** Loads the table and the rows of its current snapshot; ends the operation where there are none. */
  async read(): Promise<
    {
      readonly table: LoadedTable;
      readonly snapshot: Snapshot;
      readonly files: readonly ReadFile[];
    }
  > {
    const table = await this.load();
    const snapshot = currentSnapshot(table.metadata);
    if (snapshot === undefined) throw new NothingToDo("The table is empty");
    const { metadata, io } = table;
    const files = await readSnapshot(snapshot, { io, metadata });
    return { table, snapshot, files };
  }

  /** Says what the operation means; to be called before anything is committed. */
  begin(intent: Intent): Operation {
    return this.#operation = this.options.register(intent);
  }

  /** Rows for this schema, with keys that others use, too. */
  newRows(schema: Schema, count: number, region?: string): readonly Row[] {
    const columns = schema.fields.map(({ id }) => id);
    return Array.from({ length: count }, (): Row => ({
      uid: this.options.nextUid(),
      key: this.chance.below(this.rules.keys),
      region: region ?? this.chance.pick(REGIONS),
      columns,
    }));
  }

  /** Commits one action under the operation's id. */
  async commit(action: CommitAction, base?: LoadedTable): Promise<CommitTransactionResult> {
    const { operationId, signal, clock } = this.host;
    return await commitTransaction(this.options.store, [action], {
      operationId,
      signal,
      runtime: { ...systemCommitRuntime, clock },
      ...(base === undefined ? {} : { base }),
    });
  }
}

/** What an operation does to a table. Rejects where it is refused. */
export type Action = (act: Act) => Promise<void>;

/** The columns of a table as it is. */
export function schemaOf({ metadata }: LoadedTable): Schema {
  return currentSchema(metadata);
}

/**
 * Runs an action to its end, and tells what its caller knows. An error that is none of ours, or a
 * broken invariant, is a mistake in drls or in the suite, and is thrown.
 */
export async function runAction(action: Action, act: Act): Promise<Outcome> {
  const settle = (outcome: Outcome, error: unknown = null): Outcome => {
    const { operation } = act;
    if (operation !== null) {
      operation.outcome = outcome;
      operation.error = error;
    }
    return outcome;
  };
  try {
    await action(act);
    return settle("acknowledged");
  } catch (error) {
    if (error instanceof NothingToDo) return settle("refused", error);
    // Jobs that are cancelled may reject with the signal's own reason.
    if (act.host.signal.aborted && error === act.host.signal.reason) {
      return settle("refused", error);
    }
    if (!(error instanceof AppError)) throw error;
    if (error.kind === "commit_state_unknown") return settle("unknown", error);
    if (error.kind === "internal" || error.kind === "corrupt_data") throw error;
    return settle("refused", error);
  }
}
