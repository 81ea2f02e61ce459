/** Several processes that commit to one table through one catalog. */
import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { raceProcesses } from "../support/catalog_race.ts";
import {
  assertColumnsOnce,
  definitionOf,
  PATIENT,
  raceColumns,
  storeOf,
} from "../support/writable_tables.ts";

const OPTIONS = { dataDir: null, storageRoots: [] };

const CONFIGS = {
  hadoop: (dir: string) => ({ catalog_type: "hadoop", warehouse: `${dir}/wh` }),
  sql: (dir: string) => ({
    catalog_type: "sql",
    warehouse: `${dir}/wh`,
    uri: `sqlite:///${dir}/catalog.db`,
  }),
};

for (const [kind, configOf] of Object.entries(CONFIGS)) {
  Deno.test(`${kind}: of the commits of racing processes every acknowledged one is in`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "drls-race-" });
    await Deno.mkdir(`${dir}/wh`);
    await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
    const config = configOf(dir);
    const catalog = openCatalog(parseCatalogConfig(config, OPTIONS), OPTIONS);
    try {
      const definition = definitionOf("db.t", { properties: PATIENT });
      const location = await catalog.createTable(definition);
      const store = storeOf(catalog, location);
      const outcome = await raceProcesses(["a", "b"], {
        config,
        table: "db.t",
        stores: 2,
        commits: 6,
        here: () => raceColumns([store], { commits: 6, label: "here" }),
      });
      const table = await store.load();
      assertColumnsOnce(table, outcome);
      assert.deepEqual(outcome.unknown, []);
      assert.equal(outcome.acknowledged.length, 30);
      // One metadata file for each commit, and nothing left of those that lost.
      const files = [...Deno.readDirSync(dirname(table.metadataLocation))]
        .filter((entry) => entry.name.endsWith(".metadata.json"));
      assert.equal(files.length, 31);
    } finally {
      await catalog.close();
      await Deno.remove(dir, { recursive: true });
    }
  });
}
