/** SQL of a user, over the whole server: it reads the tables that it names, and does nothing else. */
import assert from "node:assert/strict";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";
import { type EscapeAttempt, escapeAttempts } from "../support/query_escapes.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";

/** What no answer may hold. */
const CANARY = "canary-7f3a91";
/** A query's own time, and the most that its answer may take on a busy machine. */
const TIMEOUT_MS = 3_000;
const ANSWER_WITHIN_MS = 45_000;
/** Memory of one query. */
const QUERY_BYTES = 256 * 1024 * 1024;

async function query(
  { url, token }: ServerProcess,
  sql: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}/api/query`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ sql, timeout_ms: TIMEOUT_MS, ...more }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  try {
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // Broken off after the first bytes: the connection ends without an end of the body.
    if (error instanceof TypeError) return { status: response.status, text: "" };
    throw error;
  }
}

/** A warehouse with a real table, canaries inside and outside, and what lies there. */
async function createBed() {
  const root = await Deno.makeTempDir({ prefix: "drls-escape-" });
  const folder = `${root}/warehouse`;
  await Deno.mkdir(`${folder}/db`, { recursive: true });
  await copy(`${FIXTURES}/hyperparam/java/bunnies`, `${folder}/db/events`);
  const targets = { inside: `${folder}/canary.csv`, outside: `${root}/canary.csv`, folder };
  for (const file of [targets.inside, targets.outside]) {
    await Deno.writeTextFile(file, `a,b\n1,${CANARY}\n`);
  }
  return {
    targets,
    server: await startServer({
      env: {
        DRLS_WAREHOUSE: folder,
        DRLS_QUERY_MEMORY_BYTES: String(QUERY_BYTES),
        DRLS_LOG_LEVEL: "debug",
      },
    }),
    listing: () => list(root),
    remove: () => Deno.remove(root, { recursive: true }),
  };
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    await (entry.isDirectory ? copy(source, target) : Deno.copyFile(source, target));
  }
}

/** Every file with its size and time, so that anything written shows. */
async function list(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await list(path));
    else {
      const { size, mtime } = await Deno.stat(path);
      found.push(`${path} ${size} ${mtime?.getTime()}`);
    }
  }
  return found.sort();
}

/** Where others keep the machine busy, what is refused at once may come too late: it gets more time. */
async function answerTo(
  server: Parameters<typeof query>[0],
  { sql, outcome }: EscapeAttempt,
): Promise<{ status: number; text: string }> {
  const answer = await query(server, sql);
  if (outcome === "either" || !isLate(answer)) return answer;
  return await query(server, sql, { timeout_ms: ANSWER_WITHIN_MS });
}

/** The one 5xx that a query may deserve. */
function isLate({ status, text }: { status: number; text: string }): boolean {
  return status === 503 && /deadline_exceeded|query_cut_off/.test(text);
}

function judge({ sql, outcome }: EscapeAttempt, answer: { status: number; text: string }): void {
  const { status, text } = answer;
  const shown = `${status} ${text.slice(0, 300)} for ${sql.slice(0, 200)}`;
  assert.ok(!text.includes(CANARY) && !text.includes("root:"), `leaked: ${shown}`);
  const isRefusal = status >= 400 && status < 500;
  const isHarmless = outcome === "either" && (isLate(answer) || status === 200);
  assert.ok(isRefusal || isHarmless, shown);
}

const KINDS = Object.keys(escapeAttempts({ inside: "", outside: "", folder: "" }));

Deno.test("there are attempts of many kinds, and many of each", () => {
  const all = Object.values(escapeAttempts({ inside: "", outside: "", folder: "" }));
  assert.ok(all.flat().length >= 150);
});

for (const kind of KINDS) {
  fixtureTest(`SQL cannot do more than read the tables that it names: ${kind}`, async () => {
    await using stack = new AsyncDisposableStack();
    const bed = await createBed();
    stack.defer(bed.remove);
    const { server, targets } = bed;
    stack.defer(async () => void await server.dispose());
    const next = async () =>
      await query(server, "SELECT count(*) AS n FROM db.events", { timeout_ms: ANSWER_WITHIN_MS });
    assert.equal((await next()).status, 200);
    const before = await bed.listing();
    for (const attempt of escapeAttempts(targets)[kind] ?? []) {
      judge(attempt, await answerTo(server, attempt));
      const { status, text } = await next();
      assert.equal(status, 200, `after ${attempt.sql.slice(0, 200)}: ${text}`);
      assert.deepEqual(JSON.parse(text).rows, [{ n: 15 }]);
    }
    assert.deepEqual(await bed.listing(), before);
    for (const trace of ["levenshtein", "read_text", "memory_limit", CANARY, "RECURSIVE"]) {
      assert.ok(!server.errors().includes(trace), `${trace} is in the log`);
    }
  });
}
