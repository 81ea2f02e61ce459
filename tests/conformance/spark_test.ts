import assert from "node:assert/strict";
import { compareTables } from "./_figures.ts";
import { type Figures, findJar, peerTest, runPeer } from "./_peers.ts";
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
      await compareTables(t, server, { report, translate: fromSpark });
    } finally {
      await Deno.remove(warehouse, { recursive: true });
    }
  },
});

/** Spark calls the zoned timestamp `timestamp`; the API keeps Iceberg's names. */
function fromSpark(figures: Figures): Figures {
  const names: Readonly<Record<string, string>> = {
    timestamp: "timestamptz",
    timestamp_ntz: "timestamp",
  };
  const columns = figures.columns.map((column) => ({
    ...column,
    type: column.type.replace(/\btimestamp(?:_ntz)?\b/g, (name) => names[name] ?? name),
  }));
  return { ...figures, columns };
}
