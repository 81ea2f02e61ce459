/** Sources that Spark and PyIceberg update and delete from: the sink follows them, row by row. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { createEvents, eventRows, insertEvents, type RowMode } from "./events.ts";
import type { LakeKind } from "./lakes.ts";
import type { Stream, StreamLake } from "./stream_bed.ts";

const CHANGELOG = { source_changes: "changelog" };
const SHAPE = "SELECT id, lower(name) AS name, amount * 2 AS twice, st.c AS c FROM batch";
const WHERE = "id % 4 <> 1";
const KEYED = ["id"];

/** How a source is changed. */
interface Source {
  readonly table: string;
  readonly version: 2 | 3;
  readonly mode: RowMode;
  readonly byPyIceberg: boolean;
}

type Streams = Readonly<Record<"whole" | "shaped" | "latest", Stream>>;

type Pair = readonly [Omit<Source, "table">, Omit<Source, "table">];

/** PyIceberg writes copy-on-write alone, and no v3. */
const SOURCES: Readonly<Record<LakeKind, Pair>> = {
  hadoop: [
    { version: 2, mode: "copy-on-write", byPyIceberg: false },
    { version: 3, mode: "merge-on-read", byPyIceberg: false },
  ],
  sql: [
    { version: 2, mode: "merge-on-read", byPyIceberg: true },
    { version: 3, mode: "copy-on-write", byPyIceberg: false },
  ],
  rest: [
    { version: 2, mode: "copy-on-write", byPyIceberg: true },
    { version: 2, mode: "merge-on-read", byPyIceberg: false },
  ],
};

/** See the top of this file. */
export async function changelogs(lake: StreamLake): Promise<void> {
  const [one, other] = SOURCES[lake.kind];
  const table = "db.changes";
  await changelog(lake, { table, ...one });
  await assertModes(lake, table);
  await lake.stopAll();
  const source = { table: "db.others", ...other };
  const { latest, ...rest } = await changelog(lake, source);
  await lake.server.stop(latest.id);
  await changeDoubles(lake, { table: source.table, ...rest });
}

async function changelog(lake: StreamLake, source: Source): Promise<Streams> {
  const { table, version, mode } = source;
  await createEvents(lake, table, { version, mode, partitionBy: ["bucket(2, k)"] });
  await insertEvents(lake, table, { first: 0, count: 30 });
  const whole = await lake.start(table, `${table}_whole`, CHANGELOG);
  const shaped = await lake.start(table, `${table}_shaped`, {
    ...CHANGELOG,
    where: WHERE,
    transform: SHAPE,
    key_columns: KEYED,
    sink_format_version: 3,
  });
  const latest = await lake.start(table, `${table}_latest`, {
    ...CHANGELOG,
    write_mode: "upsert",
    key_columns: KEYED,
    delete_files: lake.kind === "hadoop" ? "equality" : "positions",
    sink_format_version: 5 - version,
    sink_partition_by: ["truncate(10, id)"],
  });
  await changeWithSpark(lake, table);
  if (source.byPyIceberg) await changeWithPyIceberg(lake, table);
  const streams = { whole, shaped, latest };
  await assertFollowed(lake, streams);
  return streams;
}

/** Rows that are there twice go as often as they were there; then all go. */
async function changeDoubles(
  lake: StreamLake,
  { table, whole, shaped }: Omit<Streams, "latest"> & Pick<Source, "table">,
): Promise<void> {
  for (let n = 0; n < 2; n++) await insertEvents(lake, table, { first: 200, count: 6 });
  await lake.spark(`DELETE FROM ${table} WHERE id = 204`);
  const view = await lake.settled(whole);
  await lake.assertMade(whole, "FROM source");
  assert.equal(view.last_batch?.deleted_rows, 2);
  await lake.settled(shaped);
  await lake.assertMade(shaped, shapeOf);
  await lake.spark(`TRUNCATE TABLE ${table}`);
  for (const one of [whole, shaped]) {
    await lake.settled(one);
    assert.deepEqual(await lake.rows(one.sink), [], `${one.sink} of the ${lake.kind} catalog`);
  }
}

const shapeOf = `WITH batch AS (FROM source WHERE ${WHERE}) ${SHAPE}`;

/** What becomes of changes that are not followed, read from the first snapshot on. */
async function assertModes(lake: StreamLake, table: string): Promise<void> {
  const { snapshots } = await lake.look(table);
  const changed = snapshots.filter(([, kind]) => kind === "overwrite" || kind === "delete").length;
  const modes = [
    ["skip", "skipped", ["append"]],
    ["added-files", "added_files", ["append", "overwrite", "delete"]],
  ] as const;
  for (const [mode, counter, operations] of modes) {
    const { id, sink } = await lake.start(table, `${table}_${counter}`, {
      source_changes: mode,
      start_from: { snapshot_id: snapshots[0]![0] },
      trigger_interval: "available-now",
      max_files_per_batch: 4,
    });
    const view = await lake.server.until(id, ({ status }) => status === "stopped");
    assert.equal(view.source_changes[counter], changed);
    const added = await lake.pyiceberg<string[]>("added", table, operations);
    assertSameRowSet(await lake.rows(sink), added, `${sink} of the ${lake.kind} catalog`);
  }
}

async function changeWithSpark(lake: StreamLake, table: string): Promise<void> {
  await lake.spark(`UPDATE ${table} SET name = 'Updated', k = k + 1 WHERE id % 5 = 1`);
  await lake.spark(`DELETE FROM ${table} WHERE id % 7 = 2`);
  await lake.spark(
    `MERGE INTO ${table} t USING (${eventRows({ first: 22, count: 16 })}) s ON t.id = s.id ` +
      "WHEN MATCHED AND s.id % 2 = 0 THEN DELETE " +
      "WHEN MATCHED THEN UPDATE SET t.amount = s.amount + 5, t.st = NULL " +
      "WHEN NOT MATCHED THEN INSERT *",
  );
  await lake.call(
    `rewrite_data_files(table => '${table}', options => map('rewrite-all', 'true'))`,
  );
  await insertEvents(lake, table, { first: 40, count: 10 });
  await lake.spark(`UPDATE ${table} SET ts = ts + INTERVAL 1 DAY WHERE id >= 45`);
}

async function changeWithPyIceberg(lake: StreamLake, table: string): Promise<void> {
  await lake.pyiceberg("append", table, 100, 20);
  await lake.pyiceberg("delete", table, "id >= 104 and id < 108");
  await lake.pyiceberg("overwrite", table, "id >= 110 and id < 113", 120, 5);
  await lake.pyiceberg("upsert", table, 113, 10);
  await lake.pyiceberg("delete", table, "id < 6");
}

async function assertFollowed(
  lake: StreamLake,
  { whole, shaped, latest }: Streams,
): Promise<void> {
  const view = await lake.settled(whole);
  const rows = await lake.assertMade(whole, "FROM source");
  const { snapshots } = await lake.look(whole.source);
  const count = (operations: readonly string[]) =>
    snapshots.filter(([, operation]) => operations.includes(operation)).length;
  assert.equal(view.source_changes.changelog, count(["overwrite", "delete"]));
  assert.equal(view.source_changes.replace_skipped, count(["replace"]));
  await lake.settled(shaped);
  await lake.assertMade(shaped, shapeOf);
  await lake.settled(latest);
  const seen = await lake.sparkRows(`SELECT * FROM ${latest.sink}`);
  assertSameRowSet(seen, rows, `${latest.sink} of the ${lake.kind} catalog by Spark`);
  // PyIceberg does not read equality deletes.
  if (lake.kind !== "hadoop") await lake.assertMade(latest, "FROM source");
}
