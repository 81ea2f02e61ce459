/** Principals, roles, tokens, JWTs, sessions, decisions with reasons, audit. */
export { type Access, createAccess } from "./access.ts";
export { type AuditedCall, type AuditRecord, recordAudit } from "./audit.ts";
export { type Action, authorize, type Decision, requireRole } from "./authorize.ts";
export type { CallContext } from "./context.ts";
export {
  type CreatedToken,
  CreateTokenInput,
  DEFAULT_TOKEN_DAYS,
  MAX_TOKEN_DAYS,
} from "./create_token.ts";
export { SESSION_LIFETIME_MS } from "./create_session.ts";
export { CreateUserInput } from "./create_user.ts";
export type { AccessDeps } from "./deps.ts";
export type { Bootstrapped, Caller, Granted, OriginBound } from "./grants.ts";
export { createJwtVerifier, type JwtOptions, type JwtVerifier } from "./jwt.ts";
export { AuditFilter } from "./list_audit.ts";
export { MAX_ACCESS_PAGE, type Page } from "./page.ts";
export {
  type Credential,
  DEVELOPMENT_PRINCIPAL,
  LOCAL_PRINCIPAL,
  type Principal,
  type Role,
  roleIncludes,
  ROLES,
} from "./principal.ts";
export {
  AuditEntry,
  AuditList,
  RoleName,
  TokenInfo,
  TokenList,
  User,
  UserList,
} from "./schemas.ts";
export { UpdateUserInput } from "./update_user.ts";
