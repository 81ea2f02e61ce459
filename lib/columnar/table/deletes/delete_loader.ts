/**
 * Deletes of data files, loaded once and kept while many data files share them, within a budget of
 * bytes. One loader serves one table in one isolate; tasks may use it at the same time.
 */
import { ByteBudgetCache } from "../../../byte_budget_cache.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { isDeletionVector } from "../../../iceberg/scan/delete_index.ts";
import type { NameMapping } from "../../../iceberg/spec/name_mapping.ts";
import type { NeededColumn } from "../needed_column.ts";
import type { DeletedPositions } from "./deleted_positions.ts";
import type { KeySet } from "./key_set.ts";
import { loadEqualityKeys } from "./load_equality_keys.ts";
import { loadDeletionVector, loadPositionDeletes } from "./load_positions.ts";

/** Bytes of loaded deletes that are kept by default. */
export const DEFAULT_DELETE_BYTES = 128 * 1024 * 1024;

/** Bytes per position while a file is read, and after. */
const LOADING_BYTES_PER_POSITION = 16;
const BYTES_PER_POSITION = 4;
/** Bytes that a path takes beside its positions. */
const BYTES_PER_PATH = 256;

/** Options of {@linkcode DeleteLoader}. */
export interface DeleteLoaderOptions {
  readonly io: FileIo;
  /** The table's, for equality delete files without field ids; none by default. */
  readonly nameMapping?: NameMapping | null;
  /** Bytes of loaded deletes that are kept; what does not fit is loaded again when needed. */
  readonly maxBytes?: number;
}

/** See the module comment. */
export class DeleteLoader {
  readonly #io: FileIo;
  readonly #nameMapping: NameMapping | null;
  readonly #maxBytes: number;
  readonly #cache: ByteBudgetCache;

  constructor(options: DeleteLoaderOptions) {
    const { io, nameMapping = null, maxBytes = DEFAULT_DELETE_BYTES } = options;
    this.#io = io;
    this.#nameMapping = nameMapping;
    this.#maxBytes = maxBytes;
    this.#cache = new ByteBudgetCache({ maxBytes });
  }

  /** The positions that a position delete file or deletion vector deletes in one data file. */
  async positionsIn(
    file: DataFile,
    dataFilePath: string,
    signal?: AbortSignal,
  ): Promise<DeletedPositions | null> {
    if (isDeletionVector(file)) return await this.#vector(file, signal);
    // A file too large to be kept is read for this one data file, and only where it speaks of it.
    if (file.recordCount * LOADING_BYTES_PER_POSITION > this.#maxBytes) {
      const own = await loadPositionDeletes(this.#io, file, { onlyPath: dataFilePath, signal });
      return own.get(dataFilePath) ?? null;
    }
    const all = await this.#cache.getOrLoad(`positions ${file.filePath}`, async (signal) => {
      const value = await loadPositionDeletes(this.#io, file, { signal });
      let bytes = 0;
      for (const [path, { cardinality }] of value) {
        bytes += BYTES_PER_PATH + 2 * path.length + BYTES_PER_POSITION * cardinality;
      }
      return { value, bytes };
    }, signal);
    return all.get(dataFilePath) ?? null;
  }

  /** The keys that an equality delete file deletes, of values in the columns' types. */
  async equalityKeys(
    file: DataFile,
    columns: readonly NeededColumn[],
    signal?: AbortSignal,
  ): Promise<KeySet> {
    const shape = columns.map(({ id, type }) => `${id}:${JSON.stringify(type)}`).join(",");
    return await this.#cache.getOrLoad(`equality ${shape} ${file.filePath}`, async (signal) => {
      const nameMapping = this.#nameMapping;
      const value = await loadEqualityKeys(this.#io, file, { columns, nameMapping, signal });
      return { value, bytes: value.byteLength };
    }, signal);
  }

  async #vector(file: DataFile, signal: AbortSignal | undefined): Promise<DeletedPositions> {
    const key = `vector ${file.contentOffset} ${file.filePath}`;
    return await this.#cache.getOrLoad(key, async (signal) => {
      const value = await loadDeletionVector(this.#io, file, { signal });
      return { value, bytes: file.contentSizeInBytes ?? 0 };
    }, signal);
  }
}
