/**
 * Real tables of many writers, damaged at random and asked about through a real server: each answer
 * is 200, 404, 413 or 422 and comes in time, healthy neighbours stay readable, no isolate is lost.
 *
 * Ordinary runs take a few seconds and always the same seed. For a long one, with another seed:
 * `HOSTILE_SECONDS=600 HOSTILE_SEED=7 deno test -A tests/integration/hostile_tables_fuzz_test.ts`
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { anyDamage, damageTable } from "../support/hostile/damage.ts";
import { startHostileServer } from "../support/hostile/questions.ts";
import { copyFolder, writeTableFolder } from "../support/hostile/table_folder.ts";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";

const SECONDS = Number(Deno.env.get("HOSTILE_SECONDS") ?? 5);
const SEED = Number(Deno.env.get("HOSTILE_SEED") ?? 1);
const QUICK_RUNS = 150;
const NEIGHBOUR_EVERY = 10;

/** Folders of real tables, small enough to be copied a thousand times. */
const TABLES = [
  "partition_bigint",
  "partition_decimal_integer",
  "partition_timestamp/default.db/partition_timestamp",
  "null_stats/default/test_nulls",
  "map_stats/default.db/map_stats",
  "name_mapping",
  "uuid",
  "hive_partitioned_table",
  "legacy_bare_deletion_vector",
  "add_columns_with_defaults/default.db/add_columns_with_defaults",
  "column_mapping/warehouse/default.db/my_table",
  "hyperparam/java/bunnies",
  "hyperparam/spark/rename_column",
  "hyperparam/athena/example",
  "equality_deletes/warehouse/mydb/mytable",
  "equality_deletes/warehouse/mydb/mytable_partitioned",
  "lineitem/lineitem_iceberg_gz",
];

/** The metadata of each table; a folder without any is looked into for one that has. */
async function tableFolders(): Promise<readonly string[]> {
  const found = await Promise.all(TABLES.map(async (name) => {
    const at = `${FIXTURES}/${name}`;
    return await findTable(at) ?? assert.fail(`${name} is no table`);
  }));
  return found;
}

async function findTable(folder: string): Promise<string | null> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  if (entries.some((one) => one.isDirectory && one.name === "metadata")) return folder;
  for (const { name, isDirectory } of entries) {
    const found = isDirectory ? await findTable(`${folder}/${name}`) : null;
    if (found !== null) return found;
  }
  return null;
}

fixtureTest("the server survives real tables, damaged at random", async () => {
  const folders = await tableFolders();
  const warehouse = await Deno.makeTempDir({ prefix: "drls-fuzz-" });
  await writeTableFolder(`${warehouse}/good/plain`);
  const server = await startHostileServer(warehouse, { neighbours: ["good.plain"] });
  const seen = new Map<string, number>();
  const giveUpAt = performance.now() + SECONDS * 1000;
  let runs = 0;
  try {
    const long = Deno.env.has("HOSTILE_SECONDS");
    const property = fc.asyncProperty(fc.nat(folders.length - 1), anyDamage, async (i, damages) => {
      if (long && performance.now() > giveUpAt) return;
      const name = `t${runs++}`;
      const folder = `${warehouse}/bad/${name}`;
      try {
        await copyFolder(`${folders[i]}/metadata`, `${folder}/metadata`);
        await damageTable(folder, damages);
        for (const { part, status, code } of await server.interrogate(`bad.${name}`)) {
          const key = `${part} ${status} ${code ?? ""}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
        if (runs % NEIGHBOUR_EVERY === 0) await server.checkNeighbours();
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: long ? 1_000_000 : QUICK_RUNS });
    await server.checkProcess();
    if (long) {
      const peak = Math.round((await server.peakRssBytes() ?? 0) / 2 ** 20);
      console.log(`${runs} tables, peak ${peak} MiB`);
      console.log([...seen].sort().map(([key, count]) => `${count} ${key}`).join("\n"));
    }
    // Damage that the server cannot tell from health proves nothing, and neither does only damage.
    const healthy = [...seen].filter(([key]) => key.includes(" 200 "));
    assert.ok(healthy.length >= 5 && seen.size > 15, [...seen.keys()].join(", "));
  } finally {
    await server.dispose();
    await Deno.remove(warehouse, { recursive: true });
  }
});
