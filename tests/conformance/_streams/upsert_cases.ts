/** Rows that replace those with their key: by positions, by deletion vectors, by equality. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { appendByTurns, createEvents, insertEvents } from "./events.ts";
import type { StreamLake } from "./stream_bed.ts";

const UPSERT = { write_mode: "upsert", key_columns: ["k"] };
/** Numbers grow with each append: of all rows with a key, the one with the highest came last. */
const LATEST = "QUALIFY row_number() OVER (PARTITION BY k ORDER BY id DESC) = 1";
const KEYS = 9;

/** See the top of this file. */
export async function upserts(lake: StreamLake): Promise<void> {
  const source = "db.upsert";
  await createEvents(lake, source);
  await insertEvents(lake, source, { first: 0, count: 5, keys: KEYS });
  const positions = await lake.start(source, "db.upsert_v2", {
    ...UPSERT,
    sink_format_version: 2,
    max_files_per_batch: 3,
  });
  const vectors = await lake.start(source, "db.upsert_v3", {
    ...UPSERT,
    sink_format_version: 3,
    sink_partition_by: ["bucket(3, k)"],
    transform: "SELECT k, id, name, amount + 1 AS more FROM batch",
  });
  const equality = await lake.start(source, "db.upsert_equal", {
    ...UPSERT,
    sink_format_version: 2,
    delete_files: "equality",
  });
  // As many rows as there are keys, at most: no key comes twice in an append of two files.
  await appendByTurns(lake, source, { rounds: 8, rows: KEYS - 2, first: 5, keys: KEYS });
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
  const kinds = async (sink: string) =>
    (await lake.spark(`SELECT DISTINCT content, file_format FROM ${sink}.delete_files`))
      .map((row) => row.join(" "));
  assert.deepEqual(await kinds(positions.sink), ["1 PARQUET"]);
  assert.deepEqual(await kinds(vectors.sink), ["1 PUFFIN"]);
  assert.deepEqual(await kinds(equality.sink), ["2 PARQUET"]);
}
