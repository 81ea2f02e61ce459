/** The configuration verbs over a real state: roles, secrets, audit, two instances. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { z } from "zod";
import { AppError } from "../../lib/errors.ts";
import type { CallContext, Role } from "../../lib/access/mod.ts";
import type { CatalogConfig } from "../../lib/catalog/mod.ts";
import {
  type CatalogConfiguration,
  type ConfigurationInput,
  createConfiguration,
  REFRESH_INTERVAL_MS,
} from "../../lib/configuration/mod.ts";
import { silentLog } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { sql } from "../../lib/state/mod.ts";
import { type AccessFixture, callBy, withAccess } from "../support/access_fixture.ts";
import { json, serveTables, startFakeRestCatalog } from "../support/fake_rest_catalog.ts";

interface Fixture extends AccessFixture {
  /** A warehouse folder that exists and holds the table `db.t`. */
  readonly warehouse: string;
  /** An instance on the fixture's state. */
  start(
    options?: { initial?: CatalogConfig | null; reachTimeoutMs?: number },
  ): Promise<CatalogConfiguration>;
  caller(role: Role): Promise<CallContext>;
  readonly admin: CallContext;
}

function withConfiguration(test: (fixture: Fixture) => Promise<void>): Promise<void> {
  return withAccess(async (access) => {
    const { dataDir, state, clock } = access;
    const warehouse = `${dataDir}/wh`;
    await makeTable(`${warehouse}/db/t`);
    const started: CatalogConfiguration[] = [];
    let callers = 0;
    const caller = async (role: Role) => (await access.createCaller(`u${callers++}`, role)).ctx;
    const fixture: Fixture = {
      ...access,
      warehouse,
      caller,
      admin: await caller("Admin"),
      async start({ initial = hadoop(warehouse), ...options } = {}) {
        const configuration = await createConfiguration({
          state,
          clock,
          log: silentLog,
          instance: `instance-${started.length}`,
          initial,
          open: { dataDir, storageRoots: [], http: { sleep: () => Promise.resolve() } },
          ...options,
        });
        started.push(configuration);
        return configuration;
      },
    };
    await test(fixture);
    await Promise.all(started.map((configuration) => configuration.close()));
  });
}

async function makeTable(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/metadata`, { recursive: true });
  await Deno.writeTextFile(`${folder}/metadata/v1.metadata.json`, "{}");
}

function hadoop(warehouse: string): CatalogConfig {
  return { type: "hadoop", name: "drls", warehouse, uri: null, extraProps: {} };
}

function body(warehouse: string): ConfigurationInput {
  return { catalog_type: "hadoop", warehouse, catalog_name: "drls", uri: null, extra_props: {} };
}

const tableCount = (configuration: CatalogConfiguration) =>
  configuration.withCatalog(async (catalog) => (await catalog.listTables()).length);

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

/** The paths of the issues that a call is refused with. */
async function issuePaths(call: Promise<unknown>): Promise<readonly string[]> {
  const error = await call.then(() => null, (error: unknown) => error);
  ok(isCode("catalog_config_invalid")(error), String(error));
  return (error as AppError).issues.map(({ path }) => path);
}

Deno.test("get() shows the environment's configuration until one is stored", () =>
  withConfiguration(async ({ start, caller, warehouse, admin }) => {
    const configuration = await start();
    const auditor = await caller("Auditor");
    const expected = { configured: true, ...body(warehouse) };
    deepStrictEqual(await configuration.get(auditor), expected);
    const changed = { ...body(warehouse), catalog_name: "other" };
    deepStrictEqual(await configuration.put(admin, changed), { ...expected, ...changed });
    deepStrictEqual(await configuration.get(auditor), { ...expected, ...changed });
    // A restart with another environment: what is stored wins.
    const again = await start({ initial: hadoop("/elsewhere") });
    deepStrictEqual(await again.get(auditor), { ...expected, ...changed });
  }));

Deno.test("get() says where nothing is configured, and the catalog refuses its use", () =>
  withConfiguration(async ({ start, admin, warehouse }) => {
    const configuration = await start({ initial: null });
    strictEqual(configuration.isConfigured(), false);
    deepStrictEqual(await configuration.get(admin), {
      configured: false,
      catalog_type: null,
      warehouse: null,
      catalog_name: null,
      uri: null,
      extra_props: {},
    });
    await rejects(tableCount(configuration), isCode("catalog_not_configured"));
    await configuration.put(admin, body(warehouse));
    strictEqual(configuration.isConfigured(), true);
    strictEqual(await tableCount(configuration), 1);
  }));

Deno.test("put() rejects everybody below Admin, before it looks at the input", () =>
  withConfiguration(async ({ start, caller }) => {
    const configuration = await start();
    for (const role of ["Auditor", "DataEngineer", "LeadDataEngineer"] as const) {
      const ctx = await caller(role);
      await rejects(configuration.put(ctx, body("relative")), isCode("role_required"));
      strictEqual((await configuration.get(ctx)).configured, true);
    }
  }));

Deno.test("put() refuses a catalog that it cannot reach, and changes nothing", () =>
  withConfiguration(async ({ start, admin, warehouse, state }) => {
    const configuration = await start();
    const before = await configuration.get(admin);
    deepStrictEqual(await issuePaths(configuration.put(admin, body(`${warehouse}/none`))), [
      "warehouse",
    ]);
    const rest = { catalog_type: "rest", uri: "http://127.0.0.1:1" } as const;
    deepStrictEqual(await issuePaths(configuration.put(admin, rest)), ["uri"]);
    const sql = { catalog_type: "sql", warehouse, uri: "sqlite:///none.db" } as const;
    deepStrictEqual(await issuePaths(configuration.put(admin, sql)), ["uri"]);
    deepStrictEqual(await configuration.get(admin), before);
    strictEqual(await tableCount(configuration), 1);
    const { entries } = await auditOf(state);
    deepStrictEqual(entries, []);
  }));

Deno.test("put() gives up on a catalog that does not answer in time, and on a caller who left", () =>
  withConfiguration(async ({ start, admin }) => {
    const gate = Promise.withResolvers<void>();
    await using server = startFakeRestCatalog(async () => {
      await gate.promise;
      return json({});
    });
    const configuration = await start({ reachTimeoutMs: 30 });
    const rest = { catalog_type: "rest", uri: server.uri } as const;
    deepStrictEqual(await issuePaths(configuration.put(admin, rest)), ["uri"]);
    const patient = await start({ reachTimeoutMs: 5_000 });
    const gone = callBy(admin.principal, { signal: AbortSignal.abort() });
    await rejects(patient.put(gone, rest), isCode("cancelled"));
    gate.resolve();
  }));

Deno.test("put() names what is wrong with an input", () =>
  withConfiguration(async ({ start, admin, warehouse }) => {
    const configuration = await start();
    const wrong = { ...body("relative"), extra: 1 };
    deepStrictEqual(await issuePaths(configuration.put(admin, wrong)), ["extra"]);
    deepStrictEqual(await issuePaths(configuration.put(admin, body("relative"))), ["warehouse"]);
    const nessie: unknown = { ...body(warehouse), catalog_type: "nessie" };
    const put = configuration.put(admin, nessie as ConfigurationInput);
    deepStrictEqual(await issuePaths(put), ["catalog_type"]);
  }));

Deno.test("secrets are masked on the way out and kept when the mask comes back", () =>
  withConfiguration(async ({ start, admin, state }) => {
    await using server = startFakeRestCatalog(serveTables(["db.t"]));
    const configuration = await start();
    const extra_props = { token: "hunter2", "header.X-Key": "hunter2", "s3.region": "r" };
    const rest = { catalog_type: "rest", uri: server.uri, extra_props } as const;
    const shown = await configuration.put(admin, rest);
    const masked = { token: Secret.mask, "header.X-Key": Secret.mask, "s3.region": "r" };
    deepStrictEqual(shown.extra_props, masked);
    deepStrictEqual((await configuration.get(admin)).extra_props, masked);
    await configuration.put(admin, { ...rest, extra_props: { ...masked, "s3.region": "new" } });
    strictEqual(server.seen.at(-1)?.headers.get("authorization"), "Bearer hunter2");
    strictEqual(server.seen.at(-1)?.headers.get("x-key"), "hunter2");
    const audit = await auditOf(state);
    strictEqual(audit.entries.length, 2);
    ok(!audit.text.includes("hunter2"));
    ok(audit.text.includes(Secret.mask));
    // A restarted instance has the secret, not the mask.
    const again = await start();
    strictEqual(await tableCount(again), 1);
    strictEqual(server.seen.at(-1)?.headers.get("authorization"), "Bearer hunter2");
  }));

Deno.test("a mask is refused where nothing is stored, and where the address has changed", () =>
  withConfiguration(async ({ start, admin }) => {
    await using home = startFakeRestCatalog(serveTables([]));
    await using elsewhere = startFakeRestCatalog(serveTables([]));
    const configuration = await start();
    const rest = { catalog_type: "rest", uri: home.uri } as const;
    const mask = { token: Secret.mask };
    const path = ["extra_props.token"];
    deepStrictEqual(
      await issuePaths(configuration.put(admin, { ...rest, extra_props: mask })),
      path,
    );
    await configuration.put(admin, { ...rest, extra_props: { token: "hunter2" } });
    const moved = { ...rest, uri: elsewhere.uri, extra_props: mask };
    deepStrictEqual(await issuePaths(configuration.put(admin, moved)), path);
    strictEqual(elsewhere.seen.length, 0);
    const login = { ...rest, extra_props: { ...mask, "oauth2-server-uri": elsewhere.uri } };
    deepStrictEqual(await issuePaths(configuration.put(admin, login)), path);
    const beside = { ...rest, extra_props: { ...mask, uri: elsewhere.uri } };
    deepStrictEqual(await issuePaths(configuration.put(admin, beside)), ["extra_props.uri"]);
    strictEqual(elsewhere.seen.length, 0);
    await configuration.put(admin, { ...rest, warehouse: "renamed", extra_props: mask });
  }));

Deno.test("put() writes one audit row with both states, beside the change", () =>
  withConfiguration(async ({ start, admin, warehouse, access, state, caller }) => {
    const configuration = await start();
    const changed = { ...body(warehouse), catalog_name: "lake" };
    await configuration.put({ ...admin, agent: "helper" }, changed);
    const lead = await caller("LeadDataEngineer");
    const filter = { action: "config.put" };
    const { entries } = await access.listAudit(lead, { limit: 10, cursor: null, filter });
    strictEqual(entries.length, 1);
    const [entry] = entries;
    deepStrictEqual(entry?.before, { configured: true, ...body(warehouse) });
    deepStrictEqual(entry?.after, { configured: true, ...changed });
    deepStrictEqual([entry?.target, entry?.agent], ["config:catalog", "helper"]);
    strictEqual((await auditOf(state)).entries.length, 1);
  }));

Deno.test("another instance picks a change up within its interval", () =>
  withConfiguration(async ({ start, admin, warehouse, clock }) => {
    const [one, two] = [await start(), await start()];
    const told: string[] = [];
    two.subscribe((config) => told.push(config.name));
    await makeTable(`${warehouse}/db/t2`);
    await Deno.mkdir(`${warehouse}2/x`, { recursive: true });
    await one.put(admin, { ...body(`${warehouse}2`), catalog_name: "second" });
    strictEqual(await tableCount(one), 0);
    strictEqual(await tableCount(two), 2, "not yet");
    clock.advance(REFRESH_INTERVAL_MS);
    strictEqual(await tableCount(two), 0);
    strictEqual((await two.get(admin)).catalog_name, "second");
    deepStrictEqual(told, ["second"]);
    // A change builds on what the other instance has stored, interval or not.
    await one.put(admin, { ...body(warehouse), catalog_name: "third" });
    await two.put(admin, { ...body(warehouse), catalog_name: "fourth" });
    clock.advance(REFRESH_INTERVAL_MS);
    strictEqual((await one.get(admin)).catalog_name, "fourth");
  }));

Deno.test("of two changes at once one wins and the other is a conflict", () =>
  withConfiguration(async ({ start, admin, clock }) => {
    // Neither candidate is reached before both are asked for: the changes do overlap.
    const both = Promise.withResolvers<void>();
    let asked = 0;
    const tables = serveTables(["db.t"]);
    await using server = startFakeRestCatalog(async (request) => {
      if (request.path === "/v1/config" && ++asked === 2) both.resolve();
      await both.promise;
      return await tables(request) ?? new Response(null, { status: 404 });
    });
    const [one, two] = [await start(), await start()];
    const rest = { catalog_type: "rest", uri: server.uri } as const;
    const puts = await Promise.allSettled([
      one.put(admin, { ...rest, catalog_name: "one" }),
      two.put(admin, { ...rest, catalog_name: "two" }),
    ]);
    const lost = puts.filter((put) => put.status === "rejected");
    strictEqual(lost.length, 1);
    ok(isCode("stored_value_changed")(lost[0]?.reason));
    clock.advance(REFRESH_INTERVAL_MS);
    deepStrictEqual(await one.get(admin), await two.get(admin));
    strictEqual(await tableCount(one), 1);
    strictEqual(await tableCount(two), 1);
  }));

Deno.test("a stored configuration that cannot be opened does not stop the start", () =>
  withConfiguration(async ({ start, admin, warehouse, state }) => {
    const first = await start();
    await first.put(admin, body(warehouse));
    await state.transaction((tx) =>
      tx.run(sql`UPDATE settings SET value = replace(value, ${warehouse}, 'relative')`)
    );
    const second = await start();
    await rejects(tableCount(second), isCode("catalog_config_unusable"));
    strictEqual((await second.get(admin)).warehouse, "relative");
    await second.put(admin, body(warehouse));
    strictEqual(await tableCount(second), 1);
  }));

Deno.test("a wrong environment does stop it", () =>
  withConfiguration(async ({ start }) => {
    await rejects(start({ initial: hadoop("relative") }), isCode("catalog_config_invalid"));
  }));

Deno.test("the catalog in use stays while the state is away", () =>
  withConfiguration(async ({ start, state, clock }) => {
    const configuration = await start();
    await state.close();
    clock.advance(REFRESH_INTERVAL_MS);
    strictEqual(await tableCount(configuration), 1);
  }));

/** Audit rows of the configuration, and all of the audit as text. */
async function auditOf(state: AccessFixture["state"]) {
  const Row = z.object({
    action: z.string(),
    before: z.string().nullable(),
    after: z.string().nullable(),
  });
  const rows = await state.read(Row, sql`SELECT action, before, after FROM audit`);
  return {
    entries: rows.filter(({ action }) => action.startsWith("config.")),
    text: JSON.stringify(rows),
  };
}
