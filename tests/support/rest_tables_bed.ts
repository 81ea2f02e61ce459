/** A REST catalog of a test's own, with a table to change. */
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import {
  type FakeRestCatalog,
  type SeenRequest,
  startFakeRestCatalog,
} from "./fake_rest_catalog.ts";
import { type ChangeFate, type FakeRestTables, fakeRestTables } from "./fake_rest_tables.ts";
import { definitionOf, PATIENT, storeOf } from "./writable_tables.ts";

/** A catalog that waits for nothing between attempts. */
export function openRest(uri: string, extraProps: Readonly<Record<string, string>> = {}): Catalog {
  const config = { type: "rest", name: "drls", warehouse: null, uri, extraProps } as const;
  const http = { timeoutMs: 2_000, sleep: () => Promise.resolve(), random: () => 0 };
  return openCatalog(config, { dataDir: null, storageRoots: [], http });
}

/** A server with tables, and a catalog on it. */
export interface RestBed {
  readonly fake: FakeRestTables;
  readonly server: FakeRestCatalog;
  readonly catalog: Catalog;
}

/** Runs `work` on a server of its own. */
export async function withRestTables(
  options: { readonly isIdempotent?: boolean },
  work: (bed: RestBed) => Promise<void>,
): Promise<void> {
  const fake = fakeRestTables(options);
  await using server = startFakeRestCatalog(fake.handler);
  await work({ fake, server, catalog: openRest(server.uri) });
}

/** The table `a.b.t`, opened, and a change of it. */
export async function openTable({ catalog }: RestBed) {
  const location = await catalog.createTable(definitionOf("a.b.t", { properties: PATIENT }));
  const store = storeOf(catalog, location);
  const base = await store.load();
  const change = {
    requirements: [{ type: "assert-table-uuid", uuid: base.metadata.tableUuid ?? "" }],
    updates: [{ action: "set-properties", updates: { a: "b" } }],
    metadata: { ...base.metadata, properties: { ...base.metadata.properties, a: "b" } },
  } as const;
  return { location, store, base, change };
}

/** Whether a request commits to `a.b.t`. */
export const isCommit = ({ method, path }: SeenRequest) => method === "POST" && path.endsWith("/t");
/** Those of a server's requests that committed. */
export const commits = (server: FakeRestCatalog) => server.seen.filter(isCommit);

/** The next commits meet these fates, one each; all others are done. */
export function fates(fake: FakeRestTables, next: readonly ChangeFate[]): void {
  const queue = [...next];
  fake.setFate((request) => isCommit(request) ? queue.shift() ?? null : null);
}
