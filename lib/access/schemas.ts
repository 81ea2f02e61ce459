/** What the access verbs answer, as zod schemas: the OpenAPI document is generated from them. */
import { z } from "zod";
import { ROLES } from "./principal.ts";

const isoTime = z.string().describe("ISO 8601 time, UTC");
const nextCursor = z.string().optional().describe("present only when there is more");

/** A role's name as clients write it. */
export const RoleName = z.enum(ROLES).meta({ id: "Role" });

/** A user. */
export const User = z.object({
  id: z.string(),
  name: z.string(),
  role: RoleName,
  created_at: isoTime,
  disabled_at: isoTime.nullable().describe("since when the user may not sign in, or null"),
}).meta({ id: "User" });
export type User = z.infer<typeof User>;

/** `GET /api/users`, by name. */
export const UserList = z.object({ users: z.array(User), next_cursor: nextCursor })
  .meta({ id: "UserList" });
export type UserList = z.infer<typeof UserList>;

/** What is known of an API token; the token itself is shown once, when it is created. */
export const TokenInfo = z.object({
  id: z.string(),
  user: z.string().describe("name of the user it stands for"),
  name: z.string().nullable().describe("what it is for"),
  prefix: z.string().describe("how the token begins"),
  created_at: isoTime,
  created_by: z.string(),
  expires_at: isoTime.nullable().describe("null for a token that does not expire"),
  revoked_at: isoTime.nullable(),
  last_used_at: isoTime.nullable().describe("to the hour"),
}).meta({ id: "Token" });
export type TokenInfo = z.infer<typeof TokenInfo>;

/** `GET /api/tokens`, newest first. */
export const TokenList = z.object({ tokens: z.array(TokenInfo), next_cursor: nextCursor })
  .meta({ id: "TokenList" });
export type TokenList = z.infer<typeof TokenList>;

/** One audit row. */
export const AuditEntry = z.object({
  id: z.string(),
  at: isoTime,
  principal_id: z.string(),
  principal: z.string().describe("the principal's name at that time"),
  role: RoleName,
  credential: z.string().describe("token, jwt, session, ticket, development or local"),
  agent: z.string().nullable().describe("the agent that acted for the principal, or null"),
  action: z.string().describe("for example token.create"),
  target: z.string().describe("for example token:tok_1f"),
  before: z.unknown().describe("state before as JSON, or null"),
  after: z.unknown().describe("state after as JSON, or null"),
  request_id: z.string(),
}).meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof AuditEntry>;

/** `GET /api/audit`, newest first. */
export const AuditList = z.object({ entries: z.array(AuditEntry), next_cursor: nextCursor })
  .meta({ id: "AuditList" });
export type AuditList = z.infer<typeof AuditList>;
