import assert from "node:assert/strict";
import { copyFolder } from "./_copy_folder.ts";
import { compareTables } from "./_figures.ts";
import { peerTest, runPeer } from "./_peers.ts";
import { startServer } from "./_server.ts";
import type { HealthReport, TableList } from "../../lib/tables/mod.ts";

/** Tables that several engines wrote, copied away from where they were written. */
const FIXTURES = new URL("../../../shared/fixtures/iceberg", import.meta.url).pathname;

/** Of PyIceberg 0.12 none; a table it cannot open is checked in a test of its own. */
const UNREADABLE: readonly string[] = [];

peerTest("every fixture table reads as PyIceberg reads it", ["pyiceberg"], {
  fn: async (t) => {
    const report = await runPeer("pyiceberg", "pyiceberg_fixtures.py", {
      args: [FIXTURES],
      timeoutMs: 120_000,
    });
    assert.deepEqual(Object.keys(report.unreadable ?? {}), UNREADABLE);
    assert.equal(Object.keys(report.tables).length, 19);
    await using server = await startServer({ DRLS_WAREHOUSE: FIXTURES });
    await compareTables(t, server, { report });
  },
});

Deno.test("a table with broken files is refused by itself, and the others read on", async (t) => {
  const warehouse = await Deno.makeTempDir({ prefix: "drls-broken-" });
  try {
    await copyFolder(`${FIXTURES}/partition_bigint`, `${warehouse}/db/whole`);
    await copyFolder(`${FIXTURES}/partition_bigint`, `${warehouse}/db/cut_metadata`);
    await truncate(`${warehouse}/db/cut_metadata/metadata/v2.metadata.json`);
    await copyFolder(`${FIXTURES}/partition_bigint`, `${warehouse}/db/cut_manifest`);
    await truncate(
      `${warehouse}/db/cut_manifest/metadata/715c1cc2-5c99-4a8d-95b3-5b43e05ccc04-m0.avro`,
    );
    await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
    const { tables } = await server.get<TableList>("/tables");
    assert.deepEqual(tables, ["db.cut_manifest", "db.cut_metadata", "db.whole"]);
    for (const table of ["db.cut_manifest", "db.cut_metadata"]) {
      await t.step(`${table} is a problem that shows no host path`, async () => {
        const response = await server.fetch(`/table/${table}/health`);
        const text = await response.text();
        assert.equal(response.status, 422, text);
        assert.equal(response.headers.get("content-type"), "application/problem+json");
        assert(!text.includes(warehouse), text);
      });
    }
    await t.step("db.whole reads", async () => {
      const report = await server.get<HealthReport>("/table/db.whole/health");
      assert.equal(report.data_file_count, 2);
    });
  } finally {
    await Deno.remove(warehouse, { recursive: true });
  }
});

/** Cuts a file to half its length. */
async function truncate(path: string): Promise<void> {
  await Deno.truncate(path, Math.floor((await Deno.stat(path)).size / 2));
}
