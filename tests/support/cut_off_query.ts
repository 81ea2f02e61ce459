/**
 * Cuts off a query that computes in one step, and says "at rest" once this process has been at rest for
 * a second: a thread that went on would keep a core busy for ever.
 */
import process from "node:process";
import { loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import { createQueryPool } from "../../workers/query_pool.ts";
import { queryPermissions } from "../../workers/reader_permissions.ts";

const SQL = "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))";
const WINDOW_MS = 1_000;
/** Far less than a thread that computes, even where it has to share its core. */
const REST_MS = 200;
const MAX_WINDOWS = 20;

const pool = createQueryPool({
  isolates: 1,
  memoryBytes: 128 * 1024 * 1024,
  cacheBytes: 1024 * 1024,
  permissions: queryPermissions({ catalogType: null, warehouse: null, storageRoots: [] }),
  loadModules: loadWasmModules,
  onCrash: () => {},
});
const { rows, over } = pool.start(
  { sql: SQL, format: "csv", rowLimit: null, nowMs: 0, tables: [] },
  { signal: new AbortController().signal, deadlineMs: 500 },
);
const outcome = await rows.then(() => "an answer", (error: { code?: string }) => error.code);
if (outcome !== "deadline_exceeded") throw new Error(`Expected to be late, got ${outcome}`);
await over;
for (let window = 0; window < MAX_WINDOWS; window++) {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  const { user, system } = process.cpuUsage(before);
  if ((user + system) / 1_000 >= REST_MS) continue;
  console.log("at rest");
  break;
}
pool.close();
// A thread that computes would keep the process from ending.
Deno.exit(0);
