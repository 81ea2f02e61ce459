/** The access verbs as one object, built once by the composition root. */
import type { Secret } from "../secret.ts";
import type { CallContext } from "./context.ts";
import type { CreatedToken, CreateTokenInput } from "./create_token.ts";
import type { CreateUserInput } from "./create_user.ts";
import type { AuditFilter } from "./list_audit.ts";
import type { Page } from "./page.ts";
import type { Principal } from "./principal.ts";
import type { AuditList, TokenInfo, TokenList, User, UserList } from "./schemas.ts";
import type { UpdateUserInput } from "./update_user.ts";

/** Who presents a credential, for the limit on failures. */
export interface Caller {
  /** The client's address; behind a trusted proxy the one that the proxy names. */
  readonly clientAddress: string;
}

/** A session or ticket secret, with the origin of the request that presents it. */
export interface OriginBound extends Caller {
  readonly secret: string;
  /** `Origin` of the request or, where a browser sends none, the request's own origin. */
  readonly origin: string;
}

/** A secret that was just created; this is the only time it is shown. */
export interface Granted {
  readonly secret: Secret;
  readonly expiresAtMs: number;
}

/** What a first start created. */
export interface Bootstrapped {
  readonly user: string;
  /** The Admin token. */
  readonly secret: Secret;
  /** False where `DRLS_BOOTSTRAP_TOKEN` gave it: then it need not be printed. */
  readonly generated: boolean;
}

/**
 * The access verbs. Those that take a `ctx` check its role themselves. Authentication fails with
 * `unauthenticated`, `rate_limited` (with `retryAfterSeconds`) after too many failures, `forbidden`
 * for a valid JWT without a role, and `unavailable` where the state or the JWKS cannot be reached.
 */
export interface Access {
  /** The principal behind an `Authorization: Bearer` credential: an API token or a JWT. */
  authenticateBearer(input: Caller & { readonly credential: string }): Promise<Principal>;
  /** The principal of a session cookie. */
  authenticateSession(input: OriginBound): Promise<Principal>;
  /** The principal of a WebSocket ticket, which is spent by this. */
  redeemTicket(input: OriginBound): Promise<Principal>;
  /**
   * The same principal as it is now: new role, or an error where it was disabled, revoked, logged
   * out or has expired. For sockets that outlive the request that opened them.
   */
  refresh(principal: Principal): Promise<Principal>;

  /** Any bearer principal: starts a browser session bound to `origin`. */
  createSession(ctx: CallContext, input: { readonly origin: string }): Promise<Granted>;
  /** Any principal: a ticket for one WebSocket, valid for seconds and bound to `origin`. */
  createTicket(ctx: CallContext, input: { readonly origin: string }): Promise<Granted>;
  /** Ends the session that `ctx` came with; no error where it came with another credential. */
  logout(ctx: CallContext): Promise<void>;

  /** Admin. A name that is taken is `already_exists`. */
  createUser(ctx: CallContext, input: CreateUserInput): Promise<User>;
  /** Admin. By name. */
  listUsers(ctx: CallContext, page: Page): Promise<UserList>;
  /** Admin. Takes effect at once; refuses to leave no enabled Admin (`conflict`). */
  updateUser(ctx: CallContext, input: UpdateUserInput): Promise<User>;
  /** Admin. The only time the token itself is shown. */
  createToken(ctx: CallContext, input: CreateTokenInput): Promise<CreatedToken>;
  /** Admin. Newest first; `user` narrows to one user's tokens. */
  listTokens(ctx: CallContext, input: Page & { readonly user?: string }): Promise<TokenList>;
  /** Admin. Takes effect at once; revoking twice is no error. */
  revokeToken(ctx: CallContext, input: { readonly id: string }): Promise<TokenInfo>;
  /** LeadDataEngineer. Newest first. */
  listAudit(ctx: CallContext, input: Page & { readonly filter: AuditFilter }): Promise<AuditList>;

  /** On the very first start, an Admin with a token; null on every later one. */
  bootstrap(input: { readonly token: Secret | null }): Promise<Bootstrapped | null>;
}
