/** The access verbs as one object, built once by the composition root. */
import type { Secret } from "../secret.ts";
import { guardFailures } from "./_guard.ts";
import { refreshPrincipal } from "./_resolve.ts";
import { shownPrefix } from "./_secrets.ts";
import { authenticateBearer } from "./authenticate_bearer.ts";
import { authenticateSession } from "./authenticate_session.ts";
import { bootstrap } from "./bootstrap.ts";
import type { CallContext } from "./context.ts";
import { createSession } from "./create_session.ts";
import { createTicket } from "./create_ticket.ts";
import { type CreatedToken, createToken, type CreateTokenInput } from "./create_token.ts";
import { createUser, type CreateUserInput } from "./create_user.ts";
import type { AccessDeps } from "./deps.ts";
import { FailureLimit } from "./failure_limit.ts";
import { getUser, type GetUserInput } from "./get_user.ts";
import type { Bootstrapped, Caller, Granted, OriginBound } from "./grants.ts";
import { looksLikeJwt } from "./jwt.ts";
import { listAudit, type ListAuditInput } from "./list_audit.ts";
import { listTokens, type ListTokensInput } from "./list_tokens.ts";
import { listUsers } from "./list_users.ts";
import { logout } from "./logout.ts";
import type { OriginInput } from "./origin.ts";
import type { Page } from "./page.ts";
import type { Principal } from "./principal.ts";
import { redeemTicket } from "./redeem_ticket.ts";
import { revokeToken, type RevokeTokenInput } from "./revoke_token.ts";
import type { AuditList, TokenInfo, TokenList, User, UserList } from "./schemas.ts";
import { updateUser, type UpdateUserInput } from "./update_user.ts";

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
  createSession(ctx: CallContext, input: OriginInput): Promise<Granted>;
  /** Any principal: a ticket for one WebSocket, valid for seconds and bound to `origin`. */
  createTicket(ctx: CallContext, input: OriginInput): Promise<Granted>;
  /** Ends the session that `ctx` came with; no error where it came with another credential. */
  logout(ctx: CallContext): Promise<void>;

  /** Admin. A name that is taken is `already_exists`. */
  createUser(ctx: CallContext, input: CreateUserInput): Promise<User>;
  /** Admin. By name, whatever the case of its letters; `not_found` where there is none. */
  getUser(ctx: CallContext, input: GetUserInput): Promise<User>;
  /** Admin. By name. */
  listUsers(ctx: CallContext, page: Page): Promise<UserList>;
  /** Admin. Takes effect at once; refuses to leave no enabled Admin (`conflict`). */
  updateUser(ctx: CallContext, input: UpdateUserInput): Promise<User>;
  /** Admin. The only time the token itself is shown. */
  createToken(ctx: CallContext, input: CreateTokenInput): Promise<CreatedToken>;
  /** Admin. Newest first; `user` narrows to one user's tokens. */
  listTokens(
    ctx: CallContext,
    input: ListTokensInput,
  ): Promise<TokenList>;
  /** Admin. Takes effect at once; revoking twice is no error. */
  revokeToken(ctx: CallContext, input: RevokeTokenInput): Promise<TokenInfo>;
  /** LeadDataEngineer. Newest first. */
  listAudit(ctx: CallContext, input: ListAuditInput): Promise<AuditList>;

  /** On the very first start, an Admin with a token; null on every later one. */
  bootstrap(input: { readonly token: Secret | null }): Promise<Bootstrapped | null>;
}

/** Builds the access verbs; the count of failures lives as long as the object. */
export function createAccess(deps: AccessDeps): Access {
  const limit = new FailureLimit({ clock: deps.clock });
  const bound = (input: OriginBound) => ({ ...input, limit, guessable: false });
  return {
    authenticateBearer: ({ credential, clientAddress }) =>
      guardFailures(() => authenticateBearer(deps, credential), {
        limit,
        clientAddress,
        secret: credential,
        guessable: shownPrefix(credential) === "" && !looksLikeJwt(credential),
      }),
    authenticateSession: (input) =>
      guardFailures(() => authenticateSession(deps, input), bound(input)),
    redeemTicket: (input) => guardFailures(() => redeemTicket(deps, input), bound(input)),
    refresh: (principal) =>
      refreshPrincipal(deps.state, principal, { nowMs: deps.clock.now(), origin: null }),
    createSession: (ctx, input) => createSession(deps, ctx, input),
    createTicket: (ctx, input) => createTicket(deps, ctx, input),
    logout: (ctx) => logout(deps, ctx),
    createUser: (ctx, input) => createUser(deps, ctx, input),
    getUser: (ctx, input) => getUser(deps, ctx, input),
    listUsers: (ctx, page) => listUsers(deps, ctx, page),
    updateUser: (ctx, input) => updateUser(deps, ctx, input),
    createToken: (ctx, input) => createToken(deps, ctx, input),
    listTokens: (ctx, input) => listTokens(deps, ctx, input),
    revokeToken: (ctx, input) => revokeToken(deps, ctx, input),
    listAudit: (ctx, input) => listAudit(deps, ctx, input),
    bootstrap: (input) => bootstrap(deps, input),
  };
}
