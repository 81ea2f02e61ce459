/** Reads the audit, newest first. */
import { z } from "zod";
import { allOf, type Sql, sql } from "../state/mod.ts";
import { encodeCursor } from "../cursor.ts";
import { decodeSequence } from "./_cursor.ts";
import { checkPage, parseInput } from "./_input.ts";
import { isoTime } from "./_rows.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { Page } from "./page.ts";
import { type AuditEntry, type AuditList, RoleName } from "./schemas.ts";

/** Narrows the audit. Each field given must match. */
export const AuditFilter = z.strictObject({
  principal: z.string().max(1024).optional().describe("name or id of who acted"),
  action: z.string().max(256).optional().describe("for example token.create"),
  target: z.string().max(1024).optional().describe("for example token:tok_1f"),
  agent: z.string().max(256).optional().describe("name of the agent that acted"),
  since: z.iso.datetime({ offset: true }).optional().describe("rows from this time on"),
  until: z.iso.datetime({ offset: true }).optional().describe("rows before this time"),
}).meta({ id: "AuditFilter" });
export type AuditFilter = z.infer<typeof AuditFilter>;

const json = z.string().transform((text): unknown => JSON.parse(text)).pipe(z.json());

const AuditRow = z.object({
  seq: z.int(),
  at: z.int(),
  principal_id: z.string(),
  principal_name: z.string(),
  role: RoleName,
  credential: z.string(),
  agent: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  before: json.nullable(),
  after: json.nullable(),
  request_id: z.string(),
});

/** A page of the audit rows that match. */
export interface ListAuditInput extends Page {
  readonly filter: AuditFilter;
}

/** Reads a page of the audit; see `Access.listAudit`. */
export async function listAudit(
  deps: AccessDeps,
  ctx: CallContext,
  input: ListAuditInput,
): Promise<AuditList> {
  requireRole(ctx, "LeadDataEngineer", "audit.list");
  checkPage(input);
  const conditions = toConditions(parseInput(AuditFilter, input.filter));
  const before = decodeSequence("audit", input.cursor);
  if (before !== null) conditions.push(sql`seq < ${before}`);
  const rows = await deps.state.read(
    AuditRow,
    sql`SELECT * FROM audit WHERE ${allOf(conditions)} ORDER BY seq DESC LIMIT ${input.limit + 1}`,
  );
  const page = rows.slice(0, input.limit);
  const last = page.at(-1);
  const more = rows.length > input.limit && last !== undefined;
  return {
    entries: page.map(toEntry),
    ...(more ? { next_cursor: encodeCursor("audit", [String(last.seq)]) } : {}),
  };
}

function toConditions(filter: AuditFilter): Sql[] {
  const { principal, action, target, agent, since, until } = filter;
  const conditions: Sql[] = [];
  if (principal !== undefined) {
    conditions.push(sql`principal_id = ${principal} OR principal_name = ${principal}`);
  }
  if (action !== undefined) conditions.push(sql`action = ${action}`);
  if (target !== undefined) conditions.push(sql`target = ${target}`);
  if (agent !== undefined) conditions.push(sql`agent = ${agent}`);
  if (since !== undefined) conditions.push(sql`at >= ${Date.parse(since)}`);
  if (until !== undefined) conditions.push(sql`at < ${Date.parse(until)}`);
  return conditions;
}

function toEntry(row: z.infer<typeof AuditRow>): AuditEntry {
  const { seq, at, principal_name: principal, ...rest } = row;
  return { ...rest, id: String(seq), at: isoTime(at), principal };
}
