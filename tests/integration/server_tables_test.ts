/** Tables through the whole server: process, catalog, isolates with narrow permissions. */
import assert from "node:assert/strict";
import { startServer } from "../support/server_process.ts";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";

async function withServer(
  warehouse: string,
  run: (get: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>,
): Promise<void> {
  const server = await startServer({ env: { DRLS_WAREHOUSE: warehouse } });
  const authorization = `Bearer ${server.token}`;
  try {
    await run((path, init) =>
      fetch(`${server.url}${path}`, {
        ...init,
        headers: { authorization, "content-type": "application/json" },
      })
    );
  } finally {
    await server.dispose();
  }
}

fixtureTest(
  "the server lists every table of a warehouse and answers each question on each",
  async () => {
    await withServer(FIXTURES, async (get) => {
      const { tables } = await (await get("/api/tables")).json();
      assert.ok(tables.length >= 15, `${tables.length} tables`);
      for (const table of tables) {
        for (const part of ["schema", "health", "snapshots", "refs", "files"]) {
          const response = await get(`/api/table/${encodeURIComponent(table)}/${part}`);
          const body = await response.json();
          assert.equal(response.status, 200, `${table} ${part}: ${JSON.stringify(body)}`);
          assert.equal(body.success, true);
        }
      }
    });
  },
);

fixtureTest("the server pages through tables without losing or repeating one", async () => {
  await withServer(FIXTURES, async (get) => {
    const { tables } = await (await get("/api/tables")).json();
    const paged: string[] = [];
    let cursor = "";
    do {
      const page = await (await get(`/api/tables?limit=4${cursor}`)).json();
      assert.ok(page.tables.length <= 4);
      paged.push(...page.tables);
      cursor = page.next_cursor === undefined ? "" : `&cursor=${page.next_cursor}`;
    } while (cursor !== "");
    assert.deepEqual(paged, tables);
  });
});

fixtureTest("a name may begin with the catalog's, and an unknown table is 404", async () => {
  await withServer(`${FIXTURES}/lineitem`, async (get) => {
    const status = async (table: string) => {
      const response = await get(`/api/table/${table}/schema`);
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await status("lineitem_iceberg"), 200);
    assert.equal(await status("drls.lineitem_iceberg"), 200);
    assert.equal(await status("other.lineitem_iceberg"), 404);
    assert.equal(await status("nothing.here"), 404);
  });
});

fixtureTest(
  "PUT /api/config takes effect at once, also on what the isolates may read",
  async () => {
    await withServer(`${FIXTURES}/lineitem`, async (get) => {
      const schema = async (table: string) => {
        const response = await get(`/api/table/${table}/schema`);
        await response.body?.cancel();
        return response.status;
      };
      assert.equal(await schema("lineitem_iceberg"), 200);
      const body = JSON.stringify({
        catalog_type: "hadoop",
        warehouse: `${FIXTURES}/hyperparam`,
        catalog_name: "drls",
        uri: null,
        extra_props: {},
      });
      const put = await get("/api/config", { method: "PUT", body });
      assert.equal(put.status, 200, await put.text());
      assert.equal(await schema("lineitem_iceberg"), 404);
      assert.equal(await schema("java.bunnies"), 200);
      const missing = JSON.stringify({ catalog_type: "hadoop", warehouse: "/no/such/folder" });
      const refused = await get("/api/config", { method: "PUT", body: missing });
      assert.equal(refused.status, 422);
      assert.equal((await refused.json()).errors[0].path, "warehouse");
      assert.equal(await schema("java.bunnies"), 200);
    });
  },
);
