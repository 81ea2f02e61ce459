import assert from "node:assert/strict";
import { compareTables } from "./_figures.ts";
import { type PeerReport, peerTest, runPeer } from "./_peers.ts";
import { type RestServer, startNessie, startRestFixture } from "./_rest_servers.ts";
import { startServer } from "./_server.ts";

peerTest("tables of the Iceberg project's REST server read the same, behind OAuth2", [
  "pyiceberg",
  "rest_fixture",
], {
  fn: async (t) => {
    await using catalog = await startRestFixture();
    const credential = "peer:secret";
    const report = await write(catalog, { credential });
    assert("db.inner.most.deep" in report.tables);
    const env = {
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: catalog.uri,
      DRLS_STORAGE_ROOTS: catalog.warehouse,
    };
    await using server = await startServer({
      ...env,
      DRLS_CATALOG_PROPS: JSON.stringify({ credential }),
    });
    await compareTables(t, server, { report });
    await t.step(
      "without the credential the answer is a problem that names no secret",
      async () => {
        await using refused = await startServer(env);
        const response = await refused.fetch("/tables");
        assert.equal(response.status, 503);
        assert.equal(response.headers.get("content-type"), "application/problem+json");
        await response.body?.cancel();
      },
    );
  },
});

peerTest("tables of a Nessie server read the same, with the credentials it vends", [
  "pyiceberg",
  "nessie",
  "s3",
], {
  fn: async (t) => {
    await using catalog = await startNessie();
    const report = await write(catalog, { warehouse: catalog.warehouse }, ["--plain"]);
    assert("db.inner.most.deep" in report.tables);
    // No key of the store is given: all access is by what the catalog hands out.
    await using server = await startServer({
      DRLS_CATALOG_TYPE: "rest",
      DRLS_CATALOG_URI: catalog.uri,
      DRLS_WAREHOUSE: catalog.warehouse,
    });
    await compareTables(t, server, { report });
  },
});

async function write(
  catalog: RestServer,
  properties: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<PeerReport> {
  return await runPeer("pyiceberg", "pyiceberg_rest.py", {
    args: [JSON.stringify({ uri: catalog.uri, ...properties }), ...flags],
    timeoutMs: 180_000,
  });
}
