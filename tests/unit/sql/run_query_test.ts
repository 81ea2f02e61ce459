import assert from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { AppError } from "../../../lib/errors.ts";
import type { IcebergValue } from "../../../lib/iceberg/spec/types.ts";
import type { ScanRequest } from "../../../lib/sql/query_table.ts";
import { MemoryQueryTable, openEngine, queryBytes } from "../../support/query_table.ts";

const db = await openEngine();
const START = BigInt(Date.UTC(2026, 0, 1)) * 1000n;
const BATCHES = 3;
const BATCH_ROWS = 50_000;

/** Row `i`: an id, a region that is null for every third, a second each, half the id, JSON. */
function row(i: number): readonly IcebergValue[] {
  return [
    BigInt(i),
    i % 3 === 0 ? null : `r${i % 7}`,
    START + BigInt(i) * 1_000_000n,
    i / 2,
    `{"n":{"list":[${i},9007199254740993]}}`,
  ];
}

function events(): MemoryQueryTable {
  const batches = Array.from(
    { length: BATCHES },
    (_, b) => Array.from({ length: BATCH_ROWS }, (_, i) => row(b * BATCH_ROWS + i)),
  );
  return new MemoryQueryTable({
    id: { kind: "long" },
    region: { kind: "string" },
    ts: { kind: "timestamptz" },
    half: { kind: "double" },
    js: { kind: "string" },
  }, batches);
}
const table = events();

interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly row_count: number;
  readonly truncated: boolean;
}

async function query(sql: string, rowLimit: number | null = null): Promise<Answer> {
  table.requests.length = 0;
  const tables = { "db.events": table, "a.b.other": table };
  return JSON.parse(
    new TextDecoder().decode(await queryBytes(db, sql, { tables, rowLimit })),
  );
}

/** What the last query asked of its only table. */
function asked(): ScanRequest {
  assert.equal(table.requests.length, 1);
  return table.requests[0]!;
}

Deno.test("a query reads only the columns that it names", async () => {
  const { rows } = await query("SELECT region FROM db.events WHERE id = 4");
  assert.deepEqual(rows, [{ region: "r4" }]);
  assert.deepEqual(asked().columns, ["id", "region"]);
});

Deno.test("comparisons reach the files' statistics", async () => {
  await query("SELECT id FROM db.events WHERE id BETWEEN 5 AND 7 AND region IN ('r1', 'it''s')");
  const text = JSON.stringify(
    asked().filter,
    (_, value) => typeof value === "bigint" ? `${value}` : value,
  );
  for (const part of ['"gt_eq"', '"lt_eq"', '"unscaled":"5"', '"in"', "it's"]) {
    assert.ok(text.includes(part), part);
  }
});

Deno.test("what the engine cannot push into a scan reaches the statistics too", async () => {
  const sql =
    "SELECT id FROM db.events WHERE region = 'r1' AND id < 9 OR id = 78 AND region IS NULL";
  const { rows } = await query(sql);
  assert.deepEqual(rows.map(({ id }) => id), [1, 8, 78]);
  const text = JSON.stringify(asked().filter, (_, v) => typeof v === "bigint" ? `${v}` : v);
  for (const part of ['"or"', '"is_null"', '"unscaled":"78"', "r1"]) {
    assert.ok(text.includes(part), text);
  }
});

Deno.test("a filter on doubles keeps files with NaN, which the engine ranks highest", async () => {
  await query("SELECT id FROM db.events WHERE half > 74999");
  assert.match(
    JSON.stringify(asked().filter, (_, v) => `${typeof v}` === "bigint" ? 0 : v),
    /is_nan/,
  );
});

Deno.test("rows are counted without reading more than one small column", async () => {
  const { rows } = await query("SELECT count(*) AS n FROM db.events");
  assert.deepEqual(rows, [{ n: BATCHES * BATCH_ROWS }]);
  assert.equal(asked().columns.length, 1);
});

Deno.test("sums of 64-bit integers stay exact", async () => {
  const { columns, rows } = await query("SELECT sum(id) AS s, max(ts) AS t FROM db.events");
  assert.deepEqual(rows, [{ s: "11249925000", t: "2026-01-02T17:39:59Z" }]);
  assert.deepEqual(columns.map(({ type }) => type), ["decimal(38,0)", "timestamp"]);
});

Deno.test("an order given inside stays, also where a type is cast on the way out", async () => {
  const { rows } = await query(
    "SELECT id, id::HUGEINT AS big FROM db.events ORDER BY id DESC LIMIT 3",
  );
  assert.deepEqual(rows.map((one) => one["id"]), [149_999, 149_998, 149_997]);
});

Deno.test("zoned timestamps compare, truncate and come back zoned", async () => {
  const { rows } = await query(
    `SELECT date_trunc('hour', ts) AS h, count(*) AS n FROM db.events
     WHERE ts < TIMESTAMPTZ '2026-01-01 02:00:00+01:00' GROUP BY 1 ORDER BY 1`,
  );
  assert.deepEqual(rows, [{ h: "2026-01-01T00:00:00Z", n: 3600 }]);
});

Deno.test("AT TIME ZONE gives the wall clock there, which has no zone", async () => {
  const { rows, columns } = await query(
    "SELECT ts AT TIME ZONE 'Europe/Berlin' AS b FROM db.events WHERE id = 1",
  );
  assert.deepEqual(rows, [{ b: "2026-01-01T01:00:01" }]);
  assert.equal(columns[0]?.type, "timestamp_ntz");
});

Deno.test("JSON is extracted by path, integers beyond 2^53 exactly", async () => {
  const { rows } = await query(
    `SELECT json_extract(js, '$.n.list[1]') AS big, js -> 'n' ->> '$.list[0]' AS first,
       json_array_length(js, '$.n.list') AS len FROM db.events
     WHERE js ->> '$.n.list[0]' = '77'`,
  );
  assert.deepEqual(rows, [{ big: "9007199254740993", first: "77", len: 2 }]);
});

Deno.test("now() is the moment of the query everywhere in it", async () => {
  const { rows } = await query("SELECT now() = current_timestamp AS same, today() AS d");
  assert.deepEqual(rows, [{ same: true, d: "2026-06-01" }]);
});

Deno.test("a limit on top stops the scan", async () => {
  const limited = events();
  let read = 0;
  const scan = limited.scan.bind(limited);
  limited.scan = async function* (request) {
    for await (const batch of scan(request)) {
      read++;
      yield batch;
    }
  };
  const sql = "SELECT id, region FROM db.events LIMIT 5 OFFSET 2";
  const bytes = await queryBytes(db, sql, { tables: { "db.events": limited } });
  assert.equal(JSON.parse(new TextDecoder().decode(bytes)).row_count, 5);
  assert.equal(read, 1);
});

/** A table of the same rows, and how many of its batches were read. */
function counted(): { readonly table: MemoryQueryTable; read: number } {
  const result = { table: events(), read: 0 };
  const scan = result.table.scan.bind(result.table);
  result.table.scan = async function* (request) {
    for await (const batch of scan(request)) {
      result.read++;
      yield batch;
    }
  };
  return result;
}

Deno.test("a limit over a filter stops the scan once it has its rows", async () => {
  const limited = counted();
  const tables = { "db.events": limited.table };
  const few = "SELECT id FROM db.events WHERE id % 2 = 0 LIMIT 7";
  const bytes = await queryBytes(db, few, { tables });
  const { row_count, truncated } = JSON.parse(new TextDecoder().decode(bytes));
  assert.deepEqual({ row_count, truncated }, { row_count: 7, truncated: false });
  assert.equal(limited.read, 1);
  const rare = "SELECT id FROM db.events WHERE id >= 149998 LIMIT 7 -- limit 1";
  const all = JSON.parse(new TextDecoder().decode(await queryBytes(db, rare, { tables })));
  assert.deepEqual(all.rows, [{ id: 149_998 }, { id: 149_999 }]);
});

Deno.test("a limit inside counts once, however the table is read", async () => {
  for (
    const sql of [
      "SELECT id FROM (SELECT id FROM db.events LIMIT 5) WHERE id > 2 -- LIMIT 100",
      "SELECT id FROM (FROM db.events LIMIT 5) LIMIT 100",
      "SELECT id FROM (SELECT id FROM db.events WHERE id >= 0 LIMIT 5) WHERE id % 2 >= 0 LIMIT 100",
    ]
  ) {
    const { rows } = await query(sql);
    assert.deepEqual(rows.map(({ id }) => id), [0, 1, 2, 3, 4].slice(-rows.length), sql);
    assert.ok(rows.length <= 5, sql);
  }
});

Deno.test("a long run of white space is no work", async () => {
  const startedAt = performance.now();
  const { rows } = await query(`SELECT 1 AS a${" ".repeat(60_000)}, 2 AS b ;${" ;".repeat(1_000)}`);
  assert.deepEqual(rows, [{ a: 1, b: 2 }]);
  assert.ok(performance.now() - startedAt < 2_000);
});

Deno.test("the row limit cuts a result and says so", async () => {
  const { row_count, truncated } = await query("SELECT id FROM db.events", 10);
  assert.deepEqual({ row_count, truncated }, { row_count: 10, truncated: true });
  const whole = await query("SELECT id FROM db.events WHERE id < 10", 10);
  assert.equal(whole.truncated, false);
});

Deno.test("joins, nested namespaces and qualified columns work", async () => {
  const { rows } = await query(
    `SELECT db.events.id AS x, o.region AS y FROM db.events JOIN a.b.other o USING (id)
     WHERE events.id = 3 OR o.id = 4 ORDER BY 1`,
  );
  assert.deepEqual(rows, [{ x: 3, y: null }, { x: 4, y: "r4" }]);
});

Deno.test("tables are described and summarized, as statements too", async () => {
  const described = await query("DESCRIBE db.events");
  assert.deepEqual(described.rows.map((row) => row["column_name"]), [
    "id",
    "region",
    "ts",
    "half",
    "js",
  ]);
  const { rows } = await query("SUMMARIZE SELECT id FROM db.events -- all of it");
  assert.deepEqual([rows[0]?.["min"], rows[0]?.["max"]], ["0", "149999"]);
  assert.equal((await query("SHOW TABLES")).rows.length, 0);
});

Deno.test("a result without rows has its columns, nested and boolean ones too", async () => {
  const { columns, rows } = await query(
    "SELECT [true] AS a, id > 1 AS b FROM db.events WHERE false",
  );
  assert.deepEqual(columns.map(({ type }) => type), ["array<boolean>", "boolean"]);
  assert.deepEqual(rows, []);
});

Deno.test("what a stand-in refuses comes with its own code", async () => {
  await assert.rejects(query("SELECT now() AT TIME ZONE 'Nowhere/At all'"), {
    code: "time_zone_unknown",
  });
});

Deno.test("booleans are what they were, nested and missing ones too", async () => {
  const { rows } = await query(
    `SELECT range % 2 = 0 AS b, [range > 1, NULL] AS l, {'x': range = 2} AS s, range::TINYINT AS t
     FROM range(3) ORDER BY range`,
  );
  assert.deepEqual(rows, [
    { b: true, l: [false, null], s: { x: false }, t: 0 },
    { b: false, l: [false, null], s: { x: false }, t: 1 },
    { b: true, l: [true, null], s: { x: true }, t: 2 },
  ]);
});

Deno.test("zoned timestamps that are truncated to days stay timestamps", async () => {
  const { columns, rows } = await query("SELECT date_trunc('month', min(ts)) AS m FROM db.events");
  assert.deepEqual(columns, [{ name: "m", type: "timestamp" }]);
  assert.deepEqual(rows, [{ m: "2026-01-01T00:00:00Z" }]);
});

Deno.test("AT TIME ZONE is refused over both kinds of timestamps, and works over what is read", async () => {
  const both = new MemoryQueryTable({
    ts: { kind: "timestamptz" },
    local: { kind: "timestamp" },
  }, [[[START, START]]]);
  const ask = async (sql: string) =>
    JSON.parse(
      new TextDecoder().decode(await queryBytes(db, sql, { tables: { "db.both": both } })),
    );
  const { rows } = await ask("SELECT ts AT TIME ZONE 'Asia/Tokyo' AS l FROM db.both");
  assert.deepEqual(rows, [{ l: "2026-01-01T09:00:00" }]);
  await assert.rejects(ask("SELECT ts AT TIME ZONE 'Asia/Tokyo', local FROM db.both"), {
    code: "sql_timestamps_mixed",
  });
  const named = await ask("SELECT to_local_time(ts, 'Asia/Tokyo') AS l, local FROM db.both");
  assert.deepEqual(named.rows, [{ l: "2026-01-01T09:00:00", local: "2026-01-01T00:00:00" }]);
});

Deno.test("columns of one name get numbers", async () => {
  const { rows } = await query("SELECT 1 AS a, 2 AS a, 3 AS a_1");
  assert.equal(Object.keys(rows[0] ?? {}).length, 3);
});

Deno.test("a result of all rows comes as an Arrow stream, piece by piece", async () => {
  const bytes = await queryBytes(db, "SELECT id, ts FROM db.events", {
    tables: { "db.events": table },
    format: "arrow",
  });
  const result = tableFromIPC(bytes);
  assert.equal(result.numRows, BATCHES * BATCH_ROWS);
  assert.equal(String(result.schema.fields[1]?.type), "Timestamp<MICROSECOND, UTC>");
});

Deno.test("CSV tells null from an empty string and quotes what needs it", async () => {
  const bytes = await queryBytes(db, `SELECT 'a,"b"' AS "x,y", NULL::INT AS n, '' AS e`, {
    tables: {},
    format: "csv",
  });
  assert.equal(new TextDecoder().decode(bytes), '"x,y",n,e\r\n"a,""b""",,""\r\n');
});

Deno.test("an aborted query ends soon, and the engine goes on", async () => {
  const aborter = new AbortController();
  const reason = new AppError("deadline_exceeded", "deadline_exceeded", "Too late");
  setTimeout(() => aborter.abort(reason), 100);
  const started = performance.now();
  const heavy = "SELECT sum(a.range * b.range) AS s FROM range(10000000) a, range(10000000) b";
  await assert.rejects(queryBytes(db, heavy, { tables: {}, signal: aborter.signal }), reason);
  assert.ok(performance.now() - started < 5_000);
  assert.deepEqual((await query("SELECT 1 AS one")).rows, [{ one: 1 }]);
});

/** Statements that do more than read, and functions that this build does not have. */
const REFUSED: Readonly<Record<string, string>> = {
  "SELECT 1; SELECT 2": "sql_invalid",
  "SELECT 1; DROP TABLE drls_store.t0": "sql_invalid",
  "DROP TABLE db.events": "sql_not_a_query",
  "INSERT INTO db.events VALUES (1)": "sql_not_a_query",
  "CREATE TABLE x (a INT)": "sql_not_a_query",
  "COPY (SELECT 1) TO '/tmp/drls-escape.csv'": "sql_not_a_query",
  "ATTACH '/tmp/x.db'": "sql_not_a_query",
  "SET memory_limit = '100GB'": "sql_not_a_query",
  "PRAGMA database_list": "sql_not_a_query",
  "INSTALL httpfs": "sql_not_a_query",
  "EXPLAIN ANALYZE SELECT 1": "sql_not_a_query",
  "SELECT * FROM enable_logging()": "sql_function_forbidden",
  "FROM \"Query\"('SELECT 1')": "sql_function_forbidden",
  "WITH x AS (SELECT 1) INSERT INTO db.events SELECT * FROM x": "sql_invalid",
  "SELECT * FROM read_csv('/etc/passwd')": "sql_invalid",
  "SELECT * FROM read_text('/etc/passwd')": "sql_invalid",
  "SELECT * FROM '/etc/passwd'": "sql_invalid",
  "SELECT * FROM glob('/*')": "sql_invalid",
  "SELECT * FROM read_csv('https://127.0.0.1/x')": "sql_invalid",
  "SELECT to_json(1)": "sql_extension_missing",
  "SELECT '{}'::JSON": "sql_extension_missing",
  "SELECT js -> 'n' FROM db.events": "sql_operator_unsupported",
  "SELECT id FROM db.events WHERE ts > '2026-01-01T00:00:00+02:00'": "sql_offset_untyped",
  "SELECT nothing FROM db.events": "sql_invalid",
  "SELECT * FROM db.nowhere": "sql_invalid",
  "SELECT FROM": "sql_invalid",
  "": "sql_not_a_query",
};

for (const [sql, code] of Object.entries(REFUSED)) {
  Deno.test(`is refused (${code}): ${sql}`, async () => {
    await assert.rejects(query(sql), (error) => error instanceof AppError && error.code === code);
    assert.deepEqual((await query("SELECT 1 AS one")).rows, [{ one: 1 }]);
  });
}
