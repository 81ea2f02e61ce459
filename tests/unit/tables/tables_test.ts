import assert from "node:assert/strict";
import type { CallContext, Role } from "../../../lib/access/mod.ts";
import type { Catalog, TableLocation } from "../../../lib/catalog/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import type { SqlReader } from "../../../lib/state/mod.ts";
import { createTables, type TableReader } from "../../../lib/tables/mod.ts";
import { rejectsWith } from "../../support/rejects.ts";
import { TABLE_ANSWERS } from "../../support/table_answers.ts";

function contextOf(role: Role): CallContext {
  return {
    principal: { id: "user-1", name: "ada", role, credential: { kind: "development" } },
    requestId: "r-1",
    signal: new AbortController().signal,
    agent: null,
  };
}

const ctx = contextOf("Auditor");

/** A catalog of these dotted names, which records what it was asked to locate. */
function catalogOf(names: readonly string[]) {
  const located: string[] = [];
  const unused = () => Promise.reject(new Error("Not used here"));
  const identifiers = names.map((name) => ({
    namespace: name.split(".").slice(0, -1),
    name: name.split(".").at(-1) ?? "",
  }));
  const catalog: Catalog = {
    name: "drls",
    type: "hadoop",
    listNamespaces: () => Promise.resolve([["db"]]),
    listTables: () => Promise.resolve(identifiers),
    locate(name) {
      located.push(name);
      const identifier = identifiers[names.indexOf(name)];
      if (identifier === undefined) {
        return Promise.reject(new AppError("not_found", "table_not_found", `No table "${name}"`));
      }
      return Promise.resolve({
        kind: "file",
        identifier,
        metadataLocation: `/warehouse/${name}`,
        storage: { local: null, s3: null },
        foundAt: null,
      });
    },
    locateExactly: unused,
    commit: unused,
    createTable: unused,
    dropTable: unused,
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { catalog, located };
}

/** Verbs over a catalog and a reader that says which location it was given. */
function tablesOf(names: readonly string[]) {
  const { catalog, located } = catalogOf(names);
  const read: string[] = [];
  const reader: TableReader = {
    snapshots: () => TABLE_ANSWERS.snapshots(ctx, { table: "", limit: 1, cursor: null }),
    refs: () => TABLE_ANSWERS.refs(ctx, { table: "", limit: 1, cursor: null }),
    files: (_, query) => TABLE_ANSWERS.files(ctx, { table: "", ...query }),
    health: () => TABLE_ANSWERS.health(ctx, ""),
    async schema(location: TableLocation) {
      read.push(location.kind === "file" ? location.metadataLocation : "");
      return await TABLE_ANSWERS.schema(ctx, "");
    },
  };
  const state: SqlReader = { read: () => Promise.resolve([]) };
  const clock = { now: () => 0 };
  const tables = createTables({ withCatalog: (fn) => fn(catalog), reader, state, clock });
  return { tables, located, read };
}

Deno.test("schema() reads a table by its short and by its full name", async () => {
  const { tables, read } = tablesOf(["db.events"]);
  await tables.schema(ctx, "db.events");
  await tables.schema(ctx, "drls.db.events");
  assert.deepEqual(read, ["/warehouse/db.events", "/warehouse/db.events"]);
});

Deno.test("schema() finds a namespace that is called like the catalog", async () => {
  const { tables, read } = tablesOf(["drls.events", "drls.a.t"]);
  await tables.schema(ctx, "drls.events");
  await tables.schema(ctx, "drls.a.t");
  assert.deepEqual(read, ["/warehouse/drls.events", "/warehouse/drls.a.t"]);
});

Deno.test("schema() of a table in another catalog is not found, under the name that was asked", async () => {
  const { tables } = tablesOf(["db.events"]);
  const error = await rejectsWith(tables.schema(ctx, "other.db.events"), {
    kind: "not_found",
    code: "table_not_found",
  });
  assert.match(error.message, /"other\.db\.events"/);
});

Deno.test("schema() refuses an unusable name before asking the catalog", async () => {
  const { tables, located } = tablesOf(["db.events"]);
  await rejectsWith(tables.schema(ctx, "../secrets"), {
    kind: "invalid",
    code: "invalid_table_name",
  });
  assert.deepEqual(located, []);
});

Deno.test("list() sorts names and pages through them without gaps or repeats", async () => {
  const names = ["db.c", "db.a", "ns.b", "db.b"];
  const { tables } = tablesOf(names);
  assert.deepEqual((await tables.list(ctx, { limit: 10, cursor: null })).tables, names.toSorted());
  const paged: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await tables.list(ctx, { limit: 3, cursor });
    paged.push(...page.tables);
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  assert.deepEqual(paged, names.toSorted());
});

Deno.test("list() goes on after a table that was dropped between two pages", async () => {
  const before = await tablesOf(["db.a", "db.b", "db.c"]).tables.list(ctx, {
    limit: 2,
    cursor: null,
  });
  const after = await tablesOf(["db.a", "db.c"]).tables.list(ctx, {
    limit: 2,
    cursor: before.next_cursor ?? null,
  });
  assert.deepEqual(after.tables, ["db.c"]);
  assert.equal(after.next_cursor, undefined);
});

Deno.test("list() names namespaces in dotted form", async () => {
  const { tables } = tablesOf(["db.a"]);
  assert.deepEqual((await tables.list(ctx, { limit: 1, cursor: null })).namespaces, ["db"]);
});
