/** Streams that live long, in sinks that others write into and expire, from sources that others expire. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { createEvents, eventRows, insertEvents } from "./events.ts";
import type { Stream, StreamLake } from "./stream_bed.ts";

/** Files of one append of Spark's: each becomes a batch. */
const FILES = 55;
/** First of the rows that PyIceberg puts into the sink. */
const BY_PYICEBERG = 1_900;
const NOW = "TIMESTAMP '2100-01-01 00:00:00'";

/** Hundreds of batches, while others commit to the sink and expire its snapshots. */
export async function lives(lake: StreamLake): Promise<void> {
  const source = "db.long";
  await createEvents(lake, source);
  const options = { max_files_per_batch: 1 };
  const stream = await lake.start(source, "db.long_copy", options);
  await insertEvents(lake, source, { first: 0, count: 10 });
  await lake.settled(stream);
  await insertFiles(lake, source, 100);
  // Beside it.
  await lake.spark(`INSERT INTO ${stream.sink} ${eventRows({ first: 1_000_000, count: 5 })}`);
  if (lake.isPyIcebergs) {
    await lake.pyiceberg("append", stream.sink, BY_PYICEBERG, 5);
    await lake.pyiceberg("set", stream.sink, "note", "by PyIceberg");
  }
  await lake.spark(`ALTER TABLE ${stream.sink} SET TBLPROPERTIES ('more' = 'by Spark')`);
  await insertFiles(lake, source, 1000);
  await lake.settled(stream);
  await assertOffset(lake, stream);
  await expireWithSpark(lake, stream.sink);
  await insertEvents(lake, source, { first: 2000, count: 10 });
  await lake.settled(stream);
  // Nothing is left of where it was but the sink's property.
  await lake.forget(stream);
  await lake.spark(`INSERT INTO ${stream.sink} ${eventRows({ first: 3_000_000, count: 5 })}`);
  await expireWithSpark(lake, stream.sink);
  await insertEvents(lake, source, { first: 3000, count: 10 });
  const again = await lake.start(source, stream.sink, options);
  await lake.settled(again);
  await assertOffset(lake, again);
  await assertWhole(lake, again);
}

async function insertFiles(lake: StreamLake, source: string, first: number): Promise<void> {
  await lake.spark(
    `INSERT INTO ${source} SELECT /*+ REPARTITION(${FILES}) */ * FROM ` +
      `(${eventRows({ first, count: FILES * 6 })})`,
  );
}

async function expireWithSpark(lake: StreamLake, table: string): Promise<void> {
  await lake.call(
    `expire_snapshots(table => '${table}', older_than => ${NOW}, retain_last => 1)`,
  );
}

/** The sink says how far the stream has come, whoever committed to it. */
async function assertOffset(lake: StreamLake, { id, sink }: Stream): Promise<void> {
  const { properties } = await lake.look(sink);
  const [entry, ...others] = Object.entries(properties)
    .filter(([name]) => name.startsWith("drls.stream."));
  assert(entry !== undefined && others.length === 0);
  const { batches_processed: batches } = await lake.server.status(id);
  assert.equal(JSON.parse(entry[1]).batch_id, batches);
  assert(batches > 100, `${batches} batches`);
  assert.equal(properties["more"], "by Spark");
  assert.equal(properties["note"], lake.isPyIcebergs ? "by PyIceberg" : undefined);
}

/** The stream's rows and those of others are there; Spark's metadata tables and PyIceberg agree. */
async function assertWhole(lake: StreamLake, { source, sink }: Stream): Promise<void> {
  const others = `id >= 1000000 OR id BETWEEN ${BY_PYICEBERG} AND ${BY_PYICEBERG + 4}`;
  const all = await lake.saved(sink);
  const own = await lake.expected(`FROM source WHERE NOT (${others})`, { source: all });
  assertSameRowSet(own, await lake.rows(source), `${sink} of the ${lake.kind} catalog`);
  const [count] = await lake.expected(`SELECT count(*) FROM source WHERE ${others}`, {
    source: all,
  });
  assert.equal(count, lake.isPyIcebergs ? '["15"]' : '["10"]');
  const { head, files } = await lake.look(sink);
  const [[listed, records] = []] = await lake.spark(
    `SELECT count(*), sum(record_count) FROM ${sink}.files`,
  );
  assert.equal(listed, files);
  assert.equal(records, own.length + JSON.parse(count ?? "").map(Number)[0]);
  const snapshots = await lake.spark(`SELECT CAST(snapshot_id AS STRING) FROM ${sink}.snapshots`);
  assert(snapshots.flat().includes(head));
}

/** What a stopped stream has not read stays if it is tagged, and is missed if it is not. */
export async function tags(lake: StreamLake): Promise<void> {
  const source = "db.tagged";
  await createEvents(lake, source);
  await insertEvents(lake, source, { first: 0, count: 10 });
  const streams = [
    await lake.start(source, "db.tagged_copy"),
    await lake.start(source, "db.tagged_other"),
  ] as const;
  for (const one of streams) {
    await lake.settled(one);
    await lake.server.stop(one.id);
  }
  await tag(lake, source, "read");
  for (const [at, name] of ["first", "second"].entries()) {
    await insertEvents(lake, source, { first: 100 * (at + 1), count: 10 });
    await tag(lake, source, name);
  }
  await insertEvents(lake, source, { first: 300, count: 10 });
  await expireWithSpark(lake, source);
  const [copy, other] = streams;
  await lake.start(source, copy.sink);
  await lake.settled(copy);
  await lake.assertMade(copy, "FROM source");
  // One tag less, and the line of snapshots has a gap.
  await lake.spark(`ALTER TABLE ${source} DROP TAG first`);
  await expireWithSpark(lake, source);
  const refused = await lake.server.refused({
    source_table: source,
    sink_table: other.sink,
    checkpoint_location: lake.checkpointOf(other.sink),
  });
  assert.equal(refused.body.code, "source_snapshots_expired");
}

async function insertAside(lake: StreamLake, source: string, first: number): Promise<void> {
  await lake.spark(`INSERT INTO ${source}.branch_aside ${eventRows({ first, count: 10 })}`);
}

/** What is written aside comes when it gets into the table's line, and what leaves it is missed. */
export async function branches(lake: StreamLake): Promise<void> {
  const source = "db.branched";
  await createEvents(lake, source);
  await insertEvents(lake, source, { first: 0, count: 10 });
  const stream = await lake.start(source, "db.branched_copy");
  await lake.settled(stream);
  await lake.spark(`ALTER TABLE ${source} CREATE BRANCH aside`);
  for (const first of [100, 200]) {
    await insertAside(lake, source, first);
  }
  const { rows_processed: before } = await lake.settled(stream);
  assert.equal(before, 10);
  await lake.call(`fast_forward('${source}', 'main', 'aside')`);
  const { rows_processed: after } = await lake.settled(stream);
  assert.equal(after, 30);
  await insertEvents(lake, source, { first: 300, count: 10 });
  await insertAside(lake, source, 400);
  const [[picked] = []] = await lake.spark(
    `SELECT CAST(snapshot_id AS STRING) FROM ${source}.refs WHERE name = 'aside'`,
  );
  await lake.call(`cherrypick_snapshot('${source}', ${picked})`);
  await insertEvents(lake, source, { first: 500, count: 10 });
  await lake.settled(stream);
  const rows = await lake.assertMade(stream, "FROM source");
  assert.equal(rows.length, 60);
  const [[id] = []] = await lake.spark(
    `SELECT CAST(parent_id AS STRING) FROM ${source}.snapshots ORDER BY committed_at DESC LIMIT 1`,
  );
  await lake.call(`rollback_to_snapshot('${source}', ${id})`);
  assert.equal((await lake.server.failed(stream.id)).code, "source_rolled_back");
  assertSameRowSet(await lake.rows(stream.sink), rows, "a sink whose source was rolled back");
}

async function tag(lake: StreamLake, table: string, name: string): Promise<void> {
  if (lake.isPyIcebergs) {
    await lake.pyiceberg("tag", table, name, (await lake.look(table)).head);
  } else await lake.spark(`ALTER TABLE ${table} CREATE TAG ${name}`);
}
