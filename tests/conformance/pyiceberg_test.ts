import assert from "node:assert/strict";
import { compareTables } from "./_figures.ts";
import { peerTest, runPeer } from "./_peers.ts";
import { startServer } from "./_server.ts";

peerTest("tables that PyIceberg writes into a SQLite catalog read the same", ["pyiceberg"], {
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "drls-pyiceberg-" });
    try {
      const warehouse = `${folder}/warehouse`;
      await Deno.mkdir(warehouse);
      const report = await runPeer("pyiceberg", "pyiceberg_sql.py", {
        args: [`${folder}/catalog.db`, warehouse, "drls"],
        timeoutMs: 120_000,
      });
      assert(Object.keys(report.tables).length >= 18);
      await using server = await startServer({
        DRLS_CATALOG_TYPE: "sql",
        DRLS_CATALOG_NAME: "drls",
        DRLS_CATALOG_URI: `sqlite:///${folder}/catalog.db`,
        DRLS_WAREHOUSE: warehouse,
      });
      await compareTables(t, server, { report });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
