import assert from "node:assert/strict";
import { MemoryQueryTable, NOW_MS, openEngine, queryBytes } from "../../support/query_table.ts";

const db = await openEngine();
const START = BigInt(Date.UTC(2026, 0, 1, 13, 30)) * 1000n;
const events = new MemoryQueryTable(
  { ts: { kind: "timestamptz" }, js: { kind: "string" } },
  [[[START, '{"a":{"b":[1,2]}}']]],
);

async function csv(sql: string): Promise<string> {
  const bytes = await queryBytes(db, sql, { tables: { "db.events": events }, format: "csv" });
  return new TextDecoder().decode(bytes).split("\r\n")[1] ?? "";
}

const NOW = new Date(NOW_MS).toISOString().slice(0, 10);
const TIMES = [
  "now()",
  "NOW()",
  '"now"()',
  "CURRENT_TIMESTAMP",
  "get_current_timestamp()",
  "transaction_timestamp()",
  "LOCALTIMESTAMP",
  "today()",
  "current_date",
];
for (const call of TIMES) {
  Deno.test(`${call} is there in a query that calls nothing else of ours`, async () => {
    assert.equal((await csv(`SELECT ${call} AS t`)).slice(0, 10), NOW);
    assert.equal((await csv(`SELECT ${call} AS t FROM db.events`)).slice(0, 10), NOW);
  });
}

const JSON_CALLS = [
  ["js ->> '$.a.b[1]'", "2"],
  ["JSON_EXTRACT_STRING(js, '$.a.b[1]')", "2"],
  ["json_array_length(js, '$.a.b')", "2"],
  ["json_valid(js)", "true"],
] as const;
for (const [call, expected] of JSON_CALLS) {
  Deno.test(`${call} is there in a query that calls nothing else of ours`, async () => {
    assert.equal(await csv(`SELECT ${call} AS v FROM db.events`), expected);
  });
}

Deno.test("a query that names none of the stand-ins has none, and truncates times itself", async () => {
  const macros = "FROM duckdb_functions() WHERE function_type = 'macro' AND NOT internal";
  assert.equal(await csv(`SELECT count(*) AS n ${macros}`), "0");
  const truncated = `SELECT date_trunc('day', ts) AS d, (SELECT count(*) ${macros}) AS n`;
  assert.match(await csv(`${truncated} FROM db.events`), /^2026-01-01.00:00:00.*,0$/);
});
