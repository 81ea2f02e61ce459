import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import type { Tables, TableSchema } from "../../../lib/tables/mod.ts";
import { MAX_TABLE_PAGE } from "../../../routes/tables.ts";
import { as, harness } from "./_harness.ts";

const SCHEMA: TableSchema = {
  success: true,
  table: "db.events",
  columns: [{ name: "id", type: "bigint", nullable: false, comment: null, id: 1 }],
  schema_id: 0,
  format_version: 2,
  partition_by: [],
  sort_order: [],
  identifier_columns: [],
  read_only: null,
};

async function get(path: string, tables: Partial<Tables>) {
  const { app } = harness({ tables });
  const response = await app.request(path, { headers: as("Auditor") });
  return { status: response.status, body: await response.json() };
}

Deno.test("GET /api/tables lists all up to the named bound", async () => {
  const seen: unknown[] = [];
  const list: Tables["list"] = (ctx, page) => {
    seen.push([ctx.principal.role, page]);
    return Promise.resolve({ namespaces: ["db"], tables: ["db.events"] });
  };
  const { status, body } = await get("/api/tables", { list });
  assert.equal(status, 200);
  assert.deepEqual(body, { namespaces: ["db"], tables: ["db.events"] });
  assert.deepEqual(seen, [["Auditor", { limit: MAX_TABLE_PAGE, cursor: null }]]);
});

Deno.test("GET /api/tables takes a limit and a cursor", async () => {
  let seen: unknown = null;
  const list: Tables["list"] = (_, page) => {
    seen = page;
    return Promise.resolve({ namespaces: [], tables: [], next_cursor: "c2" });
  };
  const { body } = await get("/api/tables?limit=7&cursor=c1", { list });
  assert.deepEqual(seen, { limit: 7, cursor: "c1" });
  assert.equal(body.next_cursor, "c2");
});

Deno.test("a limit that is no whole number within its bound is 422", async () => {
  for (const limit of ["0", "-1", "1.5", "1e3", "0x10", " 5", "", "ten", `${MAX_TABLE_PAGE + 1}`]) {
    const { status, body } = await get(`/api/tables?limit=${encodeURIComponent(limit)}`, {});
    assert.equal(status, 422, limit);
    assert.equal(body.errors[0].path, "limit");
    assert.match(body.errors[0].message, /whole number from 1 to 10000/);
  }
});

Deno.test("GET /api/table/{table_name}/schema passes the name as it was written", async () => {
  const names: string[] = [];
  const schema: Tables["schema"] = (_, table) => {
    names.push(table);
    return Promise.resolve(SCHEMA);
  };
  for (
    const written of [
      "db.events",
      "drls.db.events",
      "d%C3%A9p%C3%B4t.t",
      "a%20b.c",
      "100%25.t",
      "t",
    ]
  ) {
    assert.equal((await get(`/api/table/${written}/schema`, { schema })).status, 200);
  }
  assert.deepEqual(names, ["db.events", "drls.db.events", "dépôt.t", "a b.c", "100%.t", "t"]);
});

Deno.test("a name that no table can have is 422", async () => {
  for (const name of [".", "a.", ".a", "a..b", "a%2Fb.c", "a%5Cb.c", "a.%20b", "a%00.b", "a%0A"]) {
    // A URL drops segments that are only dots, so those are wrapped.
    const { status, body } = await get(`/api/table/x${name}x.${name}/schema`, {});
    assert.equal(status, 422, name);
    assert.equal(body.errors[0].path, "table_name");
  }
  assert.equal((await get(`/api/table/${"a".repeat(1025)}/schema`, {})).status, 422);
});

Deno.test("a table that is not there is 404, a corrupt one 422, both with their code", async () => {
  const failing = (kind: "not_found" | "corrupt_data", code: string) => ({
    health: () => Promise.reject(new AppError(kind, code, "Cannot read the table")),
  });
  const missing = await get("/api/table/a.b/health", failing("not_found", "table_not_found"));
  assert.deepEqual([missing.status, missing.body.code], [404, "table_not_found"]);
  const corrupt = await get("/api/table/a.b/health", failing("corrupt_data", "bad_metadata"));
  assert.deepEqual([corrupt.status, corrupt.body.code], [422, "bad_metadata"]);
});

Deno.test("GET .../snapshots and .../refs pass the page", async () => {
  const seen: unknown[] = [];
  const base = { success: true, table: "a.b" } as const;
  const tables: Partial<Tables> = {
    snapshots: (_, input) => {
      seen.push(input);
      return Promise.resolve({ ...base, current_snapshot_id: null, snapshots: [] });
    },
    refs: (_, input) => {
      seen.push(input);
      return Promise.resolve({ ...base, refs: [] });
    },
  };
  await get("/api/table/a.b/snapshots?limit=2", tables);
  await get("/api/table/a.b/refs?cursor=x", tables);
  assert.deepEqual(seen, [
    { table: "a.b", limit: 2, cursor: null },
    { table: "a.b", limit: MAX_TABLE_PAGE, cursor: "x" },
  ]);
});

Deno.test("GET .../files narrows by content and travels in time", async () => {
  const seen: unknown[] = [];
  const files: Tables["files"] = (_, input) => {
    seen.push([input.content, input.at]);
    return Promise.resolve({ success: true, table: "a.b", snapshot_id: null, files: [] });
  };
  const now = { snapshotId: null, ref: null, timestamp: null };
  for (
    const query of [
      "",
      "?content=data",
      "?snapshot_id=-9223372036854775808",
      "?ref=main",
      "?timestamp=2026-01-01T00:00:00Z",
    ]
  ) assert.equal((await get(`/api/table/a.b/files${query}`, { files })).status, 200, query);
  assert.deepEqual(seen, [
    [null, now],
    ["data", now],
    [null, { ...now, snapshotId: "-9223372036854775808" }],
    [null, { ...now, ref: "main" }],
    [null, { ...now, timestamp: "2026-01-01T00:00:00Z" }],
  ]);
});

Deno.test("GET .../files refuses two moments at once and ids that are none", async () => {
  const both = await get("/api/table/a.b/files?ref=main&snapshot_id=1", {});
  assert.equal(both.status, 422);
  assert.match(both.body.errors[0].message, /only one of/);
  for (
    const query of [
      "snapshot_id=abc",
      "snapshot_id=1.5",
      "content=rows",
      "colour=red",
      "timestamp=1",
      "timestamp=",
      "timestamp=2026-01-01T00:00:00",
    ]
  ) {
    assert.equal((await get(`/api/table/a.b/files?${query}`, {})).status, 422, query);
  }
});
