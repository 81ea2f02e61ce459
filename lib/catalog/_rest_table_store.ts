/** A table of a REST catalog, which checks requirements, applies updates and writes metadata itself. */
import { AppError } from "../errors.ts";
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
    const { requirements, updates } = change;
    const { formatVersion } = change.metadata;
    const request = commitRequestToJson({ identifier, requirements, updates, formatVersion });
    const body = new TextEncoder().encode(stringifyJson(request));
    const commit = { kind: "rest", body, idempotencyKey: commitId } as const;
    // The commit point.
    const answered = await this.#options.gateway.commit(identifier, commit);
    return await this.#read(answered, base);
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
