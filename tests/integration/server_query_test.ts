/** Queries through the whole server: forms of answers, states of tables, what breaks. */
import assert from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";
import { startServer } from "../support/server_process.ts";

const BUNNIES = "hyperparam.java.bunnies";
const FIRST = "4951213507629824583";
const SECOND = "6458828015811002920";

type Query = (
  body: Readonly<Record<string, unknown>>,
  headers?: Readonly<Record<string, string>>,
) => Promise<Response>;

async function withServer(
  run: (query: Query, errors: () => string) => Promise<void>,
): Promise<void> {
  const env = { DRLS_WAREHOUSE: FIXTURES, DRLS_LOG_LEVEL: "debug" };
  const server = await startServer({ env });
  const authorization = `Bearer ${server.token}`;
  try {
    await run((body, headers = {}) =>
      fetch(`${server.url}/api/query`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }), server.errors);
  } finally {
    await server.dispose();
  }
}

fixtureTest("one result comes in four forms", async () => {
  await withServer(async (query) => {
    const sql = "SELECT range AS i, 'x' || range AS s FROM range(2) ORDER BY 1";
    const json = await query({ sql });
    assert.equal(json.headers.get("content-type"), "application/json");
    assert.deepEqual(await json.json(), {
      columns: [{ name: "i", type: "bigint" }, { name: "s", type: "string" }],
      rows: [{ i: 0, s: "x0" }, { i: 1, s: "x1" }],
      row_count: 2,
      truncated: false,
    });
    const lines = await query({ sql }, { accept: "application/x-ndjson" });
    assert.equal(await lines.text(), '{"i":0,"s":"x0"}\n{"i":1,"s":"x1"}\n');
    const csv = await query({ sql }, { accept: "text/csv" });
    assert.equal(await csv.text(), "i,s\r\n0,x0\r\n1,x1\r\n");
    const arrow = await query({ sql }, { accept: "application/vnd.apache.arrow.stream" });
    const table = tableFromIPC(new Uint8Array(await arrow.arrayBuffer()));
    assert.deepEqual(table.toArray().map((row) => [row["i"], row["s"]]), [[0n, "x0"], [1n, "x1"]]);
    const cut = await query({ sql, limit: 1 });
    const { row_count, truncated } = await cut.json();
    assert.deepEqual({ row_count, truncated }, { row_count: 1, truncated: true });
  });
});

fixtureTest("a table is read as it is and as it was, under every name that it has", async () => {
  await withServer(async (query) => {
    const count = async (from: string, at?: Readonly<Record<string, unknown>>) => {
      const sql = `SELECT count(*) AS n FROM ${from}`;
      const response = await query(at === undefined ? { sql } : { sql, at: { [BUNNIES]: at } });
      const body = await response.json();
      return response.status === 200 ? body.rows[0].n : `${response.status} ${body.code}`;
    };
    assert.equal(await count(BUNNIES), 15);
    assert.equal(await count(`drls.${BUNNIES}`), 15);
    assert.equal(await count(`"hyperparam"."java"."bunnies"`), 15);
    assert.equal(await count(BUNNIES, { snapshot_id: FIRST }), 21);
    assert.equal(await count(`drls.${BUNNIES}`, { snapshot_id: SECOND }), 15);
    assert.equal(await count(BUNNIES, { timestamp: "2025-03-31T08:46:30Z" }), 21);
    assert.equal(await count(BUNNIES, { ref: "main" }), 15);
    assert.equal(await count(BUNNIES, { snapshot_id: "1" }), "404 snapshot_not_found");
    assert.equal(await count(BUNNIES, { ref: "nowhere" }), "404 ref_not_found");
    assert.equal(
      await count(BUNNIES, { timestamp: "2020-01-01T00:00:00Z" }),
      "404 no_snapshot_at_time",
    );
    assert.equal(await count("drls.uuid.uuid", { ref: "main" }), "422 validation_failed");
    // One state, however often and under whichever name the table is named.
    const both = `${BUNNIES} a, drls.${BUNNIES} b`;
    assert.equal(await count(both, { snapshot_id: FIRST }), 21 * 21);
    assert.equal(await count(`(WITH bunnies AS (SELECT 1) SELECT * FROM bunnies)`), 1);
    assert.equal(await count(`${BUNNIES} AS java JOIN ${BUNNIES} AS other ON true`), 15 * 15);
    assert.equal(await count("nobody.knows"), "422 sql_invalid");
  });
});

fixtureTest("what cannot be answered is refused in the terms of the API", async () => {
  await withServer(async (query) => {
    const refused = async (...request: Parameters<Query>) => {
      const response = await query(...request);
      const { code, errors } = await response.json();
      return [response.status, code, errors?.[0]?.path];
    };
    const sql = "SELECT 1";
    assert.deepEqual(await refused({ sql }, { accept: "image/png" }), [
      406,
      "not_acceptable",
      undefined,
    ]);
    assert.deepEqual(await refused({ sql }, { "content-type": "text/plain" }), [
      415,
      "unsupported_media_type",
      undefined,
    ]);
    assert.deepEqual(await refused({}), [422, "invalid_request", "sql"]);
    assert.deepEqual(await refused({ sql, more: 1 }), [422, "invalid_request", "more"]);
    assert.deepEqual(await refused({ sql: "SELECT 1\0" }), [422, "invalid_request", "sql"]);
    assert.deepEqual(await refused({ sql, limit: 0 }), [422, "invalid_request", "limit"]);
    assert.deepEqual(await refused({ sql, limit: 100_001 }), [422, "validation_failed", "limit"]);
    assert.deepEqual(await refused({ sql, at: { [BUNNIES]: { ref: "main" } } }), [
      422,
      "validation_failed",
      `at.${BUNNIES}`,
    ]);
    assert.deepEqual(await refused({ sql: "SELECT nothing" }), [422, "sql_invalid", "sql"]);
  });
});

fixtureTest("an error after the first bytes breaks the answer, in every form", async () => {
  await withServer(async (query, errors) => {
    const sql = "SELECT range AS i, CASE WHEN range = 900000 THEN error('secret stop') " +
      "ELSE repeat('x', 20) END AS s FROM range(1000000)";
    for (
      const accept of ["application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"]
    ) {
      const response = await query({ sql }, { accept });
      assert.equal(response.status, 200);
      await assert.rejects(response.arrayBuffer(), TypeError);
    }
    const { status } = await query({ sql, limit: 100_000 });
    assert.equal(status, 200);
    assert.match(errors(), /"code":"sql_invalid"/);
    assert.doesNotMatch(errors(), /secret stop|CASE WHEN/);
  });
});
