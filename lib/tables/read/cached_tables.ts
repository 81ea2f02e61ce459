/** Tables through a cache: their metadata, manifest lists and manifests, within one budget of bytes. */
import { createHash } from "node:crypto";
import { ByteBudgetCache, type Sized } from "../../byte_budget_cache.ts";
import { type LoadedDocument, loadTable } from "../../catalog/load/mod.ts";
import type { TableLocation } from "../../catalog/mod.ts";
import { estimateBytes } from "../../estimate_bytes.ts";
import { CachedManifests } from "./cached_manifests.ts";
import { keepStores, type OpenStorage } from "./kept_stores.ts";

/** What {@linkcode CachedTables} stand on. */
export interface CachedTablesDeps {
  readonly openStorage: OpenStorage;
  readonly cacheBytes: number;
}

/** A table with what tells it apart in the caches. */
export interface CachedTable {
  readonly table: LoadedDocument;
  /** The table's name and store: caches outlive a configuration, and another may reuse its paths. */
  readonly place: string;
  /** Tells documents apart that had the same path; see `versionOf`. */
  readonly version: string;
}

/** Loads tables; holds no file or connection open. */
export class CachedTables {
  /** What callers keep of tables beside what is kept here; keys begin with what they hold. */
  readonly cache: ByteBudgetCache;
  readonly #openStorage: OpenStorage;

  constructor({ openStorage, cacheBytes }: CachedTablesDeps) {
    this.cache = new ByteBudgetCache({ maxBytes: cacheBytes });
    this.#openStorage = keepStores(openStorage);
  }

  /** The table as it was located. Errors are those of `loadTable`. */
  async load(location: TableLocation, signal?: AbortSignal): Promise<CachedTable> {
    // A rest catalog sends the document, and fresh credentials, with every answer.
    if (location.kind === "rest") return (await this.#load(location, signal)).value;
    const version = await this.#versionOf(location, signal);
    const { metadataLocation, foundAt } = location;
    const key = JSON.stringify(["table", placeOf(location), version, metadataLocation, foundAt]);
    return await this.cache.getOrLoad(key, async (loading) => {
      const { value, bytes } = await this.#load(location, loading);
      return { value: { ...value, version }, bytes };
    }, signal);
  }

  /** The manifests of a loaded table. */
  manifests({ table, place }: CachedTable): CachedManifests {
    return new CachedManifests(table, { cache: this.cache, place });
  }

  async #load(
    location: TableLocation,
    signal: AbortSignal | undefined,
  ): Promise<Sized<CachedTable>> {
    const openStorage = this.#openStorage;
    const table = await loadTable(location, { openStorage, ...(signal ? { signal } : {}) });
    // Parsed strings are slices of the document, so its text stays in memory too.
    const bytes = table.documentBytes + estimateBytes(table.metadata);
    return { value: { table, place: placeOf(location), version: "" }, bytes };
  }

  /**
   * In a hadoop catalog a table that was dropped and created anew begins at `v1` again, so its files
   * are told apart by size and time. Elsewhere every document has a name of its own.
   */
  async #versionOf(
    { storage, foundAt, metadataLocation }: TableLocation & { kind: "file" },
    signal: AbortSignal | undefined,
  ): Promise<string> {
    if (foundAt === null) return "";
    const stat = await this.#openStorage(storage).stat(metadataLocation, signal);
    return stat === null ? "" : `${stat.sizeBytes}/${stat.modifiedAtMs}`;
  }
}

function placeOf({ identifier, storage }: TableLocation): string {
  // A digest, because it begins every key and the store's credentials are part of it.
  return createHash("sha256").update(JSON.stringify([identifier, storage])).digest("base64url");
}
