/**
 * The composition root: reads the settings, opens what the server stands on, serves, and takes it
 * all down again. It alone knows every part; nothing imports it.
 */
import { tmpdir } from "node:os";
import {
  type Access,
  createAccess,
  createJwtVerifier,
  type JwtVerifier,
  LOCAL_PRINCIPAL,
} from "./lib/access/mod.ts";
import { systemClock } from "./lib/clock.ts";
import { type CatalogConfiguration, createConfiguration } from "./lib/configuration/mod.ts";
import { AppError, describeError } from "./lib/errors.ts";
import { InFlight } from "./lib/in_flight.ts";
import { createLog, type Log } from "./lib/log.ts";
import { createMetrics } from "./lib/metrics.ts";
import { createProbe } from "./lib/probe.ts";
import { defaultWarehouse, loadSettings, type Settings } from "./lib/settings.ts";
import { openState, type State } from "./lib/state/mod.ts";
import { createMaintenance } from "./lib/maintenance/mod.ts";
import { createOperations } from "./lib/operations/mod.ts";
import {
  createPipelines,
  monitorGauges,
  pipelineFamilies,
  PipelineHub,
  PipelineMonitor,
  type Pipelines,
  type PipelinesDeps,
} from "./lib/pipelines/mod.ts";
import { createQueries, createTableChanges, createTables } from "./lib/tables/mod.ts";
import { VERSION } from "./lib/version.ts";
import { buildApp, type HealthProbes } from "./routes/mod.ts";
import { createIsolates, type Isolates } from "./workers/isolates.ts";
import { addProcessGauges } from "./workers/process_gauges.ts";

/** How long a health check waits for a dependency; its whole answer must fit in a second. */
const PROBE_TIMEOUT_MS = 500;
/** How long its result stands. */
const PROBE_FRESH_MS = 2000;
/** How old a hadoop catalog's list of tables may be: finding it again is many looks at the disk. */
const LIST_FRESH_MS = 1_000;
/** Longest wait for idle connections to close, once every request is answered. */
const CLOSE_TIMEOUT_MS = 1000;

const clock = systemClock;

/** What runs, and how to end it. */
interface Running {
  /** By which servers over one state tell each other apart. */
  readonly instance: string;
  readonly fetch: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;
  /** The Admin token of a first start, to be shown once; null on later starts. */
  readonly firstToken: string | null;
  /** The token that the settings name came too late to be one. */
  readonly bootstrapTokenIgnored: boolean;
  /** Does ahead what the first request would wait for. */
  ready(): void;
  /** From now on the server says that it is not ready. */
  beginStop(): void;
  close(): Promise<void>;
}

async function main(): Promise<void> {
  const settings = readSettings();
  const log = createLog({ level: settings.logLevel });
  globalThis.addEventListener("unhandledrejection", (event) => {
    // A bug in one request must not end all others; the log has what it takes to find it.
    event.preventDefault();
    log.error("A failure went unhandled", { error: event.reason });
  });
  const { promise: composed, resolve } = Promise.withResolvers<Running>();
  const inFlight = new InFlight();
  // The port is bound before anything is created: where it is taken, no token has been shown.
  const server = listen(settings, async (request, info) => {
    inFlight.track(info.completed);
    return await (await composed).fetch(request, info);
  });
  const running = await compose(settings, log);
  resolve(running);
  announce(server.addr, settings, running);
  const { addr: { hostname: host, port } } = server;
  log.info("Serving", { version: VERSION, host, port, instance: running.instance });
  running.ready();
  const signal = await stopSignal();
  log.info("Stopping", { signal, in_flight: inFlight.running });
  running.beginStop();
  const drained = await settlesWithin(inFlight.idle(), settings.shutdownMs);
  if (!drained) log.warn("Stopping with requests under way", { in_flight: inFlight.running });
  // Only now: `shutdown` takes the bodies away from requests that are still being read.
  await settlesWithin(server.shutdown(), CLOSE_TIMEOUT_MS);
  await running.close();
  log.info("Stopped", { drained });
  // Connections that outlasted the wait would keep the process alive.
  Deno.exit(0);
}

function readSettings(): Settings {
  return loadSettings({
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    cores: navigator.hardwareConcurrency,
    tempDir: tmpdir(),
    readTextFile: Deno.readTextFileSync,
  });
}

/** Binds the port; a port that is taken or not ours is told with the remedy. */
function listen(settings: Settings, handler: Deno.ServeHandler<Deno.NetAddr>) {
  const { host: hostname, port } = settings;
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    const remedy = error instanceof Deno.errors.AddrInUse
      ? "another program uses the port. Stop it, or set PORT to another one"
      : error instanceof Deno.errors.PermissionDenied
      ? "the port is reserved. Set PORT to one above 1023"
      : "the address is not one of this machine. Set HOST to one that is";
    const message = `Cannot listen on ${hostname}:${port}: ${remedy}`;
    throw new AppError("unavailable", "cannot_listen", message, { cause: error });
  }
}

/** What everything else stands on. */
async function openBase(settings: Settings, log: Log) {
  const instance = crypto.randomUUID();
  const { dataDir, storageRoots } = settings;
  const state = await openStateOf(settings);
  const access = createAccess({ state, clock, log, jwt: jwtVerifierOf(settings), instance });
  const first = await access.bootstrap({ token: settings.bootstrapToken });
  const bootstrapTokenIgnored = first === null && await isRefused(access, settings);
  if (settings.catalog.warehouse === defaultWarehouse(dataDir)) {
    await Deno.mkdir(defaultWarehouse(dataDir), { recursive: true });
  }
  const configuration = await createConfiguration({
    state,
    clock,
    log,
    instance,
    initial: settings.catalog,
    open: { dataDir, storageRoots, listFreshMs: LIST_FRESH_MS },
  });
  return { instance, state, access, first, bootstrapTokenIgnored, configuration };
}

/** Builds everything, in the order in which the parts need each other. */
async function compose(settings: Settings, log: Log): Promise<Running> {
  const startedAt = performance.now();
  const base = await openBase(settings, log);
  const { state, access, configuration } = base;
  const { withCatalog } = configuration;
  const isolates = await openIsolates(settings, { configuration, log });
  const { reader, jobs: runner, queries } = isolates;
  const shared = { state, withCatalog, clock, log, instance: base.instance };
  const operations = await createOperations({ ...shared, runner });
  const hub = new PipelineHub();
  const monitor = new PipelineMonitor({ hub, access, log });
  const pipelines = await openPipelines(settings, {
    ...shared,
    hub,
    runner: isolates.pipelines,
    configuration,
  });
  const uptimeSeconds = () => Math.round(performance.now() - startedAt) / 1000;
  const metrics = createMetrics();
  for (const family of pipelineFamilies(hub)) metrics.addFamily(family);
  for (const gauge of monitorGauges(hub, { pipelines, monitor })) metrics.addGauge(gauge);
  addProcessGauges(metrics, { isolates, uptimeSeconds, log });
  let stopping = false;
  const probes = healthProbes({ state, configuration, log });
  const app = buildApp({
    access,
    tables: createTables({ withCatalog, reader, state, clock }),
    tableChanges: createTableChanges({ operations, state, clock }),
    queries: createQueries({ withCatalog, queries, clock }),
    maintenance: createMaintenance({ operations, state, clock }),
    operations,
    pipelines,
    monitor,
    configuration,
    health: { ...probes, stopping: () => stopping, uptimeSeconds },
    metrics,
    log,
    clock,
    http: settings,
  });
  return {
    instance: base.instance,
    fetch: app.fetch,
    firstToken: base.first?.generated ? base.first.secret.reveal() : null,
    bootstrapTokenIgnored: base.bootstrapTokenIgnored,
    ready() {
      isolates.warm();
      // A catalog that cannot be reached is in the log before anybody asks for a table.
      void probes.catalog();
    },
    beginStop() {
      stopping = true;
      // Those who watch would keep the server waiting.
      void monitor.close();
    },
    async close() {
      await monitor.close();
      await pipelines.close();
      await operations.close();
      isolates.close();
      await configuration.close();
      await state.close();
    },
  };
}

async function openStateOf({ stateUrl, stateAuthToken, dataDir }: Settings): Promise<State> {
  return await openState({ url: stateUrl, authToken: stateAuthToken, dataDir });
}

function jwtVerifierOf({ jwt }: Settings): JwtVerifier | null {
  return jwt === null ? null : createJwtVerifier({ ...jwt, clock });
}

/** Whether a bootstrap token is set that opens nothing; it counts on the very first start only. */
async function isRefused(access: Access, settings: Settings): Promise<boolean> {
  if (settings.bootstrapToken === null) return false;
  const credential = settings.bootstrapToken.reveal();
  try {
    await access.authenticateBearer({ credential, clientAddress: settings.host });
    return false;
  } catch (error) {
    // Where something else is wrong, nobody can tell, and this alone is no reason not to start.
    if (error instanceof AppError) return error.kind === "unauthenticated";
    throw error;
  }
}

/** Pipelines, which begin to run: those of the configured catalog. */
async function openPipelines(
  settings: Settings,
  { configuration, ...deps }:
    & Pick<PipelinesDeps, "state" | "withCatalog" | "runner" | "hub" | "clock" | "log" | "instance">
    & { readonly configuration: CatalogConfiguration },
): Promise<Pipelines> {
  const { checkpointRoots, maxPipelines, dataDir } = settings;
  const { catalog_type: type, catalog_name: name, ...rest } = await configured(configuration);
  let catalog = type === null || name === null
    ? settings.catalog
    : { type, name, warehouse: rest.warehouse, uri: rest.uri, extraProps: rest.extra_props };
  configuration.subscribe((config) => catalog = config);
  return await createPipelines({
    ...deps,
    ...{ checkpointRoots, maxPipelines, dataDir },
    catalog: () => catalog,
    cores: navigator.hardwareConcurrency,
  });
}

/** The configuration as it is at the start. */
async function configured(configuration: CatalogConfiguration) {
  const { signal } = new AbortController();
  return await configuration.get({
    principal: LOCAL_PRINCIPAL,
    requestId: "start",
    signal,
    agent: null,
  });
}

/** The isolates, for the catalog that is configured now and those that will be. */
async function openIsolates(
  settings: Settings,
  { configuration, log }: { readonly configuration: CatalogConfiguration; readonly log: Log },
): Promise<Isolates> {
  const { storageRoots } = settings;
  const { catalog_type: catalogType, warehouse } = await configured(configuration);
  const isolates = createIsolates({
    settings,
    places: { catalogType, warehouse, storageRoots },
    onCrash: (isolate, reason) => log.error("Isolate lost", { isolate, reason }),
  });
  configuration.subscribe(({ type, warehouse }) =>
    isolates.permit({ catalogType: type, warehouse, storageRoots })
  );
  return isolates;
}

/** What the server depends on, asked rarely and with a deadline however often it is shown. */
function healthProbes(
  { state, configuration, log }: {
    readonly state: State;
    readonly configuration: CatalogConfiguration;
    readonly log: Log;
  },
): Pick<HealthProbes, "state" | "catalog"> {
  const probe = (part: string, check: (signal: AbortSignal) => Promise<void>) =>
    createProbe({
      check,
      timeoutMs: PROBE_TIMEOUT_MS,
      freshMs: PROBE_FRESH_MS,
      onFailure: (error) => log.warn("Health check failed", { part, error }),
    });
  const stateProbe = probe("state", () => state.ping());
  const catalogProbe = probe(
    "catalog",
    (signal) => configuration.withCatalog((catalog) => catalog.ping({ signal })),
  );
  return {
    state: async () => await stateProbe() ? "ok" : "unreachable",
    catalog: async () =>
      !configuration.isConfigured()
        ? "not_configured"
        : await catalogProbe()
        ? "ok"
        : "unreachable",
  };
}

/** Standard output is for the operator: where it runs, and the first token, once. */
function announce(addr: Deno.NetAddr, settings: Settings, running: Running): void {
  const { firstToken, bootstrapTokenIgnored } = running;
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  const url = `http://${host}:${addr.port}`;
  const lines = [`drls ${VERSION} listens on ${url} (documentation: ${url}/api/docs)`];
  if (settings.auth === "off") {
    lines.push("Authentication is off: everybody on this machine is an Admin");
  }
  if (bootstrapTokenIgnored) {
    lines.push(
      "DRLS_BOOTSTRAP_TOKEN has no effect: the state database knows its users already. " +
        "A new token comes from: deno task token --user admin",
    );
  }
  if (firstToken !== null) lines.push(`Admin token, shown this once: ${firstToken}`);
  console.log(lines.join("\n"));
}

/** Resolves with the first signal to stop; a second one ends the process at once. */
function stopSignal(): Promise<Deno.Signal> {
  let count = 0;
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        if (++count > 1) Deno.exit(1);
        resolve(signal);
      });
    }
  });
}

/** Whether a promise resolves in time. */
async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

try {
  await main();
} catch (error) {
  console.error(startupMessage(error));
  Deno.exit(1);
}

/** What we wrote ourselves is enough for the operator; anything else is a bug worth its stack. */
function startupMessage(error: unknown): string {
  if (!(error instanceof AppError)) return describeError(error);
  const details = error.issues.filter(({ message }) => !error.message.includes(message))
    .map(({ path, message }) => `  ${path}: ${message}`);
  return [error.message, ...details].join("\n");
}
