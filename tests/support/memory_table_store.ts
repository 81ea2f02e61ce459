/**
 * A table in a catalog in memory, with the ways in which real catalogs fail: conflicts, replies that
 * are lost before or after the commit, and requests that arrive when nobody waits for them any more.
 *
 * `file` is a catalog that swaps one metadata file for another (hadoop, sql): a commit lands only on
 * the very metadata it was made for. `rest` is a server: it checks requirements and applies updates
 * to whatever is there. Every version goes through real JSON, as files do.
 */
import { AppError } from "../../lib/errors.ts";
import { applyUpdates } from "../../lib/iceberg/commit/apply_updates.ts";
import { checkRequirements } from "../../lib/iceberg/commit/check_requirements.ts";
import { withMetadataLog } from "../../lib/iceberg/commit/metadata_log.ts";
import type {
  StoreCommitOptions,
  TableChange,
  TableStore,
} from "../../lib/iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../lib/iceberg/ports.ts";
import { parseTableMetadata } from "../../lib/iceberg/spec/parse_table_metadata.ts";
import { serializeTableMetadata } from "../../lib/iceberg/spec/serialize_table_metadata.ts";
import type { TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import { MemoryFileIo } from "../../lib/storage/mod.ts";

/** What becomes of one commit. */
export type CommitFault =
  /** Refused, as if another commit had come first. */
  | { readonly kind: "conflict" }
  /** The reply is lost; `landed` says whether the commit came through. */
  | { readonly kind: "lost"; readonly landed: boolean }
  /** The reply is lost, and the request arrives after this many further loads, or when told. */
  | { readonly kind: "late"; readonly afterLoads?: number }
  /** Refused with this error; `landed` where the store breaks its promise. */
  | { readonly kind: "error"; readonly error: unknown; readonly landed?: boolean };

/** Options of {@linkcode MemoryTableStore}. */
export interface MemoryTableStoreOptions {
  readonly metadata: TableMetadata;
  readonly kind?: "file" | "rest";
  readonly io?: MemoryFileIo;
  readonly nowMs?: () => number;
  /** Awaited around every effect, so that tests can make rivals interleave. */
  readonly pause?: () => Promise<void>;
  /** `file`: whether errors name the metadata file that a lost commit would have made. */
  readonly namesFiles?: boolean;
}

/** One version of the table. */
export interface CommittedVersion {
  readonly metadataLocation: string;
  readonly metadata: TableMetadata;
  /** Null for the first version. */
  readonly change: TableChange | null;
  readonly commitId: string | null;
}

interface LateCommit {
  readonly base: LoadedTable;
  readonly change: TableChange;
  readonly commitId: string;
  loadsLeft: number;
}

/** The table, its history and the faults to come. */
export class MemoryTableStore implements TableStore {
  readonly io: MemoryFileIo;
  readonly keepsMetadataFiles: boolean;
  readonly #options: MemoryTableStoreOptions;
  readonly #history: CommittedVersion[] = [];
  readonly #commitFaults: (CommitFault | null)[] = [];
  readonly #loadFaults: unknown[] = [];
  readonly #late: LateCommit[] = [];
  #current: LoadedTable;
  #loads = 0;
  #written: Promise<void> = Promise.resolve();
  #commits: StoreCommitOptions[] = [];

  constructor(options: MemoryTableStoreOptions) {
    this.#options = options;
    this.io = options.io ?? new MemoryFileIo();
    this.keepsMetadataFiles = options.kind === "rest";
    const { metadata } = options;
    this.#current = this.#write({ metadata, location: null, change: null, commitId: null });
  }

  /** The table as it is. */
  get table(): LoadedTable {
    return this.#current;
  }

  /** Every version, oldest first. */
  get history(): readonly CommittedVersion[] {
    return this.#history;
  }

  /** How often the table was loaded. */
  get loads(): number {
    return this.#loads;
  }

  /** Every commit that was asked for, in the order of arrival. */
  get commits(): readonly StoreCommitOptions[] {
    return this.#commits;
  }

  /** What becomes of the coming commits, one fault each; null for one that goes well. */
  failCommits(...faults: readonly (CommitFault | null)[]): void {
    this.#commitFaults.push(...faults);
  }

  /** Makes the coming loads reject, one with each error. */
  failLoads(...errors: readonly unknown[]): void {
    this.#loadFaults.push(...errors);
  }

  /** Lets every request that is still on its way arrive; how many of them came through. */
  deliverLate(): number {
    return this.#late.splice(0).filter((late) => this.#tryToLand(late)).length;
  }

  /** Puts other metadata in place, as another writer would. */
  replace(edit: (metadata: TableMetadata) => TableMetadata): void {
    const metadata = edit(this.#current.metadata);
    this.#current = this.#advance({ metadata, change: null, commitId: null });
  }

  async load(signal?: AbortSignal): Promise<LoadedTable> {
    signal?.throwIfAborted();
    await this.#options.pause?.();
    await this.#written;
    this.#loads++;
    for (const late of [...this.#late]) {
      if (late.loadsLeft-- > 0) continue;
      this.#late.splice(this.#late.indexOf(late), 1);
      this.#tryToLand(late);
    }
    if (this.#loadFaults.length > 0) throw this.#loadFaults.shift();
    return this.#current;
  }

  async commit(
    base: LoadedTable,
    change: TableChange,
    options: StoreCommitOptions,
  ): Promise<LoadedTable> {
    this.#commits.push(options);
    const { commitId } = options;
    const request = { base, change, commitId };
    const fault = this.#commitFaults.shift() ?? null;
    await this.#options.pause?.();
    const location = this.#nextLocation(base, commitId);
    switch (fault?.kind) {
      case "conflict":
        throw conflict("made up");
      case "late":
        this.#late.push({ ...request, loadsLeft: fault.afterLoads ?? Infinity });
        throw this.#stateUnknown(location);
      case "lost":
        if (fault.landed) this.#tryToLand(request);
        throw this.#stateUnknown(location);
      case "error":
        if (fault.landed === true) this.#tryToLand(request);
        throw fault.error;
    }
    this.#land(request);
    const landed = this.#current;
    await this.#written;
    await this.#options.pause?.();
    return landed;
  }

  #tryToLand(request: Pick<LateCommit, "base" | "change" | "commitId">): boolean {
    try {
      this.#land(request);
      return true;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
  }

  /** The commit point: one turn of the event loop, so that of any number of rivals one wins. */
  #land({ base, change, commitId }: Pick<LateCommit, "base" | "change" | "commitId">): void {
    const { kind = "file" } = this.#options;
    const { metadata } = this.#current;
    checkRequirements(change.requirements, metadata);
    if (kind === "file") {
      if (this.#current.metadataLocation !== base.metadataLocation) {
        throw conflict("the metadata file is not the one that the commit was made for");
      }
      this.#current = this.#advance({ metadata: change.metadata, change, commitId });
      return;
    }
    const nowMs = this.#options.nowMs?.() ?? change.metadata.lastUpdatedMs;
    const next = applyUpdates(metadata, change.updates, { nowMs });
    this.#current = this.#advance({ metadata: next, change, commitId });
  }

  #advance(
    version: Pick<CommittedVersion, "metadata" | "change" | "commitId">,
  ): LoadedTable {
    const previous = this.#current;
    const { metadata } = withMetadataLog(version.metadata, {
      previousLocation: previous.metadataLocation,
      previousUpdatedMs: previous.metadata.lastUpdatedMs,
    });
    const location = this.#nextLocation(previous, version.commitId ?? "rival");
    return this.#write({ ...version, metadata, location });
  }

  #nextLocation(base: LoadedTable, commitId: string): string {
    const number = this.#history.findIndex((one) => one.metadataLocation === base.metadataLocation);
    return `${base.metadata.location}/metadata/${number + 2}-${commitId}.metadata.json`;
  }

  #write(
    { metadata, location, change, commitId }:
      & Pick<
        CommittedVersion,
        "metadata" | "change" | "commitId"
      >
      & { readonly location: string | null },
  ): LoadedTable {
    const metadataLocation = location ?? `${metadata.location}/metadata/1-first.metadata.json`;
    const bytes = new TextEncoder().encode(serializeTableMetadata(metadata));
    const parsed = parseTableMetadata(bytes, { location: metadataLocation });
    // For tests that look at files; the store itself has what it needs.
    this.#written = this.#written.then(() => this.io.put(metadataLocation, bytes));
    this.#history.push({ metadataLocation, metadata: parsed, change, commitId });
    const identifier = { namespace: ["db"], name: "events" };
    return { identifier, metadata: parsed, metadataLocation, io: this.io, readOnly: null };
  }

  #stateUnknown(metadataLocation: string): AppError {
    const { kind = "file", namesFiles = true } = this.#options;
    const context = kind === "file" && namesFiles ? { metadataLocation } : {};
    return new AppError("commit_state_unknown", "commit_state_unknown", "The reply was lost", {
      context,
    });
  }
}

function conflict(why: string): AppError {
  return new AppError("conflict", "commit_conflict", `Cannot commit: ${why}`, { retryable: true });
}
