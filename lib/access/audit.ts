/** Audit rows: who did what to what, when, through which agent. */
import { sql, type Transaction } from "../state/mod.ts";
import type { Action } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { Credential, Principal } from "./principal.ts";

/** Longest JSON of one state in the audit; a larger one leaves its size. */
export const MAX_AUDIT_STATE_CHARS = 64 * 1024;

/** Who made a change, as far as the audit tells. */
export interface AuditedCall extends Pick<CallContext, "agent" | "requestId"> {
  readonly principal: Pick<Principal, "id" | "name" | "role"> & {
    readonly credential: Pick<Credential, "kind">;
  };
}

/** One change. `before` and `after` are JSON values and never hold a secret. */
export interface AuditRecord {
  readonly ctx: AuditedCall;
  readonly action: Action;
  /** `noun:id`, for example `token:tok_1f` or `table:db.events`. */
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly atMs: number;
}

/** Writes the audit row of a change in the change's own transaction: both are stored, or neither. */
export async function recordAudit(tx: Transaction, record: AuditRecord): Promise<void> {
  const { ctx, action, target, atMs } = record;
  const { principal, agent, requestId } = ctx;
  await tx.run(sql`INSERT INTO audit
    (at, principal_id, principal_name, role, credential, agent, action, target, before, after,
      request_id)
    VALUES (${atMs}, ${principal.id}, ${principal.name}, ${principal.role},
      ${principal.credential.kind}, ${agent}, ${action}, ${target},
      ${toJson(record.before)}, ${toJson(record.after)}, ${requestId})`);
}

/** A `Secret` shows as its mask, a 64-bit integer as text. */
function toJson(state: unknown): string | null {
  if (state === null || state === undefined) return null;
  const json = JSON.stringify(state, (_, value) => typeof value === "bigint" ? `${value}` : value);
  if (json.length <= MAX_AUDIT_STATE_CHARS) return json;
  return JSON.stringify({ omitted: "too large for the audit", characters: json.length });
}
