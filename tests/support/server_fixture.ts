/** The application over the real access verbs and a real state file; tables are a stand-in. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import {
  createAccess,
  createJwtVerifier,
  LOCAL_PRINCIPAL,
  type Role,
} from "../../lib/access/mod.ts";
import type { Clock } from "../../lib/clock.ts";
import { createLog } from "../../lib/log.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { openState } from "../../lib/state/mod.ts";
import type { Maintenance } from "../../lib/maintenance/mod.ts";
import type { Operations } from "../../lib/operations/mod.ts";
import { type MonitorBounds, PipelineHub, PipelineMonitor } from "../../lib/pipelines/mod.ts";
import type { Queries, TableChanges, Tables } from "../../lib/tables/mod.ts";
import { buildApp, type Services } from "../../routes/mod.ts";
import { maintenanceAnswers, operationAnswers, tableChangeAnswers } from "./operation_answers.ts";
import { pipelineAnswers } from "./pipeline_answers.ts";
import { queryAnswers } from "./query_answers.ts";
import { standIn } from "./stand_in.ts";

const ISSUER = "https://id.example.com";
const AUDIENCE = "drls-tests";

/** Replaces parts of the services. */
export interface ServerFixtureOptions {
  readonly tables: Tables;
  readonly configuration: Services["configuration"];
  readonly tableChanges?: Partial<TableChanges>;
  readonly queries?: Partial<Queries>;
  readonly maintenance?: Partial<Maintenance>;
  readonly operations?: Partial<Operations>;
  readonly http?: Partial<Services["http"]>;
  readonly pipelines?: Partial<Services["pipelines"]>;
  readonly monitorBounds?: Partial<MonitorBounds>;
}

/** A running application; dispose of it to remove its files. */
export type ServerFixture = Awaited<ReturnType<typeof createServerFixture>>;

/** The operator at the machine, who prepares what a test needs. */
const OPERATOR = {
  principal: LOCAL_PRINCIPAL,
  requestId: "setup",
  signal: new AbortController().signal,
  agent: null,
};

/** Builds it in a folder of its own. */
export async function createServerFixture(options: ServerFixtureOptions) {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-server-" });
  let offsetMs = 0;
  const clock = { now: () => Date.now() + offsetMs };
  const lines: string[] = [];
  const log = createLog({ level: "debug", sink: (line) => lines.push(line) });
  const state = await openState({ url: `file:${dataDir}/state.db`, authToken: null, dataDir });
  const issuer = await createIssuer(clock);
  const access = createAccess({ state, clock, log, jwt: issuer.verifier, instance: "test" });
  const hub = new PipelineHub();
  const monitor = new PipelineMonitor({ hub, access, log, bounds: options.monitorBounds ?? {} });
  const app = buildApp({
    access,
    tables: options.tables,
    tableChanges: standIn<TableChanges>(options.tableChanges ?? tableChangeAnswers),
    queries: standIn<Queries>(options.queries ?? queryAnswers),
    maintenance: standIn<Maintenance>(options.maintenance ?? maintenanceAnswers),
    operations: standIn<Operations>(options.operations ?? operationAnswers),
    configuration: options.configuration,
    health: {
      state: async () => await state.ping().then(() => "ok" as const),
      catalog: () => Promise.resolve("ok"),
      stopping: () => false,
      uptimeSeconds: () => 1,
    },
    pipelines: standIn<Services["pipelines"]>({ ...pipelineAnswers, ...options.pipelines }),
    monitor,
    metrics: createMetrics(),
    log,
    clock,
    http: {
      auth: "required",
      bodyLimitBytes: 65_536,
      corsOrigins: [],
      operationTimeoutMs: 60_000,
      requestTimeoutMs: 10_000,
      trustedProxies: 0,
      ...options.http,
    },
  });
  let callers = 0;
  return {
    access,
    hub,
    monitor,
    fetch: app.fetch,
    operator: OPERATOR,
    lines,
    passTime: (ms: number) => offsetMs += ms,
    signJwt: issuer.sign,
    /** Sends a request from an address of its own, so that failures of others do not count. */
    async send(path: string, init: RequestInit = {}) {
      const hostname = `10.1.${callers >> 8 & 255}.${callers++ & 255}`;
      return await app.request(path, init, { remoteAddr: { hostname } });
    },
    /** Sends all requests from one address. */
    async sendFrom(hostname: string, path: string, init: RequestInit = {}) {
      return await app.request(path, init, { remoteAddr: { hostname } });
    },
    async [Symbol.asyncDispose]() {
      await state.close();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** An identity provider of our own, and the verifier that trusts it. */
async function createIssuer(clock: Clock) {
  const keys = await generateKeyPair("ES256");
  const jwks = { keys: [{ ...await exportJWK(keys.publicKey), kid: "k1", alg: "ES256" }] };
  const verifier = createJwtVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUrl: `${ISSUER}/jwks`,
    roleClaim: "role",
    clock,
    fetch: () => Promise.resolve(Response.json(jwks)),
  });
  /** A JWT of the issuer, or of a forger who signs with a key of their own. */
  async function sign(claims: { role?: Role; expiresAt?: Date; forged?: boolean }) {
    const key = claims.forged ? (await generateKeyPair("ES256")).privateKey : keys.privateKey;
    return await new SignJWT(claims.role === undefined ? {} : { role: claims.role })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setIssuer(ISSUER).setAudience(AUDIENCE).setSubject("jwt-user")
      .setExpirationTime(claims.expiresAt ?? new Date(clock.now() + 600_000))
      .sign(key);
  }
  return { verifier, sign };
}
