import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import type { Services } from "../../../routes/mod.ts";
import { CONFIGURATION_ANSWERS } from "../../support/configuration_answers.ts";
import { as, harness, jsonRequest } from "./_harness.ts";

const SENT = {
  catalog_type: "hadoop",
  warehouse: "/tmp/warehouse",
  catalog_name: "drls",
  uri: null,
  extra_props: {},
};

function setup(parts: Partial<Services["configuration"]> = {}) {
  return harness({ configuration: { ...CONFIGURATION_ANSWERS, ...parts } }).app;
}

Deno.test("GET /api/config answers in the form of the reference", async () => {
  const response = await setup().request("/api/config", { headers: as("Auditor") });
  assert.equal(response.status, 200);
  assert.deepEqual(Object.keys(await response.json()), [
    "configured",
    "catalog_type",
    "warehouse",
    "catalog_name",
    "uri",
    "extra_props",
  ]);
});

Deno.test("PUT /api/config takes the body of the reference, and from an Admin only", async () => {
  let seen: unknown = null;
  const app = setup({
    put: (ctx, input) => {
      seen = input;
      return CONFIGURATION_ANSWERS.put(ctx, input);
    },
  });
  assert.equal((await app.request("/api/config", jsonRequest("Admin", SENT, "PUT"))).status, 200);
  assert.deepEqual(seen, SENT);
  const lead = jsonRequest("LeadDataEngineer", SENT, "PUT");
  assert.equal((await app.request("/api/config", lead)).status, 403);
});

Deno.test("PUT /api/config names the catalogs to use instead of one that drls lacks", async () => {
  for (const catalog_type of ["hive", "glue", "nessie"]) {
    const init = jsonRequest("Admin", { ...SENT, catalog_type }, "PUT");
    const response = await setup().request("/api/config", init);
    const { errors } = await response.json();
    assert.equal(response.status, 422);
    assert.equal(errors[0].path, "catalog_type");
    assert.match(errors[0].message, /rest|hadoop|sql/);
  }
});

Deno.test("PUT /api/config names unknown fields", async () => {
  const init = jsonRequest("Admin", { ...SENT, warehuse: "/x" }, "PUT");
  const response = await setup().request("/api/config", init);
  assert.equal(response.status, 422);
  assert.deepEqual((await response.json()).errors, [{
    path: "warehuse",
    message: "Unknown field",
  }]);
});

Deno.test("PUT /api/config is 409 where another instance was first", async () => {
  const conflict = new AppError("conflict", "config_changed", "Cannot store the configuration");
  const app = setup({ put: () => Promise.reject(conflict) });
  assert.equal((await app.request("/api/config", jsonRequest("Admin", SENT, "PUT"))).status, 409);
});
