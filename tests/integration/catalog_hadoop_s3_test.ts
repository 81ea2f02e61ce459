/** Hadoop tables in an object store whose line is bad: the commit is one conditional PUT. */
import assert from "node:assert/strict";
import { HadoopCatalog } from "../../lib/catalog/hadoop_catalog.ts";
import { rejectsWith } from "../support/rejects.ts";
import { S3Fake } from "../support/s3_fake.ts";
import {
  assertColumnsOnce,
  commitOne,
  definitionOf,
  PATIENT,
  raceColumns,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

const FOLDER = "wh/db/t/metadata";

async function tableInFake(fake: S3Fake) {
  const io = fake.open();
  const storage = { local: null, s3: null };
  const catalog = new HadoopCatalog({ name: "drls", warehouse: "s3://bucket/wh", io, storage });
  const location = await catalog.createTable(definitionOf("db.t", { properties: PATIENT }));
  return { io, catalog, location, store: storeOf(catalog, location, io) };
}

Deno.test("a commit whose reply is lost is found to be its own, by the id on the object", async () => {
  await using fake = await S3Fake.start();
  const { store } = await tableInFake(fake);
  let lost = 0;
  fake.intercept(({ method, path }) => {
    if (method !== "PUT" || !path.endsWith("v2.metadata.json") || lost++ > 0) return null;
    fake.proxy.planReplies("lose");
    return null;
  });
  const table = await commitOne(store, settingProperties({ a: "b" }));
  assert.equal(lost > 0, true);
  assert.equal(table.metadataLocation, `s3://bucket/${FOLDER}/v2.metadata.json`);
  assert.equal(table.metadata.properties["a"], "b");
  assert.equal((await store.load()).metadataLocation, table.metadataLocation);
});

Deno.test("a store without conditional writes takes no tables and no commits", async () => {
  await using fake = await S3Fake.start({ ignoresConditions: true });
  await rejectsWith(tableInFake(fake), {
    kind: "unsupported",
    code: "conditional_create_unsupported",
  });
  assert.deepEqual([...fake.objects.keys()].filter((key) => key.endsWith(".json")), []);
});

Deno.test("of commits that race over a bad line to a store every acknowledged one is in", async () => {
  await using fake = await S3Fake.start();
  const { io, catalog, location, store } = await tableInFake(fake);
  let puts = 0;
  fake.intercept(({ method, path }) => {
    if (method === "PUT" && /v\d+\.metadata\.json$/.test(path) && ++puts % 5 === 0) {
      fake.proxy.planReplies("lose");
    }
    return null;
  });
  const stores = Array.from({ length: 3 }, () => storeOf(catalog, location, io));
  const outcome = await raceColumns(stores, { commits: 5 });
  assertColumnsOnce(await store.load(), outcome);
  assert.deepEqual(outcome.unknown, []);
  assert.equal(outcome.acknowledged.length, 15);
  const versions = [...fake.objects.keys()].filter((key) => /v\d+\.metadata\.json$/.test(key));
  assert.equal(versions.length, 16);
});
