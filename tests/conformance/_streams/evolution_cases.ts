/** Sources whose columns change while pipelines run: the sinks get them too, or the pipeline says so. */
import assert from "node:assert/strict";
import { assertSameRowSet } from "../_same_rows.ts";
import { createEvents, eventRows, insertEvents } from "./events.ts";
import type { StreamLake } from "./stream_bed.ts";

const EVOLVE = { schema_changes: "evolve" };
const COLUMNS = ["id", "k", "name", "ts", "amount", "st", "score"];
const MORE = "SELECT *, k + 1 AS next FROM batch WHERE id % 2 = 0";

/** See the top of this file. */
export async function evolutions(lake: StreamLake): Promise<void> {
  const source = "db.evolve";
  await createEvents(lake, source, { partitionBy: ["bucket(2, k)"] });
  await insertEvents(lake, source, { first: 0, count: 10 });
  const copy = await lake.start(source, "db.evolve_copy", EVOLVE);
  const more = await lake.start(source, "db.evolve_more", { ...EVOLVE, transform: MORE });
  const strict = await lake.start(source, "db.evolve_strict");
  for (const one of [copy, more, strict]) await lake.settled(one);
  await (lake.isPyIcebergs ? lake.pyiceberg("evolve", source) : evolveWithSpark(lake, source));
  await insertEvolved(lake, source, 100);
  if (lake.isPyIcebergs) await lake.pyiceberg("append", source, 200, 12);
  const failure = await lake.server.failed(strict.id);
  assert.equal(failure.code, "source_schema_changed");
  await assertEvolved(lake, { copy: copy.sink, more: more.sink, source }, async () => {
    for (const one of [copy, more]) await lake.settled(one);
  });
  // Said what to do, and done: it goes on where it was.
  const again = await lake.start(source, strict.sink, EVOLVE);
  assert.equal(again.id, strict.id);
  await lake.spark(`ALTER TABLE ${source} ADD COLUMN tags ARRAY<STRUCT<x: INT>>`);
  await lake.spark(`ALTER TABLE ${source} ALTER COLUMN amount TYPE DECIMAL(20,2)`);
  await lake.spark(
    `INSERT INTO ${source} SELECT id, k, name, ts, amount * 1000000000, st, score, ` +
      `array(named_struct('x', 1), NULL) FROM (${wide(300)})`,
  );
  for (const one of [copy, again]) {
    await lake.settled(one);
    // PyIceberg reads lists of structs that are null as empty ones.
    const rows = (table: string) => lake.sparkRows(`SELECT * FROM ${table}`);
    const what = `${one.sink} of the ${lake.kind} catalog`;
    assertSameRowSet(await rows(one.sink), await rows(source), what);
  }
  const { columns } = await lake.look(again.sink);
  const typeOf = (name: string) => columns.find(([one]) => one === name)?.[1];
  assert.equal(typeOf("k"), "long");
  assert.equal(typeOf("amount"), "decimal(20, 2)");
}

async function evolveWithSpark(lake: StreamLake, source: string): Promise<void> {
  await lake.spark(`ALTER TABLE ${source} ADD COLUMN score DOUBLE`);
  await lake.spark(`ALTER TABLE ${source} ADD COLUMN st.more STRING`);
  await lake.spark(`ALTER TABLE ${source} ALTER COLUMN k TYPE BIGINT`);
}

function wide(first: number): string {
  return "SELECT id, k + 5000000000 k, name, ts, amount, " +
    "named_struct('a', 1, 'c', 'c', 'more', IF(id % 2 = 0, NULL, name)) st, " +
    `CAST(id / 4 AS DOUBLE) score FROM (${eventRows({ first, count: 10 })})`;
}

async function insertEvolved(lake: StreamLake, source: string, first: number): Promise<void> {
  await lake.spark(`INSERT INTO ${source} ${wide(first)}`);
}

async function assertEvolved(
  lake: StreamLake,
  { copy, more, source }: Readonly<Record<"copy" | "more" | "source", string>>,
  settled: () => Promise<void>,
): Promise<void> {
  await settled();
  await lake.assertMade({ source, sink: copy }, `SELECT ${COLUMNS} FROM source`, COLUMNS);
  await lake.assertMade(
    { source, sink: more },
    `SELECT ${COLUMNS}, k + 1 AS next FROM source WHERE id % 2 = 0`,
    [...COLUMNS, "next"],
  );
}
