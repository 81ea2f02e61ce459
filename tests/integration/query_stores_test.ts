/** Queries in real isolates over an S3 store, with hadoop and rest catalogs: states, and what is read twice. */
import assert from "node:assert/strict";
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import { DataFileWriter } from "../../lib/columnar/mod.ts";
import { loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { currentSchema, defaultSpec } from "../../lib/iceberg/spec/table_metadata.ts";
import type { QueryAt } from "../../lib/tables/contract/query.ts";
import { tablesOf } from "../../lib/sql/text/sql_tables.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { createQueryPool, type QueryPool } from "../../workers/query_pool.ts";
import { queryPermissions } from "../../workers/reader_permissions.ts";
import { startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import { fakeRestTables } from "../support/fake_rest_tables.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { batchOfRows } from "../support/rows.ts";
import { S3Fake } from "../support/s3_fake.ts";
import { commitOne, definitionOf, storeOf } from "../support/writable_tables.ts";

const TABLE = "shop.items";
const never = new AbortController().signal;
await readyParquet();

/** A catalog whose tables lie in an S3 store, and isolates that may reach it. */
interface Bed {
  readonly s3: S3Fake;
  readonly catalog: Catalog;
  readonly pool: QueryPool;
}

type CatalogType = "hadoop" | "rest";

async function withBed(
  type: CatalogType,
  { cacheBytes }: { readonly cacheBytes: number },
  run: (bed: Bed) => Promise<void>,
): Promise<void> {
  await using s3 = await S3Fake.start();
  await using server = startFakeRestCatalog(fakeRestTables({ root: "s3://bucket/rest" }).handler);
  const warehouse = type === "rest" ? null : "s3://bucket/warehouse";
  const extraProps = {
    "s3.endpoint": s3.proxy.origin,
    "s3.region": "us-east-1",
    "s3.path-style-access": "true",
    "s3.access-key-id": "AKIDEXAMPLE",
    "s3.secret-access-key": "SECRET",
  };
  const uri = type === "rest" ? server.uri : null;
  const config = { type, name: "drls", warehouse, uri, extraProps };
  const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
  const pool = createQueryPool({
    isolates: 1,
    memoryBytes: 256 * 1024 * 1024,
    cacheBytes,
    permissions: queryPermissions({ catalogType: type, warehouse, storageRoots: [] }),
    loadModules: loadWasmModules,
    onCrash: () => {},
  });
  try {
    await run({ s3, catalog, pool });
  } finally {
    pool.close();
    await catalog.close();
  }
}

/** Appends rows `{id, name}` as one file and one snapshot; its id. */
async function append(store: TableStore, ids: readonly bigint[]): Promise<string> {
  const { metadata, io } = await store.load();
  const schema = currentSchema(metadata);
  const writer = new DataFileWriter({
    io,
    metadata,
    schema,
    spec: defaultSpec(metadata),
    operationId: uuidV7(Date.now()),
    taskId: 0,
  });
  await writer.write(batchOfRows(schema.fields, ids.map((id) => [id, `item ${id}`])));
  const { metadata: after } = await commitOne(store, fastAppend({ files: await writer.finish() }));
  return String(after.currentSnapshotId);
}

async function query(
  { pool, catalog }: Bed,
  sql: string,
  at: QueryAt | null = null,
): Promise<string> {
  const location = await catalog.locate(TABLE);
  const rows = await pool.run({
    sql,
    format: "csv",
    rowLimit: null,
    nowMs: 0,
    tables: tablesOf(sql).map((mention) => ({ mention, location, at })),
  }, { signal: never, deadlineMs: 60_000 });
  return await new Response(rows).text();
}

const COUNT = `SELECT count(*) AS n, max(name) AS last FROM ${TABLE}`;

for (const type of ["hadoop", "rest"] as const) {
  Deno.test(`a table of a ${type} catalog on S3 is read as it is and as it was`, async () => {
    await withBed(type, { cacheBytes: 2 ** 20 }, async (bed) => {
      const store = storeOf(bed.catalog, await bed.catalog.createTable(definitionOf(TABLE)));
      assert.equal(await query(bed, COUNT), "n,last\r\n0,\r\n");
      const first = await append(store, [1n, 2n, 3n]);
      assert.equal(await query(bed, COUNT), "n,last\r\n3,item 3\r\n");
      const second = await append(store, [4n, 5n]);
      // What was kept of the table is of the state before.
      assert.equal(await query(bed, COUNT), "n,last\r\n5,item 5\r\n");
      assert.equal(await query(bed, COUNT, { snapshot_id: first }), "n,last\r\n3,item 3\r\n");
      assert.equal(await query(bed, COUNT, { snapshot_id: second }), "n,last\r\n5,item 5\r\n");
      assert.equal(await query(bed, COUNT, { ref: "main" }), "n,last\r\n5,item 5\r\n");
      const now = new Date(Date.now() + 60_000).toISOString();
      assert.equal(await query(bed, COUNT, { timestamp: now }), "n,last\r\n5,item 5\r\n");
      const own = `SELECT name FROM ${TABLE} WHERE id = 4`;
      assert.equal(await query(bed, own), "name\r\nitem 4\r\n");
      assert.equal(await query(bed, own, { snapshot_id: first }), "name\r\n");
    });
  });

  Deno.test(`a second query of a ${type} table fetches the one file that may match`, async () => {
    for (
      const { cacheBytes, manifests } of [{ cacheBytes: 2 ** 20, manifests: 0 }, {
        cacheBytes: 0,
        manifests: 4,
      }]
    ) {
      await withBed(type, { cacheBytes }, async (bed) => {
        const store = storeOf(bed.catalog, await bed.catalog.createTable(definitionOf(TABLE)));
        for (const ids of [[1n, 2n], [3n, 4n], [5n, 6n]]) await append(store, ids);
        const sql = `SELECT name FROM ${TABLE} WHERE id = 4`;
        assert.equal(await query(bed, sql), "name\r\nitem 4\r\n");
        bed.s3.requests.length = 0;
        const other = `SELECT name FROM ${TABLE} WHERE id = 5`;
        assert.equal(await query(bed, other), "name\r\nitem 5\r\n");
        const fetched = bed.s3.requests.filter(({ method }) => method === "GET")
          .map(({ path }) => path.split(".").at(-1));
        const count = (kind: string) => fetched.filter((one) => one === kind).length;
        assert.equal(count("parquet"), 1, "one file may hold the row");
        assert.equal(count("avro"), manifests, "the list and three manifests, or nothing");
      });
    }
  });
}
