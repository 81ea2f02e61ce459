import assert from "node:assert/strict";
import { compareTables } from "./_figures.ts";
import { findJar, peerTest, runPeer } from "./_peers.ts";
import { startServer } from "./_server.ts";

peerTest("tables that Spark writes into a hadoop warehouse read the same", ["spark"], {
  fn: async (t) => {
    const warehouse = await Deno.makeTempDir({ prefix: "drls-spark-" });
    try {
      const report = await runPeer("spark", "spark_warehouse.py", {
        args: [warehouse, findJar("iceberg-spark-runtime")],
        timeoutMs: 400_000,
      });
      const tables = Object.values(report.tables);
      assert.deepEqual([...new Set(tables.map((table) => table.format_version))].sort(), [1, 2, 3]);
      assert(tables.some((table) => table.deletion_vectors > 0));
      assert(tables.some((table) => table.position_delete_files > 0));
      await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
      await compareTables(t, server, { report });
    } finally {
      await Deno.remove(warehouse, { recursive: true });
    }
  },
});
