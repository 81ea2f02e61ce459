/** Rows that replace those with their key: by positions, by deletion vectors, by equality. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { appendByTurns, createEvents, insertEvents } from "./events.ts";
import type { Stream, StreamLake } from "./stream_bed.ts";

const UPSERT = { write_mode: "upsert", key_columns: ["k"] };
/** Numbers grow with each append: of all rows with a key, the one with the highest came last. */
const LATEST = "QUALIFY row_number() OVER (PARTITION BY k ORDER BY id DESC) = 1";
const KEYS = 9;

/** Of Spark, where somebody has changed the rows that it was rewriting. */
const OVERTAKEN = /Cannot commit|conflict|Missing required files|new delete|CommitFailed/i;

/** See the top of this file. */
export async function upserts(lake: StreamLake): Promise<void> {
  const source = "db.upsert";
  await createEvents(lake, source);
  await insertEvents(lake, source, { first: 0, count: 5, keys: KEYS });
  const upserts = await startUpserts(lake, source);
  const { positions, vectors, equality } = upserts;
  const sinks = Object.values(upserts).map(({ sink }) => sink);
  for (const one of Object.values(upserts)) await lake.settled(one);
  // What replaces rows is followed in turn.
  const followers = await Promise.all(
    sinks.map((sink) => lake.start(sink, `${sink}_on`, { source_changes: "changelog" })),
  );
  // As many rows as there are keys, at most: no key comes twice in an append of two files.
  await appendByTurns(lake, source, { rounds: 8, rows: KEYS - 2, first: 5, keys: KEYS });
  await assertLatest(lake, upserts);
  const kinds = async ({ sink }: Stream) =>
    (await lake.spark(`SELECT DISTINCT content, file_format FROM ${sink}.delete_files`))
      .map((row) => row.join(" "));
  assert.deepEqual(await kinds(positions), ["1 PARQUET"]);
  assert.deepEqual(await kinds(vectors), ["1 PUFFIN"]);
  assert.deepEqual(await kinds(equality), ["2 PARQUET"]);
  await Promise.all([
    appendByTurns(lake, source, { rounds: 6, rows: KEYS - 2, first: 61, keys: KEYS }),
    rewriteWithSpark(lake, sinks),
    compact(lake, sinks),
  ]);
  await insertEvents(lake, source, { first: 103, count: 4, keys: KEYS });
  await assertLatest(lake, upserts);
  for (const one of followers) {
    await lake.settled(one);
    const expected = await lake.sparkRows(`SELECT * FROM ${one.source}`);
    const found = await lake.rows(one.sink);
    assertSameRowSet(found, expected, `${one.sink} of the ${lake.kind} catalog`);
  }
}

type Upserts = Readonly<Record<"positions" | "vectors" | "equality", Stream>>;

async function startUpserts(lake: StreamLake, source: string): Promise<Upserts> {
  return {
    positions: await lake.start(source, "db.upsert_v2", {
      ...UPSERT,
      sink_format_version: 2,
      max_files_per_batch: 3,
    }),
    vectors: await lake.start(source, "db.upsert_v3", {
      ...UPSERT,
      sink_format_version: 3,
      sink_partition_by: ["bucket(3, k)"],
      transform: "SELECT k, id, name, amount + 1 AS more FROM batch",
    }),
    equality: await lake.start(source, "db.upsert_equal", {
      ...UPSERT,
      sink_format_version: 2,
      delete_files: "equality",
    }),
  };
}

/** The sinks have the row of each key that came last. */
async function assertLatest(
  lake: StreamLake,
  { positions, vectors, equality }: Upserts,
): Promise<void> {
  await lake.settled(positions);
  const rows = await lake.assertMade(positions, `FROM source ${LATEST}`);
  assert.equal(rows.length, KEYS);
  const { deleted_rows: deleted } = await lake.settled(vectors);
  assert(deleted > 0);
  await lake.assertMade(
    vectors,
    `SELECT k, id, name, amount + 1 AS more FROM source ${LATEST}`,
  );
  await lake.settled(equality);
  // PyIceberg does not read equality deletes.
  for (const { sink } of [positions, equality]) {
    assertSameRowSet(await lake.sparkRows(`SELECT * FROM ${sink}`), rows, `${sink} by Spark`);
  }
}

/** Rewrites data files and deletes of tables that change meanwhile. */
async function rewriteWithSpark(lake: StreamLake, tables: readonly string[]): Promise<void> {
  const all = "options => map('rewrite-all', 'true')";
  for (const table of tables) {
    for (const what of ["rewrite_position_delete_files", "rewrite_data_files"]) {
      await lake.call(`${what}(table => '${table}', ${all})`).catch((error: Error) => {
        // Who was there first is no concern of this test.
        if (!OVERTAKEN.test(error.message)) throw error;
      });
    }
  }
}

async function compact(lake: StreamLake, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const body = { table, options: { "rewrite-all": true } };
    const { status, body: answer } = await lake.server.send("POST", "/compact", body);
    assert([200, 409].includes(status), JSON.stringify(answer));
  }
}
