/**
 * Spark and PyIceberg write into tables while pipelines of drls read them: what the pipelines wrote,
 * read by PyIceberg, is what native DuckDB makes of the rows of the source. On each kind of catalog.
 */
import { peerTest } from "./_peers.ts";
import { appends } from "./_streams/append_cases.ts";
import { changelogs } from "./_streams/changelog_cases.ts";
import { evolutions } from "./_streams/evolution_cases.ts";
import { branches, lives, tags } from "./_streams/life_cases.ts";
import { newestAlone } from "./_streams/nessie_case.ts";
import { compactions, overwrites, partitions } from "./_streams/partition_cases.ts";
import { types } from "./_streams/type_cases.ts";
import { upserts } from "./_streams/upsert_cases.ts";
import { openStreamBed, type StreamLake } from "./_streams/stream_bed.ts";

/** What is done on each catalog. */
const CASES: Readonly<Record<string, (lake: StreamLake) => Promise<void>>> = {
  "appends, as they are, transformed, and summed up": appends,
  "rows that replace those with their key": upserts,
  "a changelog of updates, deletes and merges": changelogs,
  "columns that are added and widened": evolutions,
  "partitioned sources and sinks": partitions,
  "partitions that are replaced": overwrites,
  "compactions of the source": compactions,
  "rows of every type": types,
  "hundreds of batches in a sink that others change and expire": lives,
  "a source that others expire": tags,
  "what is written to branches, picked from them, and rolled back": branches,
};

/** A part of the name of those to run. */
const ONLY = Deno.env.get("STREAM_CASE") ?? "";

peerTest("sinks of pipelines equal source plus transform, on hadoop, sql and rest catalogs", [
  "spark",
  "pyiceberg",
  "duckdb",
  "rest_fixture",
], {
  fn: async (t) => {
    await using stack = new AsyncDisposableStack();
    const lakes = await openStreamBed(stack);
    for (const [name, run] of Object.entries(CASES)) {
      if (!name.includes(ONLY)) continue;
      await t.step(name, async () => {
        const ends = await Promise.allSettled(lakes.map((lake) => runOn(lake, run)));
        const failures = ends.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
        if (failures.length > 0) throw new AggregateError(failures, failures.join("\n"));
      });
    }
    for (const { server } of lakes) server.requireCalm();
  },
});

peerTest("pipelines miss nothing silently where a catalog serves the newest snapshot alone", [
  "pyiceberg",
  "nessie",
  "s3",
], { fn: newestAlone });

async function runOn(lake: StreamLake, run: (lake: StreamLake) => Promise<void>): Promise<void> {
  try {
    await run(lake);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${lake.kind}: ${what}`, { cause });
  } finally {
    await lake.stopAll();
  }
}
