/** Races between processes: nothing is held, some of them are killed, and no row is lost. */
import assert from "node:assert/strict";
import { startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import { fakeRestTables } from "../support/fake_rest_tables.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { type ParallelOptions, raceProcesses } from "./_parallel.ts";

await readyParquet();

const PROCESSES: ParallelOptions["processes"] = [
  ["fast appender", "row deleter", "upserter"],
  ["appender", "bin packer", "expirer"],
  ["upserter", "sorter", "schema changer"],
];

async function raceOn(config: unknown, formatVersion: 2 | 3): Promise<void> {
  const figures = await raceProcesses({
    config,
    seed: 20,
    formatVersion,
    processes: PROCESSES,
    operations: 5,
    kills: 1,
  });
  assert.equal(figures.killed, 1);
  assert(figures.outcomes.acknowledged >= 10, JSON.stringify(figures));
}

async function inFolder(race: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-race-" });
  try {
    await race(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("processes that race for a hadoop table lose no row, though one is killed", () =>
  inFolder((folder) => raceOn({ catalog_type: "hadoop", warehouse: folder }, 2)));

Deno.test("processes that race for a sql table lose no row, though one is killed", () =>
  inFolder(async (folder) => {
    const [warehouse, database] = [`${folder}/wh`, `${folder}/catalog.db`];
    await Deno.mkdir(warehouse);
    await Deno.writeFile(database, new Uint8Array());
    await raceOn({ catalog_type: "sql", warehouse, uri: `sqlite:///${database}` }, 3);
  }));

Deno.test("processes that race for a table behind a REST catalog lose no row, though one is killed", () =>
  inFolder(async (folder) => {
    const tables = fakeRestTables({ root: folder });
    await using server = startFakeRestCatalog(tables.handler);
    await raceOn({ catalog_type: "rest", warehouse: folder, uri: server.uri }, 3);
  }));
