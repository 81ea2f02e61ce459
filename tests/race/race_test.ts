/** Races by chance, on every kind of catalog; the seeds are fixed, so that a failure can be repeated. */
import assert from "node:assert/strict";
import { readyParquet } from "../support/parquet_module.ts";
import { BED_KINDS } from "./_beds.ts";
import { runRace } from "./_race.ts";

await readyParquet();

/** Races on each kind of catalog; `deno task race` goes on from here. */
const SEEDS = [1, 2];

for (const catalog of BED_KINDS) {
  Deno.test(`no race on a ${catalog} catalog loses, doubles or brings back a row`, async () => {
    let acknowledged = 0;
    let faults = 0;
    for (const seed of SEEDS) {
      const figures = await runRace({ seed, catalog });
      acknowledged += figures.outcomes.acknowledged;
      for (const count of figures.faults.values()) faults += count;
      assert(figures.snapshots >= 3);
    }
    // What is raced really gets somewhere, and things really go wrong.
    assert(acknowledged > 5 * SEEDS.length);
    assert(faults > 0);
  });
}
