/** An application over stand-ins: transport is tested here, the verbs have tests of their own. */
import type { Access, Principal, Role } from "../../../lib/access/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { createLog, type Log } from "../../../lib/log.ts";
import type { Maintenance } from "../../../lib/maintenance/mod.ts";
import { createMetrics } from "../../../lib/metrics.ts";
import type { Operations } from "../../../lib/operations/mod.ts";
import { Secret } from "../../../lib/secret.ts";
import type { Queries, TableChanges, Tables } from "../../../lib/tables/mod.ts";
import type { Route } from "../../../routes/_route.ts";
import { buildApp, type HealthProbes, type Services } from "../../../routes/mod.ts";

/** Bearer credentials of the stand-in, by role. */
export const TOKENS = {
  Auditor: "auditor-token",
  DataEngineer: "engineer-token",
  LeadDataEngineer: "lead-token",
  Admin: "admin-token",
} as const satisfies Record<Role, string>;

/** Replaces parts of the services. */
export interface HarnessOptions {
  readonly http?: Partial<Services["http"]>;
  readonly access?: Partial<Access>;
  readonly tables?: Partial<Tables>;
  readonly tableChanges?: Partial<TableChanges>;
  readonly queries?: Partial<Queries>;
  readonly maintenance?: Partial<Maintenance>;
  readonly operations?: Partial<Operations>;
  readonly configuration?: Services["configuration"];
  readonly pipelines?: Partial<Services["pipelines"]>;
  readonly monitor?: Partial<Services["monitor"]>;
  readonly health?: Partial<HealthProbes>;
  readonly routes?: readonly Route[];
}

/** An application, its log lines and a shorthand to call it. */
export function harness(options: HarnessOptions = {}) {
  const lines: string[] = [];
  const log: Log = createLog({ level: "debug", sink: (line) => lines.push(line) });
  const metrics = createMetrics();
  const services: Services = {
    access: { ...standInAccess(), ...options.access },
    tables: standIn<Tables>(options.tables),
    tableChanges: standIn<TableChanges>(options.tableChanges),
    queries: standIn<Queries>(options.queries),
    maintenance: standIn<Maintenance>(options.maintenance),
    operations: standIn<Operations>(options.operations),
    configuration: standIn<Services["configuration"]>(options.configuration),
    health: {
      state: () => Promise.resolve("ok"),
      catalog: () => Promise.resolve("ok"),
      stopping: () => false,
      uptimeSeconds: () => 1.5,
      ...options.health,
    },
    pipelines: standIn<Services["pipelines"]>(options.pipelines),
    monitor: standIn<Services["monitor"]>(options.monitor),
    metrics,
    log,
    clock: { now: () => Date.UTC(2026, 0, 1) },
    http: {
      auth: "required",
      bodyLimitBytes: 4096,
      corsOrigins: [],
      operationTimeoutMs: 60_000,
      requestTimeoutMs: 5000,
      trustedProxies: 0,
      ...options.http,
    },
  };
  const app = options.routes === undefined
    ? buildApp(services)
    : buildApp(services, options.routes);
  /** Log lines as objects. */
  const logged = () => lines.map((line) => JSON.parse(line));
  return { app, services, metrics, lines, logged };
}

/** Headers of a caller with a role. */
export function as(role: Role, more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${TOKENS[role]}`, ...more };
}

/** A request with a JSON body, as a caller with a role. */
export function jsonRequest(role: Role, body: unknown, method = "POST"): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method, body: text, headers: as(role, { "content-type": "application/json" }) };
}

/** A principal with a role. */
export function principal(role: Role): Principal {
  return { id: `id-${role}`, name: role, role, credential: { kind: "token", tokenId: "t1" } };
}

/** An object whose missing methods fail the test that calls them. */
export function standIn<T extends object>(parts: Partial<T> = {}): T {
  return new Proxy(parts as T, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (value !== undefined) return value;
      throw new TypeError(`The test gave no "${String(key)}"`);
    },
  });
}

function standInAccess(): Access {
  const roles = new Map<string, Role>(
    Object.entries(TOKENS).map(([role, token]) => [token, role as Role]),
  );
  const known = (secret: string) => {
    const role = roles.get(secret);
    if (role !== undefined) return Promise.resolve(principal(role));
    const error = new AppError("unauthenticated", "invalid_credentials", "Cannot accept this");
    return Promise.reject(error);
  };
  const expiresAtMs = Date.UTC(2026, 0, 1, 8);
  return standIn<Access>({
    authenticateBearer: ({ credential }) => known(credential),
    authenticateSession: ({ secret, origin }) =>
      known(origin === "http://localhost" ? secret : "wrong-origin"),
    redeemTicket: ({ secret }) => known(secret),
    createSession: (ctx) => {
      const secret = new Secret(TOKENS[ctx.principal.role]);
      return Promise.resolve({ secret, expiresAtMs });
    },
    createTicket: () => Promise.resolve({ secret: new Secret("ticket-1"), expiresAtMs }),
    logout: () => Promise.resolve(),
  });
}
