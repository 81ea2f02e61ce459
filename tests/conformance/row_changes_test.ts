/** Rows that drls deletes by key and partitions that it replaces, read by Spark; and what Spark changed, as drls tells it. */
import assert from "node:assert/strict";
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import {
  DataFileWriter,
  deleteRows,
  KeyBag,
  LatestRows,
  readChanges,
} from "../../lib/columnar/mod.ts";
import { replacePartitions } from "../../lib/iceberg/commit/snapshot/replace_partitions.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { planChanges } from "../../lib/iceberg/scan/plan_changes.ts";
import { currentSchema, defaultSpec } from "../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../lib/iceberg/spec/types.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { batchOfRows, rowsOfBatch } from "../support/rows.ts";
import { SparkSession } from "./_peer_process.ts";
import { findJar, peerTest } from "./_peers.ts";
import { byRegion, byText, inTempDir, OPTIONS, Ours } from "./_snapshot_tables.ts";

type Row = readonly IcebergValue[];

/** The table as it is, with what changing it needs. */
async function stateOf(ours: Ours) {
  const { metadata, io } = await ours.store.load();
  const manifests = manifestSource(io, metadata);
  const schema = currentSchema(metadata);
  return { metadata, io, manifests, schema, snapshot: await ours.head() };
}

async function write(ours: Ours, rows: readonly Row[]) {
  const { metadata, io, schema } = await stateOf(ours);
  const spec = defaultSpec(metadata);
  const operationId = uuidV7(Date.now());
  const writer = new DataFileWriter({ io, metadata, schema, spec, operationId });
  await writer.write(batchOfRows(schema.fields, rows));
  return await writer.finish();
}

async function upsert(ours: Ours, rows: readonly Row[]): Promise<void> {
  const state = await stateOf(ours);
  const latest = new LatestRows({ schema: state.schema, ids: [1] });
  latest.add(batchOfRows(state.schema.fields, rows));
  const { keys } = latest;
  const news = [...latest.rows()].flatMap((batch) => rowsOfBatch(batch, state.schema.fields));
  const prepared = await deleteRows(state, { keys, operationId: uuidV7(Date.now()) });
  await ours.commit(
    rowDelta({ rows: await write(ours, news), ...prepared.delta }),
  );
}

async function deleteKeys(ours: Ours, ids: readonly bigint[]): Promise<void> {
  const state = await stateOf(ours);
  const keys = new KeyBag({ schema: state.schema, ids: [1] });
  keys.add(batchOfRows(state.schema.fields, ids.map((id) => [id, null])));
  const prepared = await deleteRows(state, { keys, operationId: uuidV7(Date.now()) });
  await ours.commit(rowDelta(prepared.delta));
}

/** What the latest snapshot changed. */
async function changes(ours: Ours) {
  const { metadata, io, manifests, schema, snapshot } = await stateOf(ours);
  const plan = await planChanges({ metadata, snapshot, manifests });
  const found: [string, number, unknown][] = [];
  for await (const { kind, batch } of readChanges(plan, { io, metadata, schema })) {
    for (const [id, region] of rowsOfBatch(batch, schema.fields)) {
      found.push([kind, Number(id), region]);
    }
  }
  return found.sort(byText);
}

async function rowsIn(spark: SparkSession, table: string): Promise<readonly unknown[]> {
  await spark.sql(`REFRESH TABLE ${table}`);
  return await spark.sql(`SELECT id, region FROM ${table} ORDER BY id`);
}

peerTest(
  "Spark reads rows without those that drls deleted by key, and drls tells what Spark changed",
  [
    "spark",
    "pyiceberg",
  ],
  {
    fn: async (t) => {
      await readyParquet();
      await inTempDir(async (dir) => {
        const config = parseCatalogConfig({ catalog_type: "hadoop", warehouse: dir }, OPTIONS);
        const catalog = openCatalog(config, OPTIONS);
        await using spark = await SparkSession.start(dir, findJar("iceberg-spark-runtime"));
        for (const formatVersion of [2, 3] as const) {
          await t.step(`format v${formatVersion}`, async () => {
            const table = `db.v${formatVersion}`;
            await catalog.createTable(byRegion(table, formatVersion));
            await using ours = await Ours.open(catalog, table);
            await walk(ours, spark, table);
          });
        }
        await catalog.close();
      });
    },
  },
);

async function walk(ours: Ours, spark: SparkSession, table: string): Promise<void> {
  await spark.sql(
    `INSERT INTO ${table} VALUES (1, 'eu'), (2, 'eu'), (3, 'us'), (4, 'us'), (5, NULL), (6, 'eu')`,
  );
  await upsert(ours, [[2n, "old"], [9n, "ap"], [2n, "us"]]);
  await deleteKeys(ours, [4n, 5n, 77n]);
  await deleteKeys(ours, [3n]);
  const left = [[1, "eu"], [2, "us"], [6, "eu"], [9, "ap"]];
  assert.deepEqual(await rowsIn(spark, table), left);
  assert.deepEqual(await changes(ours), [["delete", 3, "us"]]);
  // Copy on write, which carries over what lies beside; then merge on read.
  for (const mode of ["copy-on-write", "merge-on-read"]) {
    const settings = ["delete", "update", "merge"].map((name) => `'write.${name}.mode'='${mode}'`);
    await spark.sql(`ALTER TABLE ${table} SET TBLPROPERTIES (${settings.join()})`);
    await spark.sql(`INSERT INTO ${table} VALUES (20, 'eu'), (21, 'eu'), (22, 'eu'), (23, 'us')`);
    await spark.sql(`UPDATE ${table} SET region = 'ap' WHERE id IN (20, 23)`);
    assert.deepEqual(
      await changes(ours),
      [
        ["delete", 20, "eu"],
        ["delete", 23, "us"],
        ["insert", 20, "ap"],
        ["insert", 23, "ap"],
      ],
      mode,
    );
    await spark.sql(`DELETE FROM ${table} WHERE id IN (21, 23)`);
    assert.deepEqual(await changes(ours), [["delete", 21, "eu"], ["delete", 23, "ap"]], mode);
    await deleteKeys(ours, [20n, 22n]);
    assert.deepEqual(await rowsIn(spark, table), left, mode);
  }
  await spark.sql(
    `CALL peer.system.rewrite_data_files(table => '${table}', options => map('rewrite-all', 'true'))`,
  );
  assert.deepEqual(await changes(ours), []);
  await ours.commit(replacePartitions({ files: await write(ours, [[30n, "eu"], [31n, null]]) }));
  assert.deepEqual(await rowsIn(spark, table), [[2, "us"], [9, "ap"], [30, "eu"], [31, null]]);
  assert.equal((await ours.head()).summary["replace-partitions"], "true");
  await spark.sql("SET spark.sql.sources.partitionOverwriteMode=dynamic");
  await spark.sql(`INSERT OVERWRITE ${table} VALUES (40, 'eu'), (2, 'us')`);
  assert.equal((await ours.head()).summary["replace-partitions"], "true");
  // What was there before and is there again has not changed.
  assert.deepEqual(await changes(ours), [["delete", 30, "eu"], ["insert", 40, "eu"]]);
  assert.deepEqual(await rowsIn(spark, table), [[2, "us"], [9, "ap"], [31, null], [40, "eu"]]);
}
