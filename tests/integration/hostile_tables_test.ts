/**
 * Hostile tables, end to end: a real server over a warehouse in which every table lies in its own
 * way. Every question is answered in time with 200, 404, 413 or 422, healthy neighbours stay listed
 * and readable, no isolate is lost, and the memory of the process stays in its bounds.
 *
 * `HOSTILE_FULL=1 deno test -A tests/integration/hostile_tables_test.ts` makes the bombs large and
 * adds the slow ones; `hostile_tables_fuzz_test.ts` damages real tables at random.
 */
import assert from "node:assert/strict";
import type { HostileCase } from "../support/hostile/case.ts";
import { FOLDER_CASES } from "../support/hostile/folder_cases.ts";
import { LIST_CASES } from "../support/hostile/list_cases.ts";
import { MANIFEST_CASES } from "../support/hostile/manifest_cases.ts";
import { METADATA_CASES } from "../support/hostile/metadata_cases.ts";
import { startHostileServer } from "../support/hostile/questions.ts";
import { writeTableFolder } from "../support/hostile/table_folder.ts";

const full = Deno.env.get("HOSTILE_FULL") === "1";
const only = Deno.env.get("HOSTILE_ONLY");
const verbose = full || only !== undefined;

/** Asks about every case, one after another, and about the neighbours beside each. */
async function surviveAll(cases: readonly HostileCase[]): Promise<void> {
  const warehouse = await Deno.makeTempDir({ prefix: "drls-hostile-" });
  await writeTableFolder(`${warehouse}/good/plain`);
  const server = await startHostileServer(warehouse, { neighbours: ["good.plain"] });
  try {
    for (const [i, one] of cases.entries()) {
      if (one.slow && !full) continue;
      if (only !== undefined && !one.name.includes(only)) continue;
      const folder = `${warehouse}/bad/t${i}`;
      await Deno.mkdir(folder, { recursive: true });
      await one.make(folder, { full });
      const [answers] = await Promise.all([
        server.interrogate(`bad.t${i}`),
        server.checkNeighbours(),
      ]).catch((error) => {
        throw new Error(`${one.name}: ${error.message}`, { cause: error });
      });
      for (const { part, status, ms, code } of answers) {
        assert.ok(status !== 200 || !one.fails.includes(part), `${one.name}: ${part} is ${status}`);
        if (verbose) console.log(one.name, part, status, code, Math.round(ms));
      }
      if (verbose) {
        console.log("peak MiB", Math.round((await server.peakRssBytes() ?? 0) / 2 ** 20));
      }
      await Deno.remove(folder, { recursive: true });
    }
    await server.checkNeighbours();
    await server.checkProcess();
  } finally {
    await server.dispose();
    await Deno.remove(warehouse, { recursive: true });
  }
}

/** Answers "too late" well before the table is read through. */
const SHORT_TIMEOUT_MS = 1_000;

Deno.test("a table that takes too long is given up in time, and its isolate stays", async () => {
  const warehouse = await Deno.makeTempDir({ prefix: "drls-hostile-" });
  await writeTableFolder(`${warehouse}/good/plain`);
  const slow = MANIFEST_CASES.find((one) => one.name === "sixteen manifest bombs of entries");
  await slow?.make(`${warehouse}/bad/slow`, { full: true });
  const server = await startHostileServer(warehouse, {
    neighbours: ["good.plain"],
    env: { DRLS_REQUEST_TIMEOUT_MS: String(SHORT_TIMEOUT_MS) },
  });
  try {
    await server.checkNeighbours();
    const { status, code, ms } = await server.ask("bad.slow", "health");
    assert.deepEqual([status, code], [503, "deadline_exceeded"]);
    assert.ok(ms < SHORT_TIMEOUT_MS * 3, `${ms} ms`);
    await server.checkNeighbours();
    assert.doesNotMatch(server.errors(), /isolate lost/i);
  } finally {
    await server.dispose();
    await Deno.remove(warehouse, { recursive: true });
  }
});

Deno.test("the server survives metadata that lies", async () => {
  await surviveAll(METADATA_CASES);
});

Deno.test("the server survives folders that lie", async () => {
  await surviveAll(FOLDER_CASES);
});

Deno.test("the server survives manifest lists that lie", async () => {
  await surviveAll(LIST_CASES);
});

Deno.test("the server survives manifests that lie", async () => {
  await surviveAll(MANIFEST_CASES);
});
