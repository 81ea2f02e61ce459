/** Queries in real isolates: their turns, their ends, and what is left of them. */
import assert from "node:assert/strict";
import { loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { QueryParams } from "../../lib/tables/contract/mod.ts";
import {
  createQueryPool,
  MAX_WAITING_QUERIES,
  type QueryPool,
  type QueryPoolOptions,
} from "../../workers/query_pool.ts";
import { queryPermissions } from "../../workers/reader_permissions.ts";

/** Steps of one query over one value, which nothing but a clock can end. */
const ENDLESS_STEP = "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))";
/** Work in many steps. */
const ENDLESS = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b";
const DEADLINE_MS = 60_000;
const never = new AbortController().signal;

async function withPool(
  options: Partial<QueryPoolOptions>,
  run: (pool: QueryPool) => Promise<void>,
): Promise<void> {
  const places = { catalogType: null, warehouse: null, storageRoots: [] } as const;
  const pool = createQueryPool({
    isolates: 1,
    memoryBytes: 128 * 1024 * 1024,
    cacheBytes: 1024 * 1024,
    permissions: queryPermissions(places),
    loadModules: loadWasmModules,
    onCrash: () => {},
    ...options,
  });
  try {
    await pool.warm();
    await run(pool);
  } finally {
    pool.close();
  }
}

function params(sql: string, more: Partial<QueryParams> = {}): QueryParams {
  return { sql, format: "csv", rowLimit: null, nowMs: 0, tables: [], ...more };
}

async function rowsOf(pool: QueryPool, sql: string): Promise<string> {
  const rows = await pool.run(params(sql), { signal: never, deadlineMs: DEADLINE_MS });
  return await new Response(rows).text();
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof AppError && error.code === code;
}

Deno.test("a query answers, and the next one in the same isolate finds nothing of it", async () => {
  await withPool({}, async (pool) => {
    assert.equal(await rowsOf(pool, "SELECT 'left-behind' AS a"), "a\r\nleft-behind\r\n");
    for (
      const look of [
        "SELECT count(*) AS n FROM duckdb_logs()",
        "SELECT count(*) AS n FROM duckdb_tables()",
        "SELECT count(*) AS n FROM duckdb_views() WHERE NOT internal",
        "SELECT count(*) AS n FROM duckdb_functions() WHERE macro_definition LIKE '%left-behind%'",
        "SELECT count(*) AS n FROM duckdb_variables()",
      ]
    ) {
      assert.equal(await rowsOf(pool, look), "n\r\n0\r\n", look);
    }
  });
});

Deno.test("a query that is late is told so at once, and its isolate answers again", async () => {
  for (const sql of [ENDLESS, ENDLESS_STEP]) {
    await withPool({}, async (pool) => {
      const startedAt = performance.now();
      const late = pool.run(params(sql), { signal: never, deadlineMs: 800 });
      await assert.rejects(late, hasCode("deadline_exceeded"));
      assert.ok(performance.now() - startedAt < 5_000);
      assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
    });
  }
});

Deno.test("a thread that was cut off computes no more", async () => {
  // In a process of its own: processor time is counted for all of a process.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", new URL("../support/cut_off_query.ts", import.meta.url).pathname],
  }).output();
  const output = new TextDecoder().decode(stdout);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.match(output, /^at rest$/m);
});

Deno.test("a client that leaves ends its query, before and after the first bytes", async () => {
  await withPool({}, async (pool) => {
    const leaving = new AbortController();
    const gone = pool.run(params(ENDLESS), { signal: leaving.signal, deadlineMs: DEADLINE_MS });
    leaving.abort();
    await assert.rejects(gone, hasCode("cancelled"));
    const { rows, over } = pool.start(params("SELECT range AS i FROM range(1000000000)"), {
      signal: never,
      deadlineMs: DEADLINE_MS,
    });
    const reader = (await rows).getReader();
    assert.ok((await reader.read()).value !== undefined);
    await reader.cancel();
    await over;
    assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
  });
});

Deno.test("a client that reads nothing more loses its query, and the stream shows it", async () => {
  await withPool({ stallMs: 300 }, async (pool) => {
    const { rows, over } = pool.start(params("SELECT range AS i FROM range(1000000000)"), {
      signal: never,
      deadlineMs: DEADLINE_MS,
    });
    const stream = await rows;
    await over;
    await assert.rejects(new Response(stream).text(), hasCode("client_stalled"));
    assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
  });
});

Deno.test("a result that fails on its way breaks the stream", async () => {
  await withPool({}, async (pool) => {
    const sql = "SELECT CASE WHEN range = 900000 THEN error('stop') ELSE range::VARCHAR END AS i " +
      "FROM range(1000000)";
    const rows = await pool.run(params(sql), { signal: never, deadlineMs: DEADLINE_MS });
    await assert.rejects(new Response(rows).text(), (error) => {
      assert.ok(error instanceof AppError);
      return error.issues[0]?.message === "Invalid Input Error: stop";
    });
    assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
  });
});

Deno.test("a trap costs its isolate, which is replaced", async () => {
  await withPool({}, async (pool) => {
    const trap = "SELECT list_sum(range(0, 4000000000))";
    await assert.rejects(rowsOf(pool, trap), (error) => error instanceof AppError);
    assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
  });
});

Deno.test("queries wait for their turn, and too many are refused with a time to come back", async () => {
  await withPool({}, async (pool) => {
    const leaving = new AbortController();
    const run = { signal: leaving.signal, deadlineMs: DEADLINE_MS };
    const all = Array.from(
      { length: MAX_WAITING_QUERIES + 1 },
      () => pool.run(params(ENDLESS), run),
    );
    const settled = Promise.allSettled(all);
    await assert.rejects(pool.run(params("SELECT 1"), run), (error) => {
      assert.ok(error instanceof AppError && error.code === "queries_busy");
      return error.kind === "unavailable" && error.retryAfterSeconds !== null;
    });
    assert.deepEqual(pool.stats(), { running: 1, waiting: MAX_WAITING_QUERIES, lost: 0 });
    leaving.abort();
    for (const { status } of await settled) assert.equal(status, "rejected");
    assert.equal(await rowsOf(pool, "SELECT 1 AS a"), "a\r\n1\r\n");
  });
});
