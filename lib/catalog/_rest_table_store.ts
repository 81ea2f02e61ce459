/** A table of a REST catalog, which checks requirements, applies updates and writes metadata itself. */
import { AppError } from "../errors.ts";
import { type CommitInDoubt, judgeCommit } from "../iceberg/commit/commit_evidence.ts";
import type { StoreCommitOptions, TableChange, TableStore } from "../iceberg/commit/table_store.ts";
import { commitRequestToJson } from "../iceberg/commit/updates_json.ts";
import { formatIdentifier, type LoadedTable } from "../iceberg/ports.ts";
import { stringifyJson } from "../json.ts";
import { requireWritable } from "./_written_metadata.ts";
import { loadAnswer, loadTable } from "./load_table.ts";
import type { TableStoreOptions } from "./open_table_store.ts";
import type { TableLocation } from "./ports.ts";

/** See {@linkcode TableStore}. */
export class RestTableStore implements TableStore {
  readonly keepsMetadataFiles = true;
  readonly #location: TableLocation;
  readonly #options: TableStoreOptions;

  constructor(location: TableLocation, options: TableStoreOptions) {
    this.#location = location;
    this.#options = options;
  }

  async load(signal?: AbortSignal): Promise<LoadedTable> {
    const { gateway, ...options } = this.#options;
    const call = signal === undefined ? {} : { signal };
    const location = await gateway.locate(this.#location.identifier, call);
    return await loadTable(location, { ...options, ...call });
  }

  async commit(
    base: LoadedTable,
    change: TableChange,
    { commitId }: StoreCommitOptions,
  ): Promise<LoadedTable> {
    requireWritable(base);
    const { identifier } = base;
    const request = commitRequestToJson({ identifier, ...change });
    const body = new TextEncoder().encode(stringifyJson(request));
    const commit = { kind: "rest", body, idempotencyKey: commitId } as const;
    let answered: TableLocation;
    try {
      // The commit point.
      answered = await this.#options.gateway.commit(identifier, commit);
    } catch (error) {
      const isConflict = error instanceof AppError && error.kind === "conflict";
      if (!isConflict) throw error;
      return await this.#landed(error, { base, change, metadataLocation: null });
    }
    return await this.#read(answered, base);
  }

  /**
   * The table if a commit that was refused has come through all the same: what lies between may send
   * a request twice, and then the second one is refused for what the first has done. To make the
   * change anew would do it twice.
   */
  async #landed(conflict: AppError, doubt: CommitInDoubt): Promise<LoadedTable> {
    let now: LoadedTable;
    try {
      now = await this.load();
    } catch (cause) {
      const name = formatIdentifier(doubt.base.identifier);
      const message = `Cannot tell whether table "${name}" was changed: the catalog refused the ` +
        "commit, and cannot be asked whether it was its own repetition; look at the table";
      throw new AppError("commit_state_unknown", "commit_state_unknown", message, { cause });
    }
    if (judgeCommit(now, doubt) === "committed") return now;
    throw conflict;
  }

  /**
   * The table that the server answered with. The commit has happened: an answer that cannot be read
   * must not pass for its failure.
   */
  async #read(answered: TableLocation, base: LoadedTable): Promise<LoadedTable> {
    if (answered.kind !== "rest") throw new TypeError("Cannot read another catalog's answer");
    try {
      const { table, isVending } = loadAnswer(answered, this.#options);
      // What the base was loaded with reaches the same files.
      return isVending ? table : { ...table, io: base.io };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
    try {
      return await this.load();
    } catch (cause) {
      const message =
        `Cannot tell what table "${formatIdentifier(base.identifier)}" is after the ` +
        "commit: the catalog's answer cannot be read; look at the table before trying again";
      throw new AppError("commit_state_unknown", "commit_state_unknown", message, { cause });
    }
  }
}
