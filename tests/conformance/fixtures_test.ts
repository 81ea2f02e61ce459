import assert from "node:assert/strict";
import { compareTables } from "./_figures.ts";
import { peerTest, runPeer } from "./_peers.ts";
import { startServer } from "./_server.ts";

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
