/** Sources and sinks that are partitioned, by specs that change; and partitions that are replaced. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { appendByTurns, createEvents, eventRows, insertEvents } from "./events.ts";
import type { Stream, StreamLake } from "./stream_bed.ts";

/** Pipelines from a partitioned source into partitioned sinks. */
export async function partitions(lake: StreamLake): Promise<void> {
  const source = "db.parts";
  await createEvents(lake, source, { partitionBy: ["bucket(3, k)", "days(ts)"] });
  await createEvents(lake, "db.parts_made", { partitionBy: ["k", "truncate(2, name)"] });
  const own = await lake.start(source, "db.parts_own", {
    sink_partition_by: ["bucket(4, id)", "hours(ts)"],
    max_files_per_batch: 5,
  });
  const made = await lake.start(source, "db.parts_made", { where: "id % 2 = 0" });
  const none = await lake.start(source, "db.parts_none", {
    // Of whole files, by their partitions and bounds, and of rows.
    where: "ts >= TIMESTAMPTZ '2024-02-28 00:00:00Z' AND k = 3",
  });
  await appendByTurns(lake, source, { rounds: 3, rows: 12 });
  await lake.settled(made);
  if (lake.isPyIcebergs) {
    await lake.pyiceberg("respec", source, ["ts_day"], [["name", "truncate[2]"], [
      "id",
      "bucket[2]",
    ]]);
  } else {
    await lake.spark(`ALTER TABLE ${source} DROP PARTITION FIELD days(ts)`);
    await lake.spark(`ALTER TABLE ${source} ADD PARTITION FIELD truncate(2, name)`);
    await lake.spark(`ALTER TABLE ${source} ADD PARTITION FIELD bucket(2, id)`);
  }
  await lake.spark(`ALTER TABLE ${made.sink} ADD PARTITION FIELD bucket(2, id)`);
  await appendByTurns(lake, source, { rounds: 4, rows: 12, first: 36 });
  await lake.settled(own);
  const copied = await lake.assertMade(own, "FROM source");
  assertSameRowSet(await lake.sparkRows(`SELECT * FROM ${own.sink}`), copied, "by Spark");
  await lake.settled(made);
  await lake.assertMade(made, "FROM source WHERE id % 2 = 0");
  await lake.settled(none);
  await lake.assertMade(
    none,
    "FROM source WHERE ts >= TIMESTAMPTZ '2024-02-28 00:00:00Z' AND k = 3",
  );
  const { spec } = await lake.look(own.sink);
  assert.deepEqual(spec, [["bucket[4]", "id"], ["hour", "ts"]]);
  assert.equal((await lake.look(made.sink)).specs.length, 2);
  // Readers that prune by partition find what those do that read all rows.
  const rows = await lake.saved(source);
  for (const where of ["k = 3", "name LIKE 'n1%'", "id = 40"]) {
    const found = await lake.spark(`SELECT count(*) FROM ${made.sink} WHERE ${where}`);
    const all = await lake.expected(
      `SELECT count(*) FROM source WHERE id % 2 = 0 AND ${where}`,
      { source: rows },
    );
    assert.deepEqual(found, all.map((row) => JSON.parse(row).map(Number)), where);
  }
}

/** Partitions that a batch has rows for are replaced, as Spark replaces them. */
export async function overwrites(lake: StreamLake): Promise<void> {
  const source = "db.replace";
  const reference = "db.replace_by_spark";
  const query = (from: string) =>
    `SELECT k, name, id, CAST(id AS STRING) AS label FROM ${from} WHERE id % 5 <> 0`;
  await createEvents(lake, source);
  await lake.spark(
    `CREATE TABLE ${reference} (k INT, name STRING, id BIGINT NOT NULL, label STRING) ` +
      "USING iceberg PARTITIONED BY (k, truncate(2, name))",
  );
  const stream = await lake.start(source, "db.replace_by_drls", {
    write_mode: "overwrite-partitions",
    transform: query("batch").replace("STRING", "VARCHAR"),
    sink_partition_by: ["k", "truncate(2, name)"],
  });
  await lake.spark("SET spark.sql.sources.partitionOverwriteMode=dynamic");
  const followers: Stream[] = [];
  for (const [first, count] of [[0, 30], [30, 9], [39, 21], [60, 3]] as const) {
    await insertEvents(lake, source, { first, count });
    await lake.spark(`INSERT OVERWRITE ${reference} ${query(`(${eventRows({ first, count })})`)}`);
    // Each append is a batch of its own.
    await lake.settled(stream);
    if (followers.length > 0) continue;
    for (const table of [reference, stream.sink]) {
      followers.push(await lake.start(table, `${table}_on`, { source_changes: "changelog" }));
    }
  }
  const rows = await lake.rows(reference);
  assertSameRowSet(await lake.rows(stream.sink), rows, "partitions that were replaced");
  assert(rows.length > 12 && rows.length < 48, `${rows.length} rows`);
  assertSameRowSet(await lake.sparkRows(`SELECT * FROM ${stream.sink}`), rows, "by Spark");
  // What is replaced is followed in turn.
  for (const one of followers) {
    await lake.settled(one);
    await lake.assertMade(one, "FROM source");
  }
}

/** Compactions of the source, by drls and by Spark, change nothing. */
export async function compactions(lake: StreamLake): Promise<void> {
  const source = "db.compact";
  await createEvents(lake, source, { partitionBy: ["bucket(2, k)"] });
  const stream = await lake.start(source, "db.compact_copy", { max_files_per_batch: 3 });
  for (let round = 0; round < 2; round++) {
    await appendByTurns(lake, source, { rounds: 3, rows: 10, first: round * 1000 });
    await lake.call(
      `rewrite_data_files(table => '${source}', options => map('rewrite-all', 'true'))`,
    );
    await appendByTurns(lake, source, { rounds: 3, rows: 10, first: round * 1000 + 500 });
    await lake.server.post("/compact", { table: source, options: { "min-input-files": 2 } });
  }
  await insertEvents(lake, source, { first: 3000, count: 10 });
  const view = await lake.settled(stream);
  await lake.assertMade(stream, "FROM source");
  const { snapshots } = await lake.look(source);
  const replaced = snapshots.filter(([, operation]) => operation === "replace").length;
  assert(replaced >= 4, `${replaced}`);
  assert.equal(view.source_changes.replace_skipped, replaced);
}
