/** The race suite against real servers: object stores, and the Iceberg project's REST catalog. */
import { readyParquet } from "../support/parquet_module.ts";
import { missingPeer, type S3Peer, startS3Server } from "../support/s3_server.ts";
import { configuredBed } from "../race/_beds.ts";
import { runRace } from "../race/_race.ts";
import { peerTest } from "./_peers.ts";
import { startRestFixture } from "./_rest_servers.ts";

await readyParquet();

const PEERS: readonly S3Peer[] = ["versitygw", "minio"];
const SEEDS = [1, 2, 3];

for (const peer of PEERS) {
  const skip = missingPeer(peer);
  if (skip !== null) console.warn(`tests/conformance/race_test.ts: SKIPPED, ${skip}`);
  Deno.test({
    name: `no race for a hadoop table on ${peer} loses, doubles or brings back a row`,
    ignore: skip !== null,
    fn: async () => {
      await using server = await startS3Server(peer);
      const bucket = await server.createBucket();
      const { endpoint, region, credentials } = server.spec();
      const config = {
        catalog_type: "hadoop",
        warehouse: `s3://${bucket}/wh`,
        extra_props: {
          "s3.endpoint": endpoint,
          "s3.region": region,
          "s3.access-key-id": credentials?.accessKeyId,
          "s3.secret-access-key": credentials?.secretAccessKey,
        },
      };
      for (const seed of SEEDS) {
        const openBed = (options: Parameters<typeof configuredBed>[1]) =>
          configuredBed(config, options);
        await runRace({ seed, catalog: "hadoop-s3", openBed });
      }
    },
  });
}

peerTest("no race for a table of the REST test server loses, doubles or brings back a row", [
  "rest_fixture",
], {
  fn: async () => {
    await using server = await startRestFixture();
    const config = {
      catalog_type: "rest",
      uri: server.uri,
      warehouse: server.warehouse,
      extra_props: { credential: "peer:secret" },
    };
    for (const seed of SEEDS) {
      const openBed = (options: Parameters<typeof configuredBed>[1]) =>
        configuredBed(config, options);
      await runRace({ seed, catalog: "rest", openBed });
    }
  },
});
