/** Snapshots that drls makes, read and built upon by Spark. */
import assert from "node:assert/strict";
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { deleteFiles } from "../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../lib/iceberg/commit/snapshot/merge_append.ts";
import { overwriteFiles } from "../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { RemoveDanglingDeletes } from "../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import { rewriteFiles } from "../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { RewriteManifests } from "../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import { eq } from "../../lib/iceberg/expression/expression.ts";
import { storeOf } from "../support/writable_tables.ts";
import { SparkSession } from "./_peer_process.ts";
import { findJar, peerTest } from "./_peers.ts";
import {
  byRegion,
  byText,
  deleteAt,
  inTempDir,
  OPTIONS,
  Ours,
  ownTables,
} from "./_snapshot_tables.ts";

async function sparkTables(spark: SparkSession, table: string) {
  await spark.sql(`REFRESH TABLE ${table}`);
  const vectors = "referenced_data_file, content_offset";
  const select = async (sql: string) => [...await spark.sql(sql)].sort(byText);
  const side = (content: number, kind: string) =>
    `SELECT content, path, length, CAST(added_snapshot_id AS STRING), added_${kind}_files_count, ` +
    `existing_${kind}_files_count, deleted_${kind}_files_count FROM ${table}.manifests ` +
    `WHERE content = ${content}`;
  return {
    files: await select(
      "SELECT content, file_path, record_count, file_size_in_bytes, partition.region, " +
        `${vectors} FROM ${table}.files`,
    ),
    entries: await select(
      "SELECT status, CAST(snapshot_id AS STRING), sequence_number, file_sequence_number, " +
        `data_file.file_path FROM ${table}.all_entries`,
    ),
    manifests: await select(`${side(0, "data")} UNION ALL ${side(1, "delete")}`),
    snapshots: await select(
      "SELECT CAST(snapshot_id AS STRING), CAST(parent_id AS STRING), operation, manifest_list, " +
        `array_sort(map_entries(summary)) FROM ${table}.snapshots`,
    ),
  };
}

async function assertSame(spark: SparkSession, table: string, ours: Ours): Promise<void> {
  const [theirs, own] = [await sparkTables(spark, table), await ownTables(ours)];
  for (const name of ["files", "entries", "manifests", "snapshots"] as const) {
    assert.deepEqual(theirs[name], own[name], `${table}.${name}`);
  }
}

async function rowsIn(spark: SparkSession, table: string): Promise<readonly unknown[]> {
  await spark.sql(`REFRESH TABLE ${table}`);
  return (await spark.sql(`SELECT id FROM ${table} ORDER BY id`)).flat();
}

/** Every kind of snapshot, one after the other. */
async function everySnapshot(ours: Ours, check: (ids: readonly number[]) => Promise<void>) {
  const { files } = ours;
  const eu = await files.data([1, 2, 3], "eu");
  const us = await files.data([4, 5, 6], "us");
  await ours.commit(mergeAppend({ files: [eu, us, await files.data([7], null)] }));
  await check([1, 2, 3, 4, 5, 6, 7]);
  await ours.commit(fastAppend({ files: [await files.data([8, 9], "a b/c=d%")] }));
  await check([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const { formatVersion } = (await ours.store.load()).metadata;
  let left = [1, 2, 3];
  if (formatVersion > 1) {
    await deleteAt(ours, eu, [0]);
    await check([2, 3, 4, 5, 6, 7, 8, 9]);
    await deleteAt(ours, us, [2]);
    if (formatVersion === 3) await deleteAt(ours, eu, [0, 1]);
    left = formatVersion === 3 ? [3] : [2, 3];
    await check([...left, 4, 5, 7, 8, 9]);
  }
  const start = await ours.head();
  const added = [await files.data(left, "eu")];
  const rewriting = rewriteFiles({
    replaced: [{ dataFile: eu }],
    added,
    startingSnapshotId: start.snapshotId,
    ...(formatVersion === 1 ? {} : { dataSequenceNumber: start.sequenceNumber }),
  });
  if (formatVersion > 1) {
    // Comes between the planning of the rewrite and its commit, and goes on applying.
    const deletes = [await files.equality([3, 9], "eu")];
    await ours.commit(rowDelta({ rows: [await files.data([3], "eu")], deletes }));
  }
  await ours.commit(rewriting);
  await check([...left, 4, 5, ...formatVersion === 1 ? [6] : [], 7, 8, 9]);
  await ours.commit(new RemoveDanglingDeletes());
  await ours.commit(
    overwriteFiles({ where: eq("region", "us"), add: [await files.data([10], "us")] }),
  );
  await check([...left, 7, 8, 9, 10]);
  const last = (await ours.live()).find(({ dataFile: file }) => file.partition[0] === null);
  assert(last !== undefined);
  await ours.commit(deleteFiles({ files: [last] }));
  await check([...left, 8, 9, 10]);
  const rewrite = new RewriteManifests();
  await ours.commit(rewrite);
  assert(rewrite.result.rewrittenManifestsCount > rewrite.result.addedManifestsCount);
  await check([...left, 8, 9, 10]);
}

peerTest("Spark reads every kind of snapshot as drls does, and goes on from there", [
  "spark",
  "pyiceberg",
], {
  fn: async (t) => {
    await inTempDir(async (dir) => {
      const config = parseCatalogConfig({ catalog_type: "hadoop", warehouse: dir }, OPTIONS);
      const catalog = openCatalog(config, OPTIONS);
      await using spark = await SparkSession.start(dir, findJar("iceberg-spark-runtime"));
      for (const formatVersion of [1, 2, 3] as const) {
        await t.step(`format v${formatVersion}`, async () => {
          const table = `db.v${formatVersion}`;
          await catalog.createTable(byRegion(table, formatVersion));
          await using ours = await Ours.open(catalog, table);
          let expected: readonly number[] = [];
          await everySnapshot(ours, async (ids) => {
            expected = ids;
            assert.deepEqual(await rowsIn(spark, table), ids);
            await assertSame(spark, table, ours);
          });
          // By turns: each has to go on from what the other wrote.
          await spark.sql(`INSERT INTO ${table} VALUES (20, 'eu'), (21, 'us')`);
          await ours.commit(mergeAppend({ files: [await ours.files.data([22], "eu")] }));
          await spark.sql(`REFRESH TABLE ${table}`);
          await spark.sql(`DELETE FROM ${table} WHERE id = 21`);
          const after = [...expected, 20, 22];
          assert.deepEqual(await rowsIn(spark, table), after);
          await assertSame(spark, table, ours);
          const call = (procedure: string, more = "") =>
            spark.sql(`CALL peer.system.${procedure}(table => '${table}'${more})`);
          await call("rewrite_manifests");
          await call("rewrite_data_files", ", options => map('rewrite-all', 'true')");
          await ours.commit(mergeAppend({ files: [await ours.files.data([23], null)] }));
          await spark.sql(`REFRESH TABLE ${table}`);
          await call("expire_snapshots", ", older_than => now(), retain_last => 1");
          assert.deepEqual(await rowsIn(spark, table), [...after, 23]);
          await assertSame(spark, table, ours);
          await ours.commit(new RewriteManifests());
          await ours.commit(new RemoveDanglingDeletes());
          assert.deepEqual(await rowsIn(spark, table), [...after, 23]);
          await assertSame(spark, table, ours);
        });
      }
      await catalog.close();
    });
  },
});

peerTest("summaries of appends and deletes say what Spark's say", ["spark", "pyiceberg"], {
  fn: async () => {
    await inTempDir(async (dir) => {
      const config = parseCatalogConfig({ catalog_type: "hadoop", warehouse: dir }, OPTIONS);
      const catalog = openCatalog(config, OPTIONS);
      const properties = { "write.summary.partition-limit": "10" };
      for (const name of ["db.ours", "db.theirs"]) {
        await catalog.createTable(byRegion(name, 2, properties));
      }
      await using ours = await Ours.open(catalog, "db.ours");
      const regions = ["eu", "a b/c=d%", "~*-._é", null];
      const files = [];
      for (const [i, region] of regions.entries()) files.push(await ours.files.data([i], region));
      await ours.commit(mergeAppend({ files }));
      await ours.commit(overwriteFiles({ where: eq("region", "eu") }));
      await using spark = await SparkSession.start(dir, findJar("iceberg-spark-runtime"));
      const values = regions.map((region, i) =>
        `(${i}, ${region === null ? "NULL" : `'${region}'`})`
      );
      await spark.sql(`INSERT INTO db.theirs VALUES ${values.join()}`);
      await spark.sql("DELETE FROM db.theirs WHERE region = 'eu'");
      const summaries = async (name: string) => {
        const { metadata } = await storeOf(catalog, await catalog.locate(name)).load();
        return metadata.snapshots.map((snapshot) => comparable(snapshot.summary));
      };
      assert.deepEqual(await summaries("db.ours"), await summaries("db.theirs"));
      await catalog.close();
    });
  },
});

/** A summary without what engines say of themselves, and without sizes of different files. */
function comparable(summary: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(summary)
      .filter(([name]) => !/^(engine-|drls|spark|app-|iceberg-version)/.test(name))
      .map(([name, value]) => [
        name,
        name.endsWith("-size") ? "" : value.replace(/-size=\d+/g, "-size="),
      ]),
  );
}
