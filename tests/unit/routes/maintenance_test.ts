import assert from "node:assert/strict";
import type { Maintenance } from "../../../lib/maintenance/mod.ts";
import type { StartedOperation } from "../../../lib/operations/mod.ts";
import { as, harness, jsonRequest } from "./_harness.ts";

const RESULT = {
  success: true,
  operation: "compact",
  table: "db.events",
  details_json: '{"rewritten_files":10,"new_files":2}',
  operation_id: "0190-1",
} as const;

function started(): Promise<StartedOperation> {
  return Promise.resolve({
    id: "0190-1",
    kind: "compact",
    table: "db.events",
    detached: false,
    replayed: false,
    result: Promise.resolve(RESULT),
  });
}

/** An application whose verbs remember what they were asked. */
function recording() {
  const asked: (readonly [verb: string, body: unknown])[] = [];
  const verb = (name: string) => (_ctx: unknown, body: unknown) => {
    asked.push([name, body]);
    return started();
  };
  const maintenance: Maintenance = {
    compact: verb("compact"),
    expire: verb("expire"),
    removeOrphans: verb("removeOrphans"),
    rewriteManifests: verb("rewriteManifests"),
  };
  return { ...harness({ maintenance }), asked };
}

Deno.test("POST /api/compact answers as the reference shows", async () => {
  const { app, asked } = recording();
  const body = { table: "drls.db.events", strategy: "binpack", options: {} };
  const response = await app.request("/api/compact", jsonRequest("DataEngineer", body));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), RESULT);
  assert.deepEqual(asked, [["compact", { ...body, dry_run: false }]]);
});

Deno.test("POST /api/expire takes the reference's body", async () => {
  const { app, asked } = recording();
  const body = { table: "drls.db.events", retain_last: 5, older_than: null };
  const response = await app.request("/api/expire", jsonRequest("DataEngineer", body));
  assert.equal(response.status, 200);
  assert.deepEqual(asked, [
    ["expire", { ...body, clean_expired_metadata: false, dry_run: false }],
  ]);
});

for (const path of ["compact", "expire", "remove-orphans", "rewrite-manifests"]) {
  Deno.test(`POST /api/${path} rejects a read-only principal`, async () => {
    const { app, asked } = recording();
    const response = await app.request(
      `/api/${path}`,
      jsonRequest("Auditor", { table: "db.events" }),
    );
    assert.equal(response.status, 403);
    assert.deepEqual(asked, []);
  });

  Deno.test(`POST /api/${path} needs no more than a table`, async () => {
    const { app, asked } = recording();
    const request = jsonRequest("DataEngineer", { table: "db.events" });
    assert.equal((await app.request(`/api/${path}`, request)).status, 200);
    assert.equal(asked.length, 1);
  });

  Deno.test(`POST /api/${path} names unknown fields`, async () => {
    const { app, asked } = recording();
    const request = jsonRequest("DataEngineer", { table: "db.events", dryrun: true });
    const response = await app.request(`/api/${path}`, request);
    assert.equal(response.status, 422);
    const { errors } = await response.json();
    assert.deepEqual(errors.map((one: { path: string }) => one.path), ["dryrun"]);
    assert.deepEqual(asked, []);
  });
}

const REFUSED: readonly (readonly [path: string, body: object, field: string])[] = [
  ["compact", {}, "table"],
  ["compact", { table: "db.t", strategy: "shuffle" }, "strategy"],
  ["compact", { table: "db.t", options: { "rewrite-all": null } }, "options.rewrite-all"],
  ["compact", { table: "db.t", options: [] }, "options"],
  ["expire", { table: "db.t", retain_last: 0 }, "retain_last"],
  ["expire", { table: "db.t", older_than: "yesterday" }, "older_than"],
  ["expire", { table: "db.t", older_than: 1_700_000_000_000 }, "older_than"],
  ["expire", { table: "db.t", snapshot_ids: ["x"] }, "snapshot_ids.0"],
  ["expire", { table: "db.t", snapshot_ids: [9007199254740993] }, "snapshot_ids.0"],
  ["remove-orphans", { table: "db.t", older_than: "2026-13-01" }, "older_than"],
  ["remove-orphans", { table: "db.t", prefix_mismatch_mode: "NONE" }, "prefix_mismatch_mode"],
  ["rewrite-manifests", { table: "db.t", spec_id: -1 }, "spec_id"],
];

for (const [path, body, field] of REFUSED) {
  Deno.test(`POST /api/${path} refuses ${JSON.stringify(body)} by field`, async () => {
    const { app } = recording();
    const response = await app.request(`/api/${path}`, jsonRequest("DataEngineer", body));
    assert.equal(response.status, 422);
    const { errors } = await response.json();
    assert.deepEqual(errors.map((one: { path: string }) => one.path), [field]);
  });
}

Deno.test("the document shows maintenance's bodies closed and its times as texts", async () => {
  const { app } = harness();
  const response = await app.request("/api/openapi.json", { headers: as("Auditor") });
  const { components } = await response.json();
  for (const id of ["Compact", "Expire", "RemoveOrphans", "RewriteManifests"]) {
    const schema = components.schemas[`${id}Request`];
    assert.equal(schema.additionalProperties, false, id);
    assert.deepEqual(schema.required, ["table"], id);
  }
  const { older_than } = components.schemas.ExpireRequest.properties;
  assert.match(JSON.stringify(older_than), /date-time/);
});
