import assert from "node:assert/strict";
import type { StartedOperation } from "../../../lib/operations/mod.ts";
import type { TableChanges } from "../../../lib/tables/mod.ts";
import { as, harness, jsonRequest } from "./_harness.ts";

const RESULT = {
  success: true,
  operation: "add-column",
  table: "db.events",
  details_json: "{}",
  operation_id: "0190-1",
} as const;

/** An application whose verbs remember what they were asked. */
function recording() {
  const asked: (readonly [verb: string, body: unknown])[] = [];
  const verb = (name: string) => (_ctx: unknown, body: unknown): Promise<StartedOperation> => {
    asked.push([name, body]);
    return Promise.resolve({
      id: "0190-1",
      kind: "add-column",
      table: "db.events",
      detached: false,
      replayed: false,
      result: Promise.resolve(RESULT),
    });
  };
  const tableChanges: TableChanges = {
    addColumn: verb("addColumn"),
    renameColumn: verb("renameColumn"),
    dropColumn: verb("dropColumn"),
    updateColumn: verb("updateColumn"),
    rollback: verb("rollback"),
    create: verb("create"),
    append: verb("append"),
    drop: verb("drop"),
  };
  return { ...harness({ tableChanges }), asked };
}

/** Every route with the smallest body that it takes. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "/api/evolve/add-column": { table: "db.events", name: "source", type: "STRING" },
  "/api/evolve/rename-column": { table: "db.events", old_name: "payload", new_name: "data" },
  "/api/evolve/drop-column": { table: "db.events", name: "source" },
  "/api/evolve/update-column": { table: "db.events", name: "id", type: "bigint" },
  "/api/rollback": { table: "db.events", snapshot_id: "9007199254740993" },
  "/api/tables": { table: "db.events", schema: [{ name: "id", type: "BIGINT" }] },
};

async function post(path: string, body: unknown) {
  const { app, asked } = recording();
  const response = await app.request(path, jsonRequest("DataEngineer", body));
  return { response, asked };
}

for (const [path, body] of Object.entries(ROUTES)) {
  Deno.test(`POST ${path} needs no more than this`, async () => {
    const { response, asked } = await post(path, body);
    assert.equal(response.status, path === "/api/tables" ? 201 : 200);
    assert.deepEqual(await response.json(), RESULT);
    assert.equal(asked.length, 1);
  });

  Deno.test(`POST ${path} rejects a read-only principal`, async () => {
    const { app, asked } = recording();
    assert.equal((await app.request(path, jsonRequest("Auditor", body))).status, 403);
    assert.deepEqual(asked, []);
  });

  Deno.test(`POST ${path} names unknown and missing fields, and does nothing`, async () => {
    const { response, asked } = await post(path, { ...body, dryrun: true });
    assert.equal(response.status, 422);
    assert.match(JSON.stringify((await response.json()).errors), /dryrun/);
    for (const field of Object.keys(body)) {
      if (path.endsWith("update-column") && field === "type") continue;
      const { [field]: _, ...rest } = body;
      const missing = await post(path, rest);
      assert.equal(missing.response.status, 422);
      const { errors } = await missing.response.json();
      assert(errors.some((error: { path: string }) => error.path === field), field);
      assert.deepEqual(missing.asked, []);
    }
    assert.deepEqual(asked, []);
  });
}

Deno.test("POST /api/evolve/add-column takes the reference's body", async () => {
  const body = {
    table: "drls.db.events",
    name: "source",
    type: "STRING",
    after: "ts",
    comment: "Event source",
  };
  const { asked } = await post("/api/evolve/add-column", body);
  assert.deepEqual(asked, [["addColumn", { ...body, nullable: true, dry_run: false }]]);
});

Deno.test("POST /api/evolve/… takes one position at most", async () => {
  for (const path of ["/api/evolve/add-column", "/api/evolve/update-column"]) {
    const both = await post(path, { ...ROUTES[path], first: true, after: "ts" });
    assert.equal(both.response.status, 422);
    assert.match(JSON.stringify(await both.response.json()), /only one of first, after and before/);
    const one = await post(path, { ...ROUTES[path], first: false, after: "ts", before: null });
    assert.equal(one.response.status, 200);
  }
});

Deno.test("POST /api/evolve/update-column wants something to change", async () => {
  for (const more of [{}, { type: null, first: false }, { dry_run: true }]) {
    const { response } = await post("/api/evolve/update-column", {
      table: "db.t",
      name: "a",
      ...more,
    });
    assert.equal(response.status, 422);
    assert.match(JSON.stringify(await response.json()), /Expected something to change/);
  }
  for (const more of [{ comment: null }, { default: null }, { nullable: false }, { first: true }]) {
    const body = { table: "db.t", name: "a", ...more };
    assert.equal((await post("/api/evolve/update-column", body)).response.status, 200);
  }
});

Deno.test("POST /api/rollback takes ids as text, and as numbers that are exact", async () => {
  const { asked } = await post("/api/rollback", { table: "db.t", snapshot_id: 42 });
  assert.deepEqual(asked, [["rollback", { table: "db.t", snapshot_id: "42", dry_run: false }]]);
  for (const id of ["x", "", "-1", 1.5, null, "12345678901234567890"]) {
    const { response } = await post("/api/rollback", { table: "db.t", snapshot_id: id });
    assert.equal(response.status, 422, String(id));
  }
  const inexact = '{"table":"db.t","snapshot_id":9007199254740993}';
  assert.equal((await post("/api/rollback", inexact)).response.status, 422);
});

Deno.test("POST /api/tables takes the whole body, with defaults for what it leaves out", async () => {
  const body = {
    table: "db.events",
    schema: [{ name: "id", type: "BIGINT", nullable: false, comment: "key" }],
    partition_by: ["day(ts)", "bucket(16, id)"],
    sort_order: ["ts desc nulls last"],
    properties: { owner: "ann" },
    format_version: 3,
  };
  const { asked } = await post("/api/tables", body);
  assert.deepEqual(asked, [["create", { ...body, identifier_columns: [], dry_run: false }]]);
  const { asked: [[, least] = []] } = await post("/api/tables", ROUTES["/api/tables"]);
  assert.deepEqual(least, {
    table: "db.events",
    schema: [{ name: "id", type: "BIGINT", nullable: true }],
    partition_by: [],
    sort_order: [],
    identifier_columns: [],
    properties: {},
    format_version: 2,
    dry_run: false,
  });
});

Deno.test("POST /api/tables answers a dry run with 200: nothing was created", async () => {
  const { response } = await post("/api/tables", { ...ROUTES["/api/tables"], dry_run: true });
  assert.equal(response.status, 200);
});

Deno.test("POST /api/tables names each field that is wrong", async () => {
  const { response, asked } = await post("/api/tables", {
    table: "db.events",
    schema: [{ name: "id", type: "int", nulable: true }, { type: "int" }],
    properties: { retries: 5 },
    format_version: 4,
  });
  assert.equal(response.status, 422);
  const paths = (await response.json()).errors.map((error: { path: string }) => error.path);
  for (const path of ["schema.1.name", "properties.retries", "format_version"]) {
    assert(paths.includes(path), `${path} in ${paths}`);
  }
  assert(paths.some((path: string) => path.startsWith("schema.0")));
  assert.deepEqual(asked, []);
});

Deno.test("DELETE /api/table/{t} drops, and purges only where it is told", async () => {
  const { app, asked } = recording();
  const remove = (query: string, role: "Auditor" | "DataEngineer" = "DataEngineer") =>
    app.request(`/api/table/db.events${query}`, { method: "DELETE", headers: as(role) });
  assert.equal((await remove("")).status, 200);
  assert.equal((await remove("?purge=true")).status, 200);
  assert.equal((await remove("?purge=false&dry_run=true")).status, 200);
  const table = "db.events";
  assert.deepEqual(asked, [
    ["drop", { table, purge: false, dry_run: false }],
    ["drop", { table, purge: true, dry_run: false }],
    ["drop", { table, purge: false, dry_run: true }],
  ]);
  for (const query of ["?purge=yes", "?purge=", "?prge=true", "?purge=true&purge=false"]) {
    assert.equal((await remove(query)).status, 422, query);
  }
  assert.equal((await remove("", "Auditor")).status, 403);
  assert.equal(asked.length, 3);
});
