import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import type { Catalog, CatalogConfig } from "../../../lib/catalog/mod.ts";
import { CurrentCatalog } from "../../../lib/configuration/current_catalog.ts";

/** A catalog that only knows whether it was closed. */
function fakeCatalog(name: string, close: () => Promise<void> = () => Promise.resolve()) {
  const calls = { closed: 0 };
  const unused = () => Promise.reject(new Error("Not used here"));
  const catalog: Catalog = {
    name,
    type: "hadoop",
    listNamespaces: unused,
    listTables: unused,
    locate: unused,
    locateExactly: unused,
    commit: unused,
    createTable: unused,
    dropTable: unused,
    ping: unused,
    close: () => {
      calls.closed++;
      return close();
    },
  };
  return { catalog, calls };
}

function configOf(name: string): CatalogConfig {
  return { type: "hadoop", name, warehouse: "/wh", uri: null, extraProps: {} };
}

function holder() {
  const failures: string[] = [];
  return { current: new CurrentCatalog((message) => failures.push(message)), failures };
}

const configured = (name: string, epoch: number, catalog: Catalog | AppError) => ({
  config: configOf(name),
  epoch,
  catalog,
});

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("use() refuses while nothing is configured, and after close()", async () => {
  const { current } = holder();
  await rejects(current.use(() => Promise.resolve(1)), isCode("catalog_not_configured"));
  const { catalog, calls } = fakeCatalog("a");
  current.swap(configured("a", 0, catalog));
  strictEqual(await current.use((used) => Promise.resolve(used.name)), "a");
  await current.close();
  strictEqual(calls.closed, 1);
  await rejects(current.use(() => Promise.resolve(1)), isCode("catalog_not_configured"));
});

Deno.test("swap() lets calls under way finish on the old catalog, then closes it once", async () => {
  const { current } = holder();
  const [old, next] = [fakeCatalog("old"), fakeCatalog("next")];
  current.swap(configured("old", 0, old.catalog));
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const calls = gates.map((gate) =>
    current.use(async (catalog) => {
      await gate.promise;
      return `${catalog.name} ${old.calls.closed}`;
    })
  );
  current.swap(configured("next", 1, next.catalog));
  strictEqual(await current.use((catalog) => Promise.resolve(catalog.name)), "next");
  gates[0]?.resolve();
  strictEqual(await calls[0], "old 0");
  strictEqual(old.calls.closed, 0);
  gates[1]?.resolve();
  strictEqual(await calls[1], "old 0");
  strictEqual(old.calls.closed, 1);
  strictEqual(next.calls.closed, 0);
});

Deno.test("swap() closes an unused catalog at once, also after a failed call", async () => {
  const { current } = holder();
  const old = fakeCatalog("old");
  current.swap(configured("old", 0, old.catalog));
  await rejects(current.use(() => Promise.reject(new Error("call failed"))), /call failed/);
  current.swap(configured("next", 1, fakeCatalog("next").catalog));
  strictEqual(old.calls.closed, 1);
});

Deno.test("swap() passes over what is not newer, and closes it", async () => {
  const { current } = holder();
  const [newer, older] = [fakeCatalog("newer"), fakeCatalog("older")];
  current.swap(configured("newer", 3, newer.catalog));
  const told: string[] = [];
  current.subscribe((config) => told.push(config.name));
  current.swap(configured("older", 2, older.catalog));
  current.swap(configured("same", 3, older.catalog));
  strictEqual(await current.use((catalog) => Promise.resolve(catalog.name)), "newer");
  deepStrictEqual([newer.calls.closed, older.calls.closed, told], [0, 2, []]);
});

Deno.test("subscribe() tells of each new configuration until it ends", () => {
  const { current, failures } = holder();
  const told: string[] = [];
  current.subscribe(() => {
    throw new Error("broken listener");
  });
  const end = current.subscribe((config) => told.push(config.name));
  current.swap(configured("a", 0, fakeCatalog("a").catalog));
  current.swap(configured("b", 1, fakeCatalog("b").catalog));
  end();
  current.swap(configured("c", 2, fakeCatalog("c").catalog));
  deepStrictEqual(told, ["a", "b"]);
  strictEqual(failures.length, 3);
});

Deno.test("close() waits for every catalog in use, the old ones too", async () => {
  const { current } = holder();
  const [old, next] = [fakeCatalog("old"), fakeCatalog("next")];
  current.swap(configured("old", 0, old.catalog));
  const gate = Promise.withResolvers<void>();
  const call = current.use(() => gate.promise);
  current.swap(configured("next", 1, next.catalog));
  let closed = false;
  const closing = current.close().then(() => closed = true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  deepStrictEqual([closed, next.calls.closed, old.calls.closed], [false, 1, 0]);
  gate.resolve();
  await Promise.all([call, closing]);
  strictEqual(old.calls.closed, 1);
  const late = fakeCatalog("late");
  current.swap(configured("late", 9, late.catalog));
  strictEqual(late.calls.closed, 1);
});

Deno.test("close() does not fail where a catalog cannot be closed", async () => {
  const { current, failures } = holder();
  const broken = fakeCatalog("broken", () => Promise.reject(new Error("stuck")));
  current.swap(configured("broken", 0, broken.catalog));
  await current.close();
  deepStrictEqual(failures, ["Cannot close a catalog"]);
});

Deno.test("use() says why a configuration cannot be used", async () => {
  const { current } = holder();
  const failure = new AppError("unavailable", "catalog_config_unusable", "Cannot use the catalog");
  current.swap(configured("broken", 1, failure));
  await rejects(current.use(() => Promise.resolve(1)), isCode("catalog_config_unusable"));
  strictEqual(current.configured?.config.name, "broken");
  await current.close();
});
