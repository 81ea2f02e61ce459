import assert from "node:assert/strict";
import { AppError, describeError } from "../../../../lib/errors.ts";
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

Deno.test("rows before one that fails come first, and the failure behind them", async () => {
  const sql =
    "SELECT CASE WHEN range < 900000 THEN 1 ELSE error('Not this one') END FROM range(1000000)";
  const { batches } = await db.stream(sql, signal);
  let rows = 0;
  await assert.rejects(async () => {
    for await (const batch of batches) rows += batch.numRows;
  }, { kind: "invalid" });
  assert(rows > 500_000 && rows <= 900_000, `${rows} rows`);
  assert.equal(await countRows("SELECT 1"), 1);
});

Deno.test("booleans cast to bytes come as Arrow's bits, nested ones too", async () => {
  const sql =
    "SELECT [true, NULL, range = 1]::TINYINT[] AS l, (range = 0)::TINYINT AS b FROM range(2)";
  const { schema, batches } = await db.stream(sql, signal);
  assert.deepEqual(schema.fields.map(({ type }) => `${type}`), ["List<Bool>", "Bool"]);
  const rows = (await Array.fromAsync(batches)).flatMap((batch) => batch.toArray().map(String));
  assert.deepEqual(rows, [
    '{"l": [true,null,false], "b": true}',
    '{"l": [true,null,true], "b": false}',
  ]);
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
    assert.throws(
      () => db.run(sql),
      (error) => error instanceof AppError && /locked/.test(error.issues[0]?.message ?? ""),
    );
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

Deno.test("what the engine says of a query stays out of the error's own text and causes", () => {
  db.reset();
  assert.throws(() => db.run("SELECT 'hush'::INTEGER, secret_name"), (error) => {
    assert.ok(error instanceof AppError);
    assert.match(error.issues[0]?.message ?? "", /secret_name/);
    assert.doesNotMatch(describeError(error), /secret_name|hush/);
    return true;
  });
});

Deno.test("a table that is not there is named, with what names look like, and nothing is guessed", () => {
  db.reset();
  assert.throws(() => db.run("SELECT 1 FROM secret_name"), (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.kind, error.code], ["invalid", "sql_invalid"]);
    const named = 'There is no table "secret_name". Tables are named namespace.table, as ' +
      "GET /api/tables lists them";
    assert.deepEqual(error.issues, [{ path: "sql", message: named }]);
    assert.doesNotMatch(describeError(error), /secret_name/);
    return true;
  });
});

Deno.test("a single step that takes too long is cut off, and the engine is lost with it", async () => {
  const lost = await openEngine();
  lost.endWithin(500);
  const startedAt = performance.now();
  const endless = "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))";
  assert.throws(
    () => lost.run(endless),
    (error) => error instanceof AppError && error.code === "query_cut_off",
  );
  assert.ok(performance.now() - startedAt < 5_000);
  assert.ok(lost.trapped);
  assert.throws(() => lost.run("SELECT 1"), { code: "query_engine_lost" });
});
