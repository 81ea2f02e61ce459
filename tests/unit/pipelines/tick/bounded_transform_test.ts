import assert from "node:assert/strict";
import type { RecordBatch } from "apache-arrow";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { boundedTransform } from "../../../../lib/pipelines/tick/bounded_transform.ts";
import { openTransform, type Transform } from "../../../../lib/sql/mod.ts";
import { NOW_MS, openEngine } from "../../../support/query_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { batchOfRows } from "../../../support/rows.ts";

const { signal } = new AbortController();
const FIELDS = [{
  id: 1,
  name: "id",
  required: false,
  type: { kind: "long" },
  doc: null,
  initialDefault: undefined,
  writeDefault: undefined,
}] as const;
const SCHEMA = new Schema({ schemaId: 0, fields: [...FIELDS], identifierFieldIds: [] });
/** Each of its steps is short, and there is no end of them. */
const ENDLESS = "SELECT sum(batch.id * r.range) AS s FROM batch, range(1000000000000) r";
const TOO_SLOW = { kind: "too_large", code: "transform_too_slow" } as const;

const db = await openEngine();

function open(transform: string): Promise<Transform> {
  return openTransform(db, { schema: SCHEMA, names: [], where: null, transform, nowMs: NOW_MS });
}

async function* one(id: number): AsyncGenerator<RecordBatch> {
  await Promise.resolve();
  yield batchOfRows(FIELDS, [[BigInt(id)]]);
}

async function count(rows: AsyncIterable<RecordBatch>): Promise<number> {
  return (await Array.fromAsync(rows)).reduce((sum, { numRows }) => sum + numRows, 0);
}

Deno.test("a transform without an end is cut off, says what to do, and leaves its engine usable", async () => {
  const endless = boundedTransform(await open(ENDLESS), { limitMs: 200 });
  const error = await rejectsWith(count(endless.run(one(1), signal)), TOO_SLOW);
  assert.match(error.message, /computed for 1 seconds? over one batch.*max_rows_per_batch/);
  assert.equal(db.trapped, false);
  const next = boundedTransform(await open("SELECT id FROM batch"), { limitMs: 60_000 });
  assert.equal(await count(next.run(one(1), signal)), 1);
});

Deno.test("all runs over one batch share its time", async () => {
  const text = "SELECT sum(batch.id * r.range) AS s FROM batch, range(20000000) r";
  const shared = boundedTransform(await open(text), { limitMs: 400 });
  const all = async () => {
    for (let i = 0; i < 1_000; i++) await count(shared.run(one(i), signal));
  };
  await rejectsWith(all(), TOO_SLOW);
});

Deno.test("what reads and what writes may take its time", async () => {
  const limitMs = 2_000;
  let nowMs = 0;
  const planned = await open("SELECT id + 1 AS id FROM batch");
  const transform = boundedTransform(planned, { limitMs, now: () => nowMs });
  const slow = async function* () {
    for (let i = 0; i < 3; i++) {
      nowMs += limitMs;
      yield* one(i);
    }
    nowMs += limitMs;
  };
  let rows = 0;
  for await (const batch of transform.run(slow(), signal)) {
    nowMs += limitMs;
    rows += batch.numRows;
  }
  assert.equal(rows, 3);
  assert.equal(await count(transform.run(one(1), signal)), 1);
});

Deno.test("whoever asks for it to stop is told so", async () => {
  const stopping = new AbortController();
  const transform = boundedTransform(await open(ENDLESS), { limitMs: 60_000 });
  setTimeout(() => stopping.abort(new Error("stop")), 50);
  await rejectsWith(count(transform.run(one(1), stopping.signal)), {
    kind: "cancelled",
    code: "cancelled",
  });
});
