import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { openEngine } from "../../../support/query_table.ts";

const db = await openEngine();
const { signal } = new AbortController();

async function countRows(sql: string): Promise<number> {
  const { batches } = await db.stream(sql, signal);
  let rows = 0;
  for await (const batch of batches) rows += batch.numRows;
  return rows;
}

Deno.test("a result comes in batches, as many rows as there are", async () => {
  assert.equal(await countRows("SELECT range AS i FROM range(5000)"), 5000);
});

Deno.test("booleans come as Arrow's bits, nested ones too", () => {
  const result = db.run("SELECT [true, NULL, false] AS l, {'a': true} AS s, 1 = 1 AS b");
  assert.equal(result.numRows, 1);
});

Deno.test("a database that is reset has forgotten everything", () => {
  db.run("CREATE TABLE kept (a INT)");
  db.run("CREATE MACRO twice(x) AS x * 2");
  db.reset();
  for (const sql of ["SELECT * FROM kept", "SELECT twice(1)"]) {
    assert.throws(() => db.run(sql), (error) => error instanceof AppError);
  }
});

Deno.test("a function of ours sees texts and nulls, and gives texts of any length", async () => {
  db.reset();
  db.defineFunction("shout", (text = null) => text === null ? null : `${text}! `.repeat(3));
  const { batches } = await db.stream(
    "SELECT shout(CASE WHEN range % 3 = 0 THEN NULL ELSE 'ü' || range END) AS s FROM range(5000)",
    signal,
  );
  const texts: (string | null)[] = [];
  for await (const batch of batches) texts.push(...batch.getChild("s")!);
  assert.equal(texts.length, 5000);
  for (const [i, text] of texts.entries()) {
    assert.equal(text, i % 3 === 0 ? null : `ü${i}! `.repeat(3));
  }
});

Deno.test("locked settings stay as they are", () => {
  db.reset();
  db.lock();
  for (const sql of ["SET memory_limit = '1GB'", "RESET memory_limit", "SET threads = 4"]) {
    assert.throws(() => db.run(sql), /locked/);
  }
});

Deno.test("more memory than the bound is refused, and the engine goes on", async () => {
  db.reset();
  await assert.rejects(
    countRows("SELECT list(range || repeat('x', 200)) FROM range(10000000)"),
    (error) => error instanceof AppError && error.code === "query_too_large",
  );
  assert.equal(await countRows("SELECT 1"), 1);
});
