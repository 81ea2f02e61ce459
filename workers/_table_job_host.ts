/** What one job finds around it in a table isolate: `JobHost` over questions to the main isolate. */
import { openTableStore } from "../lib/catalog/commit/mod.ts";
import type { CatalogGateway, TableLocation } from "../lib/catalog/mod.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import { CommitNotSent, type TableStore } from "../lib/iceberg/commit/table_store.ts";
import type { FileIo } from "../lib/iceberg/ports.ts";
import type { CommitNote, JobHost, JobProgress, TaskPool } from "../lib/jobs/mod.ts";
import { openStorage, type StorageSpec } from "../lib/storage/mod.ts";
import type { Ask } from "./_asking.ts";
import { type RunHere, SharedTasks } from "./_shared_tasks.ts";
import { WrittenFiles } from "./_written_files.ts";
import type { TableQuestions } from "./table_methods.ts";

/**
 * How old leave to commit may be. The main isolate gives it for now: a job that was held up for
 * longer, with the whole machine perhaps, has to ask again.
 */
const LEAVE_MS = 20_000;

/** Options of {@linkcode TableJobHost}. */
export interface TableJobHostOptions {
  readonly operationId: string;
  readonly signal: AbortSignal;
  readonly input: ReadableStream<Uint8Array> | null;
  readonly ask: Ask<TableQuestions>;
  readonly memoryBytes: number;
  /** Isolates that may work at a time. */
  readonly width: number;
  readonly onProgress: (progress: JobProgress) => void;
  readonly runHere: RunHere;
}

/** See {@linkcode JobHost}; what only the isolate itself needs is below. */
export class TableJobHost implements JobHost {
  readonly clock: Clock = systemClock;
  readonly operationId: string;
  readonly signal: AbortSignal;
  readonly input: ReadableStream<Uint8Array> | null;
  readonly memoryBytes: number;
  readonly tasks: TaskPool;
  /** What the job wrote. */
  readonly files: WrittenFiles;
  readonly #options: TableJobHostOptions;
  readonly #gateway: CatalogGateway;
  readonly #opened: TableLocation[] = [];
  readonly #stores: FileIo[] = [];
  #announced: unknown = null;
  #lastCommit: CommitNote | null = null;
  #hasCommitted = false;

  constructor(options: TableJobHostOptions) {
    const { operationId, signal, input, memoryBytes, ask } = options;
    this.operationId = operationId;
    this.signal = signal;
    this.input = input;
    this.memoryBytes = memoryBytes;
    this.#options = options;
    this.#gateway = gatewayOver(ask, signal);
    this.files = new WrittenFiles(operationId);
    this.tasks = new SharedTasks({
      width: options.width,
      ask,
      runHere: options.runHere,
      onWritten: (locations) => {
        const [io] = this.#stores;
        if (io !== undefined) this.files.adopt(locations, io);
      },
    });
  }

  /** Tables that the job has opened for changing. */
  get openedTables(): readonly TableLocation[] {
    return this.#opened;
  }

  /** The commit that was tried last; null before the first. */
  get lastCommit(): CommitNote | null {
    return this.#lastCommit;
  }

  /** Whether a commit of the job came through. */
  get hasCommitted(): boolean {
    return this.#hasCommitted;
  }

  openStorage(spec: StorageSpec): FileIo {
    const io = this.files.watch(openStorage(spec));
    this.#stores.push(io);
    return io;
  }

  openTable(location: TableLocation): TableStore {
    this.#opened.push(location);
    const told = this.#options.ask("opened", { location }, this.signal);
    told.catch(() => {
      // Whoever loads the table hears of it; a job that never does has nothing to lose.
    });
    const open = (spec: StorageSpec) => this.openStorage(spec);
    const store = openTableStore(location, { gateway: this.#gateway, openStorage: open });
    return {
      ...(store.keepsMetadataFiles === undefined
        ? {}
        : { keepsMetadataFiles: store.keepsMetadataFiles }),
      load: async (signal) => {
        // Nothing can be written before the table is loaded, so that nothing is before this is told.
        await told;
        return await store.load(signal);
      },
      commit: async (base, change, options) => {
        const snapshotIds = change.updates.flatMap((update) =>
          update.action === "add-snapshot" ? [String(update.snapshot.snapshotId)] : []
        );
        const { lastUpdatedMs } = change.metadata;
        try {
          await this.#askLeave({ base: base.metadataLocation, lastUpdatedMs, snapshotIds });
        } catch (error) {
          // Without leave nothing is sent, whatever kept it from coming.
          throw new CommitNotSent(error);
        }
        let landed = false;
        try {
          const table = await store.commit(base, change, options);
          landed = this.#hasCommitted = true;
          return table;
        } catch (error) {
          landed = !isRefusal(error);
          throw error;
        } finally {
          await this.#tellOver(landed);
        }
      },
    };
  }

  async dropTable(location: TableLocation): Promise<void> {
    await this.#gateway.drop(location);
  }

  progress(progress: JobProgress): void {
    this.#options.onProgress(progress);
  }

  announce(result: unknown): void {
    this.#announced = result;
  }

  /** For work on the same tables after the job has failed. */
  successor(signal: AbortSignal): JobHost {
    return new TableJobHost({ ...this.#options, signal, input: null });
  }

  async #askLeave(commit: Omit<CommitNote, "receipt" | "atMs">): Promise<void> {
    const receipt = this.#announced;
    this.#announced = null;
    const askedAtMs = performance.now();
    const note = { ...commit, receipt, atMs: this.clock.now() };
    await this.#options.ask("committing", note, this.signal);
    if (performance.now() - askedAtMs > LEAVE_MS) {
      await this.#tellOver(false);
      const message = "Cannot commit: leave to do so came too late";
      throw new AppError("unavailable", "commit_too_late", message, { retryable: true });
    }
    this.#lastCommit = note;
  }

  async #tellOver(landed: boolean): Promise<void> {
    // Cancelling must not keep it back.
    await this.#options.ask("committed", { landed }, new AbortController().signal);
  }
}

/** An error with which a store says that nothing was changed. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  const open = ["commit_state_unknown", "cancelled", "deadline_exceeded", "internal"];
  return !open.includes(error.kind);
}

/**
 * The catalog in the main isolate. A commit that was sent is waited for, whatever the signal says:
 * its outcome has to be known.
 */
function gatewayOver(ask: Ask<TableQuestions>, signal: AbortSignal): CatalogGateway {
  const never = new AbortController().signal;
  return {
    locate: (identifier, options = {}) =>
      ask("catalog.locate", { identifier }, options.signal ?? signal),
    commit: (identifier, commit) => ask("catalog.commit", { identifier, commit }, never),
    drop: async (location) => void await ask("catalog.drop", { location }, never),
  };
}
