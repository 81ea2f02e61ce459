import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { DuckDb } from "../../../../lib/columnar/duckdb/mod.ts";
const bytes = await Deno.readFile(
  new URL(import.meta.resolve("@duckdb/duckdb-wasm/dist/duckdb-eh.wasm")),
);
const module = await WebAssembly.compile(bytes);
const signal = new AbortController().signal;

Deno.test("a query streams its rows", async () => {
  const db = await DuckDb.open({ module, memoryBytes: 256 * 2 ** 20 });
  db.lock();
  const result = await db.stream("SELECT range AS i FROM range(5000)", signal);
  let rows = 0;
  for await (const batch of result.batches) rows += batch.numRows;
  assert.equal(rows, 5000);
  await assert.rejects(async () => await db.stream("SELECT 1; SELECT 2", signal), AppError);
  const heavy = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b";
  const aborter = new AbortController();
  setTimeout(() => aborter.abort(new AppError("cancelled", "cancelled", "x")), 200);
  await assert.rejects(async () => {
    const r = await db.stream(heavy, aborter.signal);
    for await (const _ of r.batches);
  });
  db.reset();
  console.log(db.run("select 1 as x").toString(), db.heapBytes);
});
