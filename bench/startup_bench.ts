/**
 * How long from process start to the first answer of `GET /api/health`, with packages cached.
 * Run: `deno run -A bench/startup_bench.ts`. Exits with 1 where the median misses the target.
 */

/** What the project promises. */
const TARGET_MS = 1000;
const RUNS = 10;
const POLL_MS = 5;
const GIVE_UP_MS = 20_000;

const root = new URL("..", import.meta.url);

async function main(): Promise<number> {
  // The first run fills caches that every later start finds filled; it is not counted.
  await measureStart();
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) times.push(await measureStart());
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(RUNS - 1, Math.floor(share * RUNS))] ?? NaN;
  const shown = { min: at(0), median: at(0.5), max: at(1) };
  for (const [name, ms] of Object.entries(shown)) console.log(`${name} ${ms.toFixed(0)} ms`);
  console.log(`target ${TARGET_MS} ms, ${RUNS} runs, Deno ${Deno.version.deno}`);
  return shown.median <= TARGET_MS ? 0 : 1;
}

/** Milliseconds from spawning the server, as `deno task start` does, to its first answer. */
async function measureStart(): Promise<number> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-startup-" });
  const port = freePort();
  const startedAt = performance.now();
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", ...await startPermissions(), "main.ts"],
    cwd: root,
    env: { PORT: String(port), DRLS_DATA_DIR: dataDir, DRLS_LOG_LEVEL: "error" },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  try {
    await firstAnswer(port);
    return performance.now() - startedAt;
  } finally {
    server.kill("SIGTERM");
    await server.status;
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** The permissions of the `start` task, so that what is measured is what is run. */
async function startPermissions(): Promise<string[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  return String(config.tasks.start).split(" ").filter((word) => word.startsWith("--allow"));
}

async function firstAnswer(port: number): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  while (performance.now() < giveUpAt) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/api/health`);
      await response.body?.cancel();
      if (response.status === 200) return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`No answer within ${GIVE_UP_MS} ms`);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.exit(await main());
