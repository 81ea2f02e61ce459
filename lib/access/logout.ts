/** Ends the session of a call. */
import { sql } from "../state/mod.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";

/** Ends a session; see `Access.logout`. */
export async function logout(deps: AccessDeps, ctx: CallContext): Promise<void> {
  requireRole(ctx, "Auditor", "session.end");
  const { credential } = ctx.principal;
  if (credential.kind !== "session") return;
  const { sessionId } = credential;
  await deps.state.transaction(async (tx) => {
    const ended = await tx.run(sql`DELETE FROM sessions WHERE id = ${sessionId}`);
    if (ended === 0) return;
    const target = `session:${sessionId}`;
    const atMs = deps.clock.now();
    await recordAudit(tx, { ctx, action: "session.end", target, before: null, after: null, atMs });
  }, { signal: ctx.signal });
}
