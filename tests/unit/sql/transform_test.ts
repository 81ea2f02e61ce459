import assert from "node:assert/strict";
import { AppError, describeError } from "../../../lib/errors.ts";
import type { IcebergValue } from "../../../lib/iceberg/spec/types.ts";
import { formatSqlType } from "../../../lib/iceberg/ddl/format_sql_type.ts";
import { openTransform, transformWithoutEngine } from "../../../lib/sql/mod.ts";
import { VOLATILE_FUNCTIONS } from "../../../lib/sql/volatile_functions.ts";
import { NOW_MS, openEngine } from "../../support/query_table.ts";
import { batchOfRows } from "../../support/rows.ts";
import { collect, db, feed, NAMES, never, open, schemaOf } from "./_transforms.ts";

const START = BigInt(Date.UTC(2026, 0, 1)) * 1000n;
const SCHEMA = schemaOf({
  id: { kind: "long" },
  region: { kind: "string" },
  ts: { kind: "timestamptz" },
  half: { kind: "double" },
});

function rows(from: number, to: number): IcebergValue[][] {
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i;
    return [BigInt(n), n % 3 === 0 ? null : `r${n % 7}`, START + BigInt(n) * 1_000_000n, n / 2];
  });
}

async function run(
  options: { readonly where?: string; readonly transform?: string; readonly nowMs?: number },
  ...batches: readonly IcebergValue[][][]
): Promise<IcebergValue[][]> {
  return await collect(await open(SCHEMA, options), feed(SCHEMA, ...batches));
}

function hasCode(code: string, path?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof AppError, describeError(error));
    assert.equal(error.code, code);
    if (path !== undefined) assert.deepEqual(error.issues.map((issue) => issue.path), [path]);
    return true;
  };
}

Deno.test("a batch goes by its own names and those of its source", async () => {
  for (
    const transform of [
      "SELECT id FROM batch",
      "SELECT batch.id FROM Batch",
      "SELECT s.id FROM source AS s",
      "SELECT events.id FROM db.events",
      'SELECT db.events.id FROM "db".events',
      "SELECT id FROM drls.db.events",
      "WITH w AS (SELECT * FROM db.events) SELECT id FROM w",
      "SELECT a.id FROM batch a JOIN db.events b USING (id) JOIN drls.db.events USING (id)",
      "FROM batch SELECT id",
    ]
  ) {
    assert.deepEqual(await run({ transform }, rows(1, 3)), [[1n], [2n]], transform);
  }
});

Deno.test("the name of a source at the root of its warehouse has one part", async () => {
  const options = { names: ["events"], transform: "SELECT id + 1 AS n FROM events" };
  assert.deepEqual(await collect(await open(SCHEMA, options), feed(SCHEMA, rows(1, 2))), [[2n]]);
});

Deno.test("anything else than the batch is refused with what may be named", async () => {
  for (
    const transform of [
      "SELECT * FROM orders",
      "SELECT * FROM db.orders",
      "SELECT id FROM batch JOIN db.users USING (id)",
      "SELECT id FROM batch WHERE id IN (SELECT id FROM other)",
      "SELECT 1 AS one",
      "SELECT * FROM range(10)",
      "SELECT database_name AS id FROM duckdb_databases() JOIN batch ON true",
      "SELECT table_name FROM information_schema.tables, batch",
      "SELECT id FROM Events",
    ]
  ) {
    await assert.rejects(open(SCHEMA, { transform }), (error) => {
      hasCode("transform_table_unknown", "transform")(error);
      assert.match(
        (error as AppError).issues[0]!.message,
        /"batch", "source", "db.events", "drls.db.events"/,
      );
      return true;
    }, transform);
  }
});

Deno.test("lookups and series may be joined to the batch", async () => {
  const transform = "SELECT id, v.n FROM batch JOIN (VALUES (1, 'one'), (5, 'five')) v(k, n) " +
    "ON id = k JOIN range(2) ON true ORDER BY id";
  assert.deepEqual(await run({ transform }, rows(0, 3)), [[1n, "one"], [1n, "one"]]);
});

/** Texts that are refused before any row is read. */
const REFUSED: readonly (readonly [string, { where?: string; transform?: string }, string])[] = [
  ["sql_not_a_query", { transform: "DELETE FROM batch" }, "transform"],
  ["sql_not_a_query", { transform: "COPY batch TO '/tmp/x'" }, "transform"],
  ["transform_invalid", { transform: "SELECT id FROM batch; SELECT 1" }, "transform"],
  ["transform_invalid", { transform: "SELECT nothing FROM batch" }, "transform"],
  ["transform_invalid", { transform: "SELECT FROM batch" }, "transform"],
  ["transform_invalid", { transform: "SELECT rowid FROM batch" }, "transform"],
  [
    "sql_function_forbidden",
    { transform: "SELECT * FROM query('FROM batch'), batch" },
    "transform",
  ],
  ["sql_extension_missing", { transform: "SELECT to_json(id) AS j FROM batch" }, "transform"],
  ["transform_invalid", { where: "nothing = 1" }, "where"],
  ["transform_invalid", { where: "nothing = 1", transform: "FROM batch" }, "where"],
  ["transform_invalid", { where: "sum(id) > 1", transform: "FROM batch" }, "where"],
  ["sql_not_a_condition", { where: "true) UNION SELECT (id FROM batch" }, "where"],
  ["sql_not_a_condition", { where: "true; DROP TABLE x", transform: "FROM batch" }, "where"],
  ["sql_not_a_condition", { where: "(id = 1" }, "where"],
  ["sql_not_a_condition", { where: " -- nothing" }, "where"],
  [
    "transform_table_unknown",
    { where: "id IN (SELECT id FROM batch)", transform: "FROM batch" },
    "where",
  ],
  ["transform_table_unknown", { transform: "SELECT t0.id FROM drls_store.t0, batch" }, "transform"],
  ["transform_table_unknown", { transform: 'FROM memory."DRLS_store".t0, batch' }, "transform"],
];
for (const [code, options, path] of REFUSED) {
  Deno.test(`is refused (${code}): ${JSON.stringify(options)}`, async () => {
    await assert.rejects(open(SCHEMA, options), (error) => {
      hasCode(code)(error);
      const issues = (error as AppError).issues.map((issue) => issue.path);
      if (issues.length > 0) assert.deepEqual(issues, [path]);
      return true;
    });
    assert.deepEqual(await run({ transform: "SELECT id FROM batch" }, rows(1, 2)), [[1n]]);
  });
}

Deno.test("a condition comes before the query, whatever the query does", async () => {
  const where = "id % 2 = 0 AND region IS NOT NULL";
  const counted = await run({ where, transform: "SELECT count(*) AS n FROM batch" }, rows(0, 10));
  assert.deepEqual(counted, [[3n]]);
  const transform = "SELECT id FROM batch WHERE id > 2";
  assert.deepEqual(await run({ where, transform }, rows(0, 10)), [[4n], [8n]]);
});

Deno.test("a transform reads only the columns that it needs, and picks them from what it gets", async () => {
  const transform = await open(SCHEMA, {
    where: "half > 1",
    transform: "SELECT ts FROM batch WHERE region = 'r1'",
  });
  assert.deepEqual(transform.columns, ["region", "ts", "half"]);
  const counted = await open(SCHEMA, { transform: "SELECT count(*) AS n FROM batch" });
  assert.equal(counted.columns.length, 1);
  // Batches may have more columns than that.
  assert.deepEqual(await collect(counted, feed(SCHEMA, rows(0, 5), rows(5, 7))), [[7n]]);
});

Deno.test("conditions and filters of the query reach the files' statistics", async () => {
  const { filter } = await open(SCHEMA, {
    where: "id > 5",
    transform: "SELECT id FROM batch WHERE region = 'r1'",
  });
  const text = JSON.stringify(filter, (_, v) => typeof v === "bigint" ? String(v) : v);
  for (const part of ['"gt"', '"unscaled":"5"', '"region"', "r1"]) assert.ok(text.includes(part));
  const joined = await open(SCHEMA, {
    transform: "SELECT a.id FROM batch a LEFT JOIN batch b ON a.id = b.id AND b.id > 5",
  });
  assert.ok(!JSON.stringify(joined.filter, (_, v) => `${v}` && v).includes('"column":"ts"'));
});

Deno.test("now() is the moment of each run, also where nothing is planned anew", async () => {
  const options = { transform: "SELECT now() AS n, today() AS d FROM batch" };
  const micros = BigInt(NOW_MS) * 1000n;
  assert.deepEqual((await run(options, rows(0, 1)))[0]?.[0], micros);
  const later = await run({ ...options, nowMs: NOW_MS + 86_400_000 }, rows(0, 1));
  assert.deepEqual(later, [[micros + 86_400_000_000n, Math.floor(NOW_MS / 86_400_000) + 1]]);
  const where = "ts < now() AND id >= 0";
  assert.equal((await run({ where, nowMs: Number(START / 1000n) + 2_500 }, rows(0, 9))).length, 3);
  assert.equal((await run({ where, nowMs: Number(START / 1000n) + 4_500 }, rows(0, 9))).length, 5);
});

Deno.test("JSON, time zones and zoned literals are there as in queries", async () => {
  const transform = `SELECT '{"a":[1,2]}' ->> '$.a[1]' AS two,
    ts AT TIME ZONE 'Asia/Tokyo' AS tokyo, ts > TIMESTAMPTZ '2026-01-01 01:00:00+01:00' AS after
    FROM batch`;
  assert.deepEqual(await run({ transform }, rows(1, 2)), [[
    "2",
    START + 9n * 3_600_000_000n + 1_000_000n,
    true,
  ]]);
});

Deno.test("one session serves many batches, and keeps nothing of them", async () => {
  const options = { transform: "SELECT count(*) AS n, min(id) AS low FROM batch" };
  for (let n = 1; n <= 200; n++) {
    assert.deepEqual(await run(options, rows(n, 2 * n)), [[BigInt(n), BigInt(n)]]);
  }
  const transform = await open(SCHEMA, options);
  const stopped = transform.run(feed(SCHEMA, rows(0, 10)), never);
  await stopped.next();
  await stopped.return(undefined);
  assert.deepEqual(await collect(transform, feed(SCHEMA)), [[0n, null]]);
});

Deno.test("a run that was left half-way does not meet the next one", async () => {
  const transform = await open(SCHEMA, { transform: "SELECT id * 2 AS d FROM batch" });
  const many = transform.run(feed(SCHEMA, rows(0, 20_000), rows(20_000, 30_000)), never);
  assert.equal((await many.next()).done, false);
  await many.return(undefined);
  assert.deepEqual(await collect(transform, feed(SCHEMA, rows(1, 3))), [[2n], [4n]]);
});

Deno.test("a transform of another source is planned anew", async () => {
  const transform = "SELECT * FROM batch";
  assert.equal((await open(SCHEMA, { transform })).outputSchema.fields.length, 4);
  const other = await open(schemaOf({ id: { kind: "int" } }), { transform });
  assert.deepEqual(other.outputSchema.fields.map(({ type }) => type.kind), ["int"]);
});

Deno.test("a row that the query fails on is an error with the engine's own sentence", async () => {
  const transform = await open(SCHEMA, { transform: "SELECT region::INTEGER AS n FROM batch" });
  const bad = collect(transform, feed(SCHEMA, rows(0, 10)));
  await assert.rejects(bad, (error) => {
    hasCode("transform_failed", "transform")(error);
    assert.ok(error instanceof AppError && error.kind === "invalid");
    assert.match(error.issues[0]!.message, /Conversion Error.*r1/);
    assert.doesNotMatch(error.message, /r1|\/|SELECT/);
    return true;
  });
  assert.equal(db.trapped, false);
  const nulls = rows(0, 1);
  assert.deepEqual(await collect(transform, feed(SCHEMA, nulls)), [[null]]);
});

Deno.test("a condition that fails on a row says so", async () => {
  const where = "CASE WHEN region = 'r5' THEN region::INTEGER = 5 ELSE true END";
  await assert.rejects(run({ where }, rows(0, 10)), hasCode("transform_failed", "where"));
  assert.equal((await run({ where }, rows(0, 2))).length, 2);
});

Deno.test("what the source's reader throws stays what it is", async () => {
  const broken = new AppError("corrupt_data", "data_file_malformed", "Cannot read it");
  async function* failing() {
    yield batchOfRows(SCHEMA.fields, rows(0, 10));
    await Promise.resolve();
    throw broken;
  }
  for (const text of ["SELECT id FROM batch", "SELECT count(*) AS n FROM batch"]) {
    const transform = await open(SCHEMA, { transform: text });
    await assert.rejects(collect(transform, failing()), broken);
  }
  const filtered = await open(SCHEMA, { where: "half % 1 = 0" });
  await assert.rejects(collect(filtered, failing()), broken);
});

Deno.test("a run ends when its signal fires", async () => {
  const aborter = new AbortController();
  const reason = new AppError("cancelled", "cancelled", "Enough");
  const text =
    "SELECT sum(a.range * b.range * id) AS s FROM batch, range(9000000) a, range(9000000) b";
  const transform = await open(SCHEMA, { transform: text });
  setTimeout(() => aborter.abort(reason), 50);
  const running = Array.fromAsync(transform.run(feed(SCHEMA, rows(0, 3)), aborter.signal));
  await assert.rejects(running, reason);
  assert.deepEqual(await run({ transform: "SELECT id FROM batch" }, rows(1, 2)), [[1n]]);
});

Deno.test("a batch beyond the engine's memory is refused with a remedy", async () => {
  const transform = "SELECT region, list(repeat(region, 20000)) AS l FROM batch GROUP BY region";
  await assert.rejects(run({ transform }, rows(0, 60_000)), (error) => {
    hasCode("transform_out_of_memory")(error);
    assert.ok(error instanceof AppError && error.kind === "too_large");
    assert.match(error.message, /max_bytes_per_batch/);
    return true;
  });
  assert.deepEqual(await run({ transform: "SELECT id FROM batch" }, rows(1, 2)), [[1n]]);
});

Deno.test("an engine that is lost says so, and is not used again", async () => {
  const own = await openEngine();
  const opening = (transform: string) =>
    openTransform(own, { schema: SCHEMA, names: NAMES, where: null, transform, nowMs: NOW_MS });
  const endless = "levenshtein(repeat('a', 300000 + id), repeat('b', 300000))";
  const transform = await opening(`SELECT ${endless} AS l FROM batch`);
  own.endWithin(300);
  const lost = collect(transform, feed(SCHEMA, rows(0, 3)));
  await assert.rejects(lost, (error) => {
    hasCode("query_cut_off")(error);
    assert.match((error as AppError).message, /^Cannot run the transform: /);
    return true;
  });
  assert.equal(own.trapped, true);
  const again = collect(transform, feed(SCHEMA, rows(0, 3)));
  await assert.rejects(again, hasCode("query_engine_lost"));
  await assert.rejects(opening("FROM batch"), hasCode("query_engine_lost"));
});

Deno.test("conditions that drls understands need no engine", async () => {
  const plain = (where: string | null) =>
    transformWithoutEngine({ schema: SCHEMA, names: [], where, transform: null, nowMs: 0 });
  for (const where of [null, "id > 3", "region = 'r1' OR ts >= '2026-01-01T00:00:05'"]) {
    const transform = plain(where);
    assert.ok(transform?.filterSuffices, where ?? "");
    const own = await collect(transform, feed(SCHEMA, rows(0, 20)));
    const asked = await run({ transform: `FROM batch WHERE ${where ?? "true"}` }, rows(0, 20));
    assert.deepEqual(own, asked);
  }
  for (const where of ["half > 3", "upper(region) = 'R1'", "id = 1.5e0", "nothing = 1"]) {
    assert.equal(plain(where), null, where);
  }
});

Deno.test("rows that pass a condition keep their columns exactly", async () => {
  const [first, ...others] = SCHEMA.fields;
  const schema = schemaOf({});
  Object.assign(schema, {
    fields: [{ ...first!, required: true, doc: "the id", id: 77 }, ...others],
  });
  for (const where of ["id > 1", "half > 0.5"]) {
    const transform = await open(schema, { where });
    assert.equal(transform.outputSchema, schema);
    assert.deepEqual(transform.columns, ["id", "region", "ts", "half"]);
    const kept = await collect(transform, feed(schema, rows(0, 3), [], rows(3, 4)));
    assert.deepEqual(kept, rows(2, 4), where);
  }
});

Deno.test("a condition of the engine's keeps every third row of many batches in order", async () => {
  const batches = Array.from({ length: 40 }, (_, i) => rows(i * 5_000, (i + 1) * 5_000));
  const kept = await run({ where: "half % 1.5 = 0" }, ...batches);
  assert.deepEqual(kept, rows(0, 200_000).filter(([id]) => Number(id) % 3 === 0));
});

Deno.test("the columns of a result are those of a table", async () => {
  const transform = await open(SCHEMA, {
    transform: `SELECT id, [id] AS list, {'a': ts, 'b': [1]} AS s, MAP {'k': region} AS m,
      count(*) OVER () AS n, sum(id) OVER () AS total, 1.25 AS d, half::FLOAT AS f FROM batch`,
  });
  const { outputSchema: { fields } } = transform;
  assert.deepEqual(fields.map(({ id }) => id), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(fields.map(({ type }) => formatSqlType(type)), [
    "bigint",
    "array<bigint>",
    "struct<a:timestamp,b:array<int>>",
    "map<string,string>",
    "bigint",
    "decimal(38,0)",
    "decimal(3,2)",
    "float",
  ]);
  const ids = [...transform.outputSchema.allFields()].map(({ field }) => field.id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(fields.every(({ required }) => !required));
});

Deno.test("the engine's volatile functions are all known", () => {
  db.reset();
  const found = db.run(
    "SELECT DISTINCT lower(function_name) AS f FROM duckdb_functions() WHERE stability = 'VOLATILE'",
  ).toArray().map((row) => String(row["f"]));
  assert.deepEqual(found.sort(), [...VOLATILE_FUNCTIONS].sort());
});
