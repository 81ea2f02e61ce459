/** Rows that are appended while pipelines run: as they are, transformed, summed up for each batch. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { appendByTurns, createEvents, EVENT_COLUMNS, insertEvents } from "./events.ts";
import type { Stream, StreamLake } from "./stream_bed.ts";

const WHERE = "id % 3 <> 0";
const SHAPE = "SELECT id, upper(name) AS name, amount * 2 AS twice, st.a AS a, " +
  "date_trunc('hour', ts) AS hour, k IS NULL AS keyless FROM batch WHERE k IS NULL OR k <> 2";
const SUMS = "SELECT k % 3 AS third, count(*) AS n, sum(amount) AS total, max(id) AS last, " +
  "min(ts) AS since FROM batch GROUP BY ALL";

/** See the top of this file. */
export async function appends(lake: StreamLake): Promise<void> {
  const source = "db.append";
  const version = lake.kind === "rest" ? 3 : 2;
  if (lake.kind === "sql") await lake.pyiceberg("events", source, 2, []);
  else await createEvents(lake, source);
  const copy = await lake.start(source, "db.append_copy", {
    max_files_per_batch: 2,
    sink_format_version: version,
  });
  const shaped = await lake.start(source, "db.append_shaped", {
    where: WHERE,
    transform: SHAPE,
    max_rows_per_batch: 15,
    sink_format_version: version,
  });
  const sums = await lake.start(source, "db.append_sums", { transform: SUMS });
  await Promise.all([
    appendByTurns(lake, source, { rounds: 6, rows: 20 }),
    // Beside the others: who is slower commits anew.
    lake.isPyIcebergs ? appendMore(lake, source) : insertEvents(lake, source, MORE),
  ]);
  const view = await lake.settled(copy);
  const rows = await lake.assertMade(copy, "FROM source");
  assert.equal(view.rows_processed, rows.length);
  assert((view.last_batch?.input_files ?? 0) <= 2);
  assertSameRowSet(await lake.sparkRows(`SELECT * FROM ${copy.sink}`), rows, "by Spark");
  await lake.settled(shaped);
  await lake.assertMade(
    shaped,
    `WITH batch AS (FROM source WHERE ${WHERE}) ${SHAPE}`,
  );
  await lake.settled(sums);
  await assertSums(lake, sums);
  assert.equal((await lake.look(copy.sink)).version, version);
  assert.deepEqual((await lake.look(copy.sink)).columns.map(([name]) => name), EVENT_COLUMNS);
}

const MORE = { first: 1000, count: 60 };

async function appendMore(lake: StreamLake, source: string): Promise<void> {
  for (let n = 0; n < 6; n++) await lake.pyiceberg("append", source, 1000 + n * 10, 10);
}

/** The sink has the sums of each batch's rows. */
async function assertSums(lake: StreamLake, stream: Stream): Promise<void> {
  const { source, sink } = stream;
  const expected: string[] = [];
  const batches = await lake.history(stream);
  assert(batches.length > 1);
  let before: string | null = null;
  for (const { source_snapshot_id: snapshot } of batches) {
    const now = await lake.saved(source, snapshot);
    const added = before === null ? "FROM rows" : "FROM rows EXCEPT ALL FROM before";
    const files = before === null ? { rows: now } : { rows: now, before };
    expected.push(
      ...await lake.expected(`WITH batch AS (${added}) ${SUMS}`, files),
    );
    before = now;
  }
  assertSameRowSet(await lake.rows(sink), expected, `${sink} of the ${lake.kind} catalog`);
}
