/**
 * `deno task demo`: a server over sample tables that need care. The first run fills a folder with
 * them, `./data/demo` unless `DRLS_DATA_DIR` names another; then the server starts as `deno task
 * start` starts it, and three requests to try are printed.
 */
import { createAccess, LOCAL_PRINCIPAL } from "../lib/access/mod.ts";
import { systemClock } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { defaultWarehouse, loadSettings, type Settings } from "../lib/settings.ts";
import { openState } from "../lib/state/mod.ts";
import { prepareFolder } from "./demo/demo_folder.ts";
import { demoGuide } from "./demo/requests.ts";

const ROOT = new URL("..", import.meta.url);
const DEFAULT_DATA_DIR = "data/demo";
/** How long the token of one start is good. */
const TOKEN_DAYS = 1;
/** The line with which the server says where it is. */
const LISTENS = / listens on (\S+) /;

async function main(): Promise<number> {
  const dataDir = Deno.env.get("DRLS_DATA_DIR") || DEFAULT_DATA_DIR;
  const env = { ...Deno.env.toObject(), DRLS_DATA_DIR: dataDir };
  const settings = loadSettings({
    env,
    cwd: Deno.cwd(),
    cores: 1,
    tempDir: "/tmp",
    readTextFile: Deno.readTextFileSync,
  });
  requireOwnPlaces(settings);
  const nowMs = systemClock.now();
  const found = await prepareFolder(settings.dataDir, {
    fill: (warehouse) => fill(warehouse, nowMs),
    nowMs,
  });
  const token = await createToken(settings);
  const warehouse = defaultWarehouse(settings.dataDir);
  return await serve(env, (url) => console.log(demoGuide({ url, token, warehouse, found })));
}

/** The server has to find what is filled here, and nothing may be filled elsewhere. */
function requireOwnPlaces({ catalog, dataDir, stateUrl }: Settings): void {
  const own = loadSettings({
    env: { DRLS_DATA_DIR: dataDir },
    cwd: Deno.cwd(),
    cores: 1,
    tempDir: "/tmp",
    readTextFile: Deno.readTextFileSync,
  });
  const { warehouse } = own.catalog;
  if (catalog.type === "hadoop" && catalog.warehouse === warehouse && stateUrl === own.stateUrl) {
    return;
  }
  const message = "Cannot run the demo with a catalog or state of your own: unset " +
    "DRLS_CATALOG_TYPE, DRLS_WAREHOUSE and DRLS_STATE_URL, or run: deno task start";
  throw new AppError("invalid", "demo_settings", message);
}

async function fill(warehouse: string, nowMs: number): Promise<void> {
  console.log("Writing the sample tables, which takes some seconds");
  // Loaded where there is something to fill: the Parquet codec stays in memory.
  const { fillWarehouse } = await import("./demo/fill.ts");
  await fillWarehouse({ warehouse, nowMs });
}

/** A token for whoever tries the demo. The first Admin is made here, and the server finds one. */
async function createToken(settings: Settings): Promise<string> {
  const { stateUrl: url, stateAuthToken: authToken, dataDir, bootstrapToken } = settings;
  const state = await openState({ url, authToken, dataDir });
  try {
    const log = createLog({ level: settings.logLevel });
    const instance = crypto.randomUUID();
    const access = createAccess({ state, clock: systemClock, log, jwt: null, instance });
    await access.bootstrap({ token: bootstrapToken });
    const { signal } = new AbortController();
    const ctx = { principal: LOCAL_PRINCIPAL, requestId: "deno task demo", signal, agent: null };
    const input = { user: "admin", name: "demo", expires_in_days: TOKEN_DAYS };
    return (await access.createToken(ctx, input)).secret.reveal();
  } finally {
    await state.close();
  }
}

/** Runs the server as a process of its own, with its own permissions; resolves with its exit code. */
async function serve(
  env: Readonly<Record<string, string>>,
  onListening: (url: string) => void,
): Promise<number> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const permissions = String(tasks.start).split(" ").filter((word) => word.startsWith("--allow-"));
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, new URL("main.ts", ROOT).href],
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  // Ctrl-C reaches both processes by itself; what is sent to this one alone is passed on.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => server.kill("SIGTERM"));
  let begun: string | null = "";
  for await (const text of server.stdout.pipeThrough(new TextDecoderStream())) {
    await Deno.stdout.write(new TextEncoder().encode(text));
    if (begun === null) continue;
    begun += text;
    const url = LISTENS.exec(begun)?.[1];
    // All lines of a start are one write.
    if (url === undefined || !begun.endsWith("\n")) continue;
    begun = null;
    onListening(url);
  }
  return (await server.status).code;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    console.error(error.message);
    for (const { path, message } of error.issues) console.error(`  ${path}: ${message}`);
    Deno.exit(1);
  }
}
