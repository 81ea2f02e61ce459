/** The Iceberg REST catalog, as a client (Iceberg's open-api specification). */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { type Clock, systemClock } from "../clock.ts";
import { mapConcurrently } from "../concurrency.ts";
import { formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";
import { HttpClient, type HttpResponse } from "./_http.ts";
import { compareNames, readings, tableNotFound } from "./_names.ts";
import { restFailure } from "./_rest_errors.ts";
import { namespaceSeparator, type Properties } from "./_rest_properties.ts";
import { RestSession } from "./_rest_session.ts";
import { SharedCall } from "./_shared_call.ts";
import { createRestTable } from "./_rest_create.ts";
import { isSameTable } from "./_rest_identity.ts";
import { commitFailure, dropFailure, sendChange } from "./_rest_writes.ts";
import { isUnknown } from "./_written_metadata.ts";
import type {
  CallOptions,
  Catalog,
  CatalogCommit,
  TableDefinition,
  TableLocation,
} from "./ports.ts";

/** Listings under way at once. */
const MAX_CONCURRENT_LISTINGS = 16;
/** Pages of one listing; servers choose their length, typically 100 to 1,000 entries. */
const MAX_PAGES = 2_000;
const MAX_NAMESPACES = 20_000;
const MAX_TABLES = 100_000;
/** Namespaces nest this deep at most. */
const MAX_DEPTH = 12;
/** Ways to read a dotted name that are tried before it counts as unknown. */
const MAX_READINGS = 8;
/** Times a table is dropped whose answers are lost. */
const MAX_DROPS = 3;
/** A table's metadata with all its snapshots. */
const MAX_TABLE_BYTES = 256 * 1024 * 1024;

/** Parts of a {@linkcode RestCatalog}. */
export interface RestCatalogOptions {
  readonly name: string;
  /** The address that `/v1/config` lies below. */
  readonly uri: string;
  /** The warehouse's name, as the server knows it. */
  readonly warehouse: string | null;
  /** `extra_props`: authentication, `header.*`, `prefix`, storage defaults. */
  readonly properties: Properties;
  /** Storage by the session's merged properties; a table's vended credentials win over it. */
  readonly toStorage: (properties: Properties) => StorageSpec;
  readonly http?: HttpClient;
  readonly clock?: Clock;
}

const NextPage = z.string().nullish();
const NamespacePage = z.object({
  namespaces: z.array(z.array(z.string())),
  "next-page-token": NextPage,
});
const TablePage = z.object({
  identifiers: z.array(z.object({ namespace: z.array(z.string()), name: z.string() })),
  "next-page-token": NextPage,
});

/** A {@linkcode Catalog} over the Iceberg REST protocol. */
export class RestCatalog implements Catalog {
  readonly type = "rest";
  readonly name: string;
  readonly #options: RestCatalogOptions;
  readonly #http: HttpClient;
  #session: RestSession | null = null;
  readonly #opening: SharedCall<RestSession>;
  /** Namespaces are needed to list tables too; asked for together, they are listed once. */
  readonly #namespaces: SharedCall<readonly (readonly string[])[]>;

  constructor(options: RestCatalogOptions) {
    this.name = options.name;
    this.#options = options;
    this.#http = options.http ?? new HttpClient();
    this.#opening = new SharedCall((signal) => this.#open(signal), { joinRunning: true });
    this.#namespaces = new SharedCall((signal) => this.#walkNamespaces(signal));
  }

  async listNamespaces(options: CallOptions = {}): Promise<readonly (readonly string[])[]> {
    return await this.#namespaces.call(options.signal);
  }

  async listTables(options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const { signal } = options;
    const namespaces = await this.#namespaces.call(signal);
    const session = await this.#connect(signal);
    let count = 0;
    const tables = await mapConcurrently(namespaces, async (namespace) => {
      const found = await this.#tablesIn(session, namespace, signal);
      count += found.length;
      if (count > MAX_TABLES) throw tooLarge(`${MAX_TABLES} tables`);
      return found;
    }, { limit: MAX_CONCURRENT_LISTINGS });
    return tables.flat()
      .map((table) => ({ table, name: formatIdentifier(table) }))
      .sort((a, b) => compareNames(a.name, b.name))
      .map(({ table }) => table);
  }

  async locate(name: string, options: CallOptions = {}): Promise<TableLocation> {
    const session = await this.#connect(options.signal);
    for (const identifier of readings(name, MAX_READINGS)) {
      const found = await this.#load(session, identifier, options);
      if (found !== null) return found;
    }
    throw tableNotFound(name);
  }

  async locateExactly(
    identifier: TableIdentifier,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    const session = await this.#connect(options.signal);
    const found = await this.#load(session, identifier, options);
    if (found === null) throw tableNotFound(formatIdentifier(identifier));
    return found;
  }

  async commit(
    identifier: TableIdentifier,
    commit: CatalogCommit,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    if (commit.kind !== "rest") throw new TypeError("Cannot commit to a REST catalog by a swap");
    const { body, idempotencyKey } = commit;
    const { signal } = options;
    const session = await this.#connect(signal);
    const action = `commit to table "${formatIdentifier(identifier)}"`;
    const path = this.#tablePath(session, identifier);
    const change = { method: "POST", path, body, action } as const;
    const answer = await sendChange(session, change, { signal, idempotencyKey });
    if (answer.status < 200 || answer.status > 299) throw commitFailure(answer, identifier);
    return this.#locationOf(session, identifier, answer);
  }

  async createTable(
    definition: TableDefinition,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    const { signal } = options;
    const session = await this.#connect(signal);
    const encode = (namespace: readonly string[]) => this.#encode(session, namespace);
    const answer = await createRestTable(session, definition, { encode, signal });
    return this.#locationOf(session, definition.identifier, answer);
  }

  async dropTable(location: TableLocation, options: CallOptions = {}): Promise<void> {
    if (location.kind !== "rest") throw new TypeError("Cannot drop another catalog's table");
    const session = await this.#connect(options.signal);
    const name = formatIdentifier(location.identifier);
    if (!await this.#isThere(session, location, options)) throw tableNotFound(name);
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#drop(session, location.identifier, options);
      } catch (error) {
        if (!isUnknown(error) || attempt === MAX_DROPS) throw error;
        const isThere = await this.#isThere(session, location, {}).catch(() => {
          throw error; // What the drop came to is what was asked.
        });
        // Gone after an answer was lost: by us or by another, and there is no telling them apart.
        if (!isThere) return;
      }
    }
  }

  async #isThere(
    session: RestSession,
    location: TableLocation & { kind: "rest" },
    options: CallOptions,
  ): Promise<boolean> {
    const now = await this.#load(session, location.identifier, options);
    return now !== null && isSameTable(location, now);
  }

  async #drop(
    session: RestSession,
    identifier: TableIdentifier,
    { signal }: CallOptions,
  ): Promise<void> {
    const answer = await sendChange(session, {
      method: "DELETE",
      path: this.#tablePath(session, identifier),
      query: { purgeRequested: "false" },
      action: `drop table "${formatIdentifier(identifier)}"`,
    }, { signal, idempotencyKey: uuidV7(Date.now()) });
    if (answer.status < 200 || answer.status > 299) throw dropFailure(answer, identifier);
  }

  /** The table as the server knows it; null where it knows none of that name. */
  async #load(
    session: RestSession,
    identifier: TableIdentifier,
    { signal }: CallOptions,
  ): Promise<TableLocation & { kind: "rest" } | null> {
    const action = `load table "${formatIdentifier(identifier)}"`;
    const response = await session.get({
      path: this.#tablePath(session, identifier),
      headers: { "x-iceberg-access-delegation": "vended-credentials" },
      maxBytes: MAX_TABLE_BYTES,
      action,
      signal,
    });
    if (response.status === 404) return null;
    if (response.status !== 200) throw restFailure(response, action);
    return this.#locationOf(session, identifier, response);
  }

  #locationOf(
    session: RestSession,
    identifier: TableIdentifier,
    { body }: HttpResponse,
  ): TableLocation & { kind: "rest" } {
    const storage = this.#options.toStorage(session.properties);
    return { kind: "rest", identifier, response: body, storage };
  }

  #tablePath(session: RestSession, { namespace, name }: TableIdentifier): string {
    return `namespaces/${this.#encode(session, namespace)}/tables/${encodeURIComponent(name)}`;
  }

  /** Renews the configuration too, so that a changed server is noticed. */
  async ping(options: CallOptions = {}): Promise<void> {
    const session = await this.#opening.call(options.signal);
    await session.getJson({
      path: "namespaces",
      query: { pageSize: "1" },
      action: "reach the catalog",
      signal: options.signal,
    }, NamespacePage);
  }

  /** Holds nothing open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #connect(signal: AbortSignal | undefined): Promise<RestSession> {
    return this.#session ?? await this.#opening.call(signal);
  }

  async #open(signal: AbortSignal): Promise<RestSession> {
    const { uri, warehouse, properties, clock = systemClock } = this.#options;
    const parts = { uri, warehouse, properties, clock, http: this.#http };
    return this.#session = await RestSession.open(parts, { previous: this.#session, signal });
  }

  async #walkNamespaces(signal: AbortSignal): Promise<readonly (readonly string[])[]> {
    const session = await this.#connect(signal);
    const found = new Map<string, readonly string[]>();
    let level: readonly (readonly string[])[] = [[]];
    for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
      const children = await mapConcurrently(
        level,
        (parent) => this.#namespacesIn(session, parent, signal),
        { limit: MAX_CONCURRENT_LISTINGS },
      );
      // A server that ignores "parent" answers with the same namespaces again.
      level = children.flat().filter((namespace) => !found.has(namespace.join("\x1f")));
      for (const namespace of level) found.set(namespace.join("\x1f"), namespace);
      if (found.size > MAX_NAMESPACES) throw tooLarge(`${MAX_NAMESPACES} namespaces`);
    }
    return [...found.values()].sort((a, b) => compareNames(a.join("."), b.join(".")));
  }

  async #namespacesIn(
    session: RestSession,
    parent: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (readonly string[])[]> {
    const separator = namespaceSeparator(session.properties);
    const query = parent.length === 0 ? {} : { parent: parent.join(separator) };
    const pages = this.#pages(session, { path: "namespaces", query, signal }, NamespacePage);
    const found: (readonly string[])[] = [];
    try {
      for await (const page of pages) found.push(...page.namespaces);
    } catch (error) {
      // Some catalogs have one level only and refuse the question; others hide what is below.
      if (parent.length > 0 && isRefusal(error)) return [];
      throw error;
    }
    return found.filter((namespace) =>
      namespace.length > parent.length && namespace.every((level) => level !== "") &&
      parent.every((level, index) => namespace[index] === level)
    );
  }

  /** Tables of a namespace; none where it is gone meanwhile, or closed to our credentials. */
  async #tablesIn(
    session: RestSession,
    namespace: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly TableIdentifier[]> {
    const path = `namespaces/${this.#encode(session, namespace)}/tables`;
    const found: TableIdentifier[] = [];
    try {
      for await (const page of this.#pages(session, { path, query: {}, signal }, TablePage)) {
        found.push(...page.identifiers);
      }
    } catch (error) {
      if (isRefusal(error)) return [];
      throw error;
    }
    return found;
  }

  async *#pages<T extends { readonly "next-page-token"?: string | null | undefined }>(
    session: RestSession,
    request: {
      path: string;
      query: Readonly<Record<string, string>>;
      signal: AbortSignal | undefined;
    },
    schema: z.ZodType<T>,
  ): AsyncGenerator<T> {
    const pageSize = session.properties["rest-page-size"];
    // An empty token asks for pages; servers without paging answer whole and send no token.
    let token = "";
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const paging = { pageToken: token, ...(pageSize === undefined ? {} : { pageSize }) };
      const query = { ...request.query, ...paging };
      const page = await session.getJson({ ...request, query, action: "list the catalog" }, schema);
      yield page;
      const next = page["next-page-token"] ?? "";
      if (next === "") return;
      if (next === token) throw tooLarge("one page, and repeats it without end");
      token = next;
    }
    throw tooLarge(`${MAX_PAGES} pages`);
  }

  #encode(session: RestSession, namespace: readonly string[]): string {
    const separator = encodeURIComponent(namespaceSeparator(session.properties));
    return namespace.map(encodeURIComponent).join(separator);
  }
}

/** The server's "no", as opposed to its being unwell or not accepting us at all. */
function isRefusal(error: unknown): boolean {
  const codes = ["catalog_forbidden", "catalog_not_found", "catalog_refused"];
  return error instanceof AppError && codes.includes(error.code);
}

function tooLarge(bound: string): AppError {
  const message = `Cannot list the catalog: it holds more than ${bound}`;
  return new AppError("too_large", "catalog_too_large", message);
}
