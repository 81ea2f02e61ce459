/** A real state in a temporary folder with the access verbs on it, and principals of each role. */
import { type Access, createAccess, LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import type { CallContext, JwtVerifier, Principal, Role } from "../../lib/access/mod.ts";
import { silentLog } from "../../lib/log.ts";
import { openState, type State } from "../../lib/state/mod.ts";

/** The address that fixture calls come from. */
export const CLIENT_ADDRESS = "192.0.2.7";

/** The origin that fixture sessions are bound to. */
export const ORIGIN = "https://drls.example.com";

/** A clock that stands still until it is told to move. */
export class HeldClock {
  #nowMs = Date.UTC(2026, 8, 1);

  now(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** What a test gets. */
export interface AccessFixture {
  readonly state: State;
  readonly access: Access;
  readonly clock: HeldClock;
  readonly dataDir: string;
  /** A call by the operator at the machine. */
  readonly local: CallContext;
  /** A new user with a token: the token's secret, its id and the user's principal. */
  createCaller(name: string, role: Role): Promise<Caller>;
  /** Authenticates a bearer credential from the fixture's address. */
  bearer(credential: string): Promise<Principal>;
}

/** A user of the fixture. */
export interface Caller {
  readonly secret: string;
  readonly tokenId: string;
  readonly principal: Principal;
  readonly ctx: CallContext;
}

/** Options of {@linkcode withAccess}. */
export interface WithAccessOptions {
  readonly jwt?: JwtVerifier;
}

/** Runs `test` on a fixture of its own. */
export async function withAccess(
  test: (fixture: AccessFixture) => Promise<void>,
  options: WithAccessOptions = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-access-" });
  const state = await openState({ url: "file:state.db", authToken: null, dataDir });
  const clock = new HeldClock();
  const access = createAccess({
    state,
    clock,
    log: silentLog,
    jwt: options.jwt ?? null,
    instance: "test",
  });
  const local = callBy(LOCAL_PRINCIPAL);
  const bearer = (credential: string) =>
    access.authenticateBearer({ credential, clientAddress: CLIENT_ADDRESS });
  async function createCaller(name: string, role: Role): Promise<Caller> {
    await access.createUser(local, { name, role });
    const { token, secret } = await access.createToken(local, { user: name });
    const principal = await bearer(secret.reveal());
    return { secret: secret.reveal(), tokenId: token.id, principal, ctx: callBy(principal) };
  }
  try {
    await test({ state, access, clock, dataDir, local, createCaller, bearer });
  } finally {
    await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** A call by `principal`. */
export function callBy(principal: Principal, overrides: Partial<CallContext> = {}): CallContext {
  return {
    principal,
    requestId: "req-test",
    signal: new AbortController().signal,
    agent: null,
    ...overrides,
  };
}
