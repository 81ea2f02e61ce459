/** `deno task demo` as a process: what it fills, what it prints, and how it ends. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findTable, openCatalog } from "../../lib/catalog/mod.ts";
import { loadTable } from "../../lib/catalog/load/mod.ts";
import type { IcebergValue } from "../../lib/iceberg/spec/types.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { type DemoProcess, startDemo } from "../support/demo_process.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { readRows } from "../support/read_table.ts";

await readyParquet();

/** What the README's tour is made of: each table's severity, files, snapshots and rows. */
const TABLES = {
  "shop.customers": ["healthy", 1, 1, 2_000],
  "shop.events": ["warning", 14, 28, 20_950],
  "shop.orders": ["warning", 252, 252, 9_943],
  "shop.stock": ["warning", 60, 60, 400],
  "web.sessions": ["warning", 192, 192, 19_684],
} as const;

const GUIDE_END = /(to begin anew, remove the folder\.\n)/;

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-demo-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asks the server of a demo, with the token that it printed. */
async function ask(demo: DemoProcess, path: string): Promise<Record<string, unknown>> {
  const token = /^ {2}export TOKEN=(\S+)$/m.exec(demo.output())?.[1];
  const url = /listens on (\S+) /.exec(demo.output())?.[1];
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/${path}`, { headers });
  assert.equal(response.status, 200, path);
  return await response.json();
}

/** The live rows of a table, deletes applied. */
async function liveRows(warehouse: string, name: string): Promise<readonly IcebergValue[][]> {
  const config = { type: "hadoop", name: "drls", warehouse, uri: null, extraProps: {} } as const;
  const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
  const { io, metadata } = await loadTable(await findTable(catalog, name), { openStorage });
  await catalog.close();
  return (await readRows(io, metadata)).rows;
}

/** Until the orders have their fifth version: in the midst of it. */
async function untilFilling(dataDir: string): Promise<void> {
  const path = join(dataDir, "warehouse/shop/orders/metadata/v5.metadata.json");
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const info = await Deno.stat(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    });
    if (info !== null) return;
    assert.ok(performance.now() < giveUpAt, "filling does not begin");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("the demo, killed while it fills, begins anew, shows sick tables and keeps them", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "demo");
    const killed = await startDemo(dataDir);
    await untilFilling(dataDir);
    killed.child.kill("SIGKILL");
    await killed.ended();
    assert.ok(!killed.output().includes("listens on"));

    const before = Date.now();
    {
      await using demo = await startDemo(dataDir);
      await demo.printed(GUIDE_END);
      const { tables } = await ask(demo, "tables");
      assert.deepEqual(tables, Object.keys(TABLES));
      for (const [name, [severity, files, snapshots, rows]] of Object.entries(TABLES)) {
        const health = await ask(demo, `table/${name}/health`);
        assert.deepEqual(
          [health.severity, health.data_file_count, health.snapshot_count],
          [severity, files, snapshots],
          name,
        );
        assert.equal(health.read_only, null);
        const live = await liveRows(join(dataDir, "warehouse"), name);
        assert.equal(live.length, rows, name);
        const { timestamp } = health.newest_snapshot as { readonly timestamp: string };
        assert.ok(Date.parse(timestamp) <= before, `${name} has a snapshot of the future`);
      }
    }
    const stock = await liveRows(join(dataDir, "warehouse"), "shop.stock");
    assert.equal(new Set(stock.map(([product]) => product)).size, stock.length);
    const events = await liveRows(join(dataDir, "warehouse"), "shop.events");
    assert.deepEqual(events.filter((row) => row.at(-1) === "pricebot/2.1"), []);

    // A token that comes too late is none; the one that is printed is.
    const late = { DRLS_BOOTSTRAP_TOKEN: "a-token-that-comes-too-late" };
    await using again = await startDemo(dataDir, late);
    await again.printed(GUIDE_END);
    assert.ok(!again.output().includes("Writing the sample tables"));
    assert.match(again.output(), /Five sample tables lie in .+; they are as you left them\./);
    assert.deepEqual((await ask(again, "tables")).tables, Object.keys(TABLES));

    const port = /listens on http:\/\/[^:]+:(\d+) /.exec(again.output())?.[1] ?? "";
    await using second = await startDemo(dataDir, { PORT: port });
    assert.equal((await second.ended()).code, 1);
    assert.match(second.errors(), /^Cannot listen on .+: another program uses the port\. Stop it/);

    again.child.kill("SIGTERM");
    assert.equal((await again.ended()).code, 0);
    assert.match(again.errors(), /"message":"Stopped"/);
  }));

Deno.test("the demo says what stands in its way", () =>
  withFolder(async (folder) => {
    const failing = async (env: Readonly<Record<string, string>>) => {
      await using demo = await startDemo(folder, env);
      assert.equal((await demo.ended()).code, 1);
      assert.ok(!demo.errors().includes("    at "), "no stack for a mistake of the operator");
      return demo.errors();
    };
    await Deno.writeTextFile(join(folder, "mine"), "kept");
    assert.match(
      await failing({}),
      /^Cannot fill "[^"]+" with sample tables: it holds other files/,
    );
    const own = await failing({ DRLS_WAREHOUSE: "/tmp/lake" });
    assert.match(own, /^Cannot run the demo with a catalog or state of your own: unset /);
    assert.match(await failing({ PORT: "http" }), /PORT is "http": expected a whole number/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["mine"]);
  }));
