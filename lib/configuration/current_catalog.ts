/**
 * The catalog in use. It can be exchanged at any time: calls under way keep the one that they
 * began with, which is closed once the last of them has settled.
 */
import { AppError } from "../errors.ts";
import type { Catalog, CatalogConfig } from "../catalog/mod.ts";

/** Told of each configuration that comes into use, also of another instance's. */
export type ConfigurationListener = (config: CatalogConfig) => void;

/** A configuration and what became of it. */
export interface ConfiguredCatalog {
  readonly config: CatalogConfig;
  /** 0 for the environment's, from 1 on for stored ones. */
  readonly epoch: number;
  /** The open catalog, or why this binary cannot open it. */
  readonly catalog: Catalog | AppError;
}

interface Lease {
  readonly configured: ConfiguredCatalog;
  users: number;
  retired: boolean;
  readonly closed: PromiseWithResolvers<void>;
}

/** Holds the current catalog, and those before it that are still in use. */
export class CurrentCatalog {
  #current: Lease | null = null;
  readonly #leases = new Set<Lease>();
  readonly #listeners = new Set<ConfigurationListener>();
  readonly #onFailure: (message: string, error: unknown) => void;
  #ended = false;

  /** `onFailure` hears of what no caller waits for: a listener's or a closing catalog's error. */
  constructor(onFailure: (message: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** What is configured, or null. */
  get configured(): ConfiguredCatalog | null {
    return this.#current?.configured ?? null;
  }

  /** Runs `fn` with the current catalog, which stays open until it settles. */
  async use<T>(fn: (catalog: Catalog) => Promise<T>): Promise<T> {
    const lease = this.#current;
    if (lease === null) {
      const message = this.#ended
        ? "Cannot use the catalog: the server is stopping"
        : "Cannot use the catalog: none is configured; set one with PUT /api/config";
      throw new AppError("unavailable", "catalog_not_configured", message);
    }
    const { catalog } = lease.configured;
    if (catalog instanceof AppError) throw catalog;
    lease.users++;
    try {
      return await fn(catalog);
    } finally {
      lease.users--;
      this.#closeIfIdle(lease);
    }
  }

  /**
   * Puts a newer configuration in use, and tells the listeners. One that is not newer is closed
   * again: another instance's may have come in between.
   */
  swap(next: ConfiguredCatalog): void {
    const lease: Lease = {
      configured: next,
      users: 0,
      retired: false,
      closed: Promise.withResolvers(),
    };
    this.#leases.add(lease);
    const previous = this.#current;
    if (this.#ended || (previous !== null && next.epoch <= previous.configured.epoch)) {
      this.#retire(lease);
      return;
    }
    this.#current = lease;
    if (previous !== null) this.#retire(previous);
    for (const listener of this.#listeners) {
      try {
        listener(next.config);
      } catch (error) {
        this.#onFailure("A listener of the catalog configuration failed", error);
      }
    }
  }

  /** Calls `listener` with each configuration to come; the result ends that. */
  subscribe(listener: ConfigurationListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Refuses new calls; resolves when the last catalog in use is closed. */
  async close(): Promise<void> {
    this.#ended = true;
    const current = this.#current;
    this.#current = null;
    if (current !== null) this.#retire(current);
    await Promise.all([...this.#leases].map((lease) => lease.closed.promise));
  }

  #retire(lease: Lease): void {
    lease.retired = true;
    this.#closeIfIdle(lease);
  }

  #closeIfIdle(lease: Lease): void {
    if (!lease.retired || lease.users > 0 || !this.#leases.delete(lease)) return;
    const { catalog } = lease.configured;
    const closing = catalog instanceof AppError ? Promise.resolve() : catalog.close();
    closing
      .catch((error: unknown) => this.#onFailure("Cannot close a catalog", error))
      .finally(() => lease.closed.resolve());
  }
}
