/** The lanes of the reader pool, seen from the caches that a read leaves behind. */
import assert from "node:assert/strict";
import { type CatalogConfig, openCatalog } from "../../lib/catalog/mod.ts";
import { readerPermissions } from "../../workers/reader_permissions.ts";
import { createReaderPool, type ReaderPool } from "../../workers/reader_pool.ts";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";

const WAREHOUSE = `${FIXTURES}/equality_deletes/warehouse`;
const CONFIG: CatalogConfig = {
  type: "hadoop",
  name: "drls",
  warehouse: WAREHOUSE,
  uri: null,
  extraProps: {},
};
const PAGE = { limit: 10, cursor: null };
const NOW = { snapshotId: null, ref: null, timestamp: null };

async function locateAll() {
  const catalog = openCatalog(CONFIG, { dataDir: null, storageRoots: [] });
  try {
    const tables = await catalog.listTables();
    return await Promise.all(
      tables.map(({ namespace, name }) => catalog.locate([...namespace, name].join("."))),
    );
  } finally {
    await catalog.close();
  }
}

async function withPool(isolates: number, run: (pool: ReaderPool) => Promise<void>) {
  const places = { catalogType: "hadoop", warehouse: WAREHOUSE, storageRoots: [] } as const;
  const pool = createReaderPool({
    isolates,
    cacheBytes: 2 ** 24,
    permissions: readerPermissions(places),
    deadlineMs: 30_000,
    onCrash: (isolate, reason) => assert.fail(`${isolate}: ${reason}`),
  });
  try {
    await run(pool);
  } finally {
    pool.close();
  }
}

/** Which isolates have read anything. */
async function readers(pool: ReaderPool): Promise<readonly string[]> {
  return (await pool.stats()).filter(({ misses }) => misses > 0).map(({ isolate }) => isolate);
}

fixtureTest("with two isolates, one is kept for answers that need no manifests", async () => {
  const locations = await locateAll();
  assert.ok(locations.length > 1);
  await withPool(2, async (pool) => {
    for (const location of locations) {
      await pool.schema(location);
      await pool.snapshots(location, PAGE);
      await pool.refs(location, PAGE);
    }
    assert.deepEqual(await readers(pool), ["reader-0"]);
  });
  await withPool(2, async (pool) => {
    for (const location of locations) {
      await pool.health(location);
      await pool.files(location, { ...PAGE, at: NOW, content: null });
    }
    assert.deepEqual(await readers(pool), ["reader-1"]);
  });
});

fixtureTest("a table meets the same isolate again, and its cache", async () => {
  const [location] = await locateAll();
  assert.ok(location !== undefined);
  await withPool(4, async (pool) => {
    await pool.health(location);
    const first = await readers(pool);
    assert.equal(first.length, 1);
    for (let i = 0; i < 5; i++) await pool.health(location);
    assert.deepEqual(await readers(pool), first);
    const hits = (await pool.stats()).reduce((sum, one) => sum + one.hits, 0);
    assert.ok(hits >= 5, `${hits} hits`);
  });
});

fixtureTest("a single isolate answers everything", async () => {
  const [location] = await locateAll();
  assert.ok(location !== undefined);
  await withPool(1, async (pool) => {
    await pool.schema(location);
    assert.ok((await pool.health(location)).success);
    assert.deepEqual(await readers(pool), ["reader-0"]);
  });
});
