/** Hadoop tables in real object stores: created, raced for and dropped. */
import assert from "node:assert/strict";
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { rejectsWith } from "../support/rejects.ts";
import { missingPeer, type S3Peer, startS3Server } from "../support/s3_server.ts";
import {
  assertColumnsOnce,
  definitionOf,
  PATIENT,
  raceColumns,
  storeOf,
} from "../support/writable_tables.ts";

const OPTIONS = { dataDir: null, storageRoots: [] };
const PEERS: readonly S3Peer[] = ["versitygw", "minio"];

for (const peer of PEERS) {
  const skip = missingPeer(peer);
  if (skip !== null) console.warn(`tests/conformance/catalog_s3_race_test.ts: SKIPPED, ${skip}`);
  Deno.test({
    name: `hadoop tables on ${peer} are created once, lose no commit, and are dropped`,
    ignore: skip !== null,
    fn: async () => {
      await using server = await startS3Server(peer);
      const bucket = await server.createBucket();
      const { endpoint, region, credentials } = server.spec();
      const open = () =>
        openCatalog(
          parseCatalogConfig({
            catalog_type: "hadoop",
            warehouse: `s3://${bucket}/wh`,
            extra_props: {
              "s3.endpoint": endpoint,
              "s3.region": region,
              "s3.access-key-id": credentials?.accessKeyId,
              "s3.secret-access-key": credentials?.secretAccessKey,
            },
          }, OPTIONS),
          OPTIONS,
        );
      const catalog = open();
      const definition = definitionOf("db.t", { properties: PATIENT });
      const created = await Promise.allSettled(
        Array.from({ length: 5 }, () => open().createTable(definition)),
      );
      assert.equal(created.filter(({ status }) => status === "fulfilled").length, 1);
      const location = await catalog.locate("db.t");
      const stores = Array.from({ length: 3 }, () => storeOf(open(), location));
      const outcome = await raceColumns(stores, { commits: 5 });
      assertColumnsOnce(await storeOf(catalog, location).load(), outcome);
      assert.equal(outcome.acknowledged.length, 15);
      await catalog.dropTable(await catalog.locate("db.t"));
      await rejectsWith(catalog.locate("db.t"), { kind: "not_found", code: "table_not_found" });
      assert.deepEqual(await catalog.listTables(), []);
      const next = await catalog.createTable(definition);
      assert.deepEqual(await catalog.locate("db.t"), next);
    },
  });
}
