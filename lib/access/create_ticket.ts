/**
 * Grants a ticket for one WebSocket, which cannot send an `Authorization` header. It lives for
 * seconds and leaves no audit row: it says nothing that the credential it was granted to does not.
 */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { sql } from "../state/mod.ts";
import { grantedBy } from "./_granted_by.ts";
import { parseInput } from "./_input.ts";
import { hashSecret, newSecret } from "./_secrets.ts";
import type { Granted } from "./grants.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import { OriginInput } from "./origin.ts";

/** Lifetime of a ticket. */
export const TICKET_LIFETIME_MS = 30_000;

/** Most unspent tickets of one principal. */
export const MAX_TICKETS_PER_PRINCIPAL = 100;

/** Most expired tickets that are swept out on the way. */
const SWEEP_ROWS = 1_000;

const Count = z.object({ count: z.int() });

/** Grants a ticket; see `Access.createTicket`. */
export async function createTicket(
  deps: AccessDeps,
  ctx: CallContext,
  input: OriginInput,
): Promise<Granted> {
  requireRole(ctx, "Auditor", "ticket.create");
  const { origin } = parseInput(OriginInput, input);
  const { principal } = ctx;
  const by = grantedBy(principal);
  const secret = newSecret("ticket");
  const atMs = deps.clock.now();
  const expiresAtMs = Math.min(atMs + TICKET_LIFETIME_MS, by.endsAtMs ?? Infinity);
  await deps.state.transaction(async (tx) => {
    await tx.run(sql`DELETE FROM tickets WHERE secret_hash IN
      (SELECT secret_hash FROM tickets WHERE expires_at <= ${atMs} LIMIT ${SWEEP_ROWS})`);
    const [held] = await tx.read(
      Count,
      sql`SELECT count(*) AS count FROM tickets
        WHERE principal_id = ${principal.id} AND expires_at > ${atMs}`,
    );
    if (held !== undefined && held.count >= MAX_TICKETS_PER_PRINCIPAL) throw tooMany();
    await tx.run(sql`INSERT INTO tickets (secret_hash, token_id, session_id, jwt_principal,
        principal_id, origin, created_at, expires_at)
      VALUES (${hashSecret(secret.reveal())}, ${by.tokenId}, ${by.sessionId}, ${by.jwtPrincipal},
        ${principal.id}, ${origin}, ${atMs}, ${expiresAtMs})`);
  }, { signal: ctx.signal });
  return { secret, expiresAtMs };
}

function tooMany(): AppError {
  const message =
    `Cannot grant a ticket: ${MAX_TICKETS_PER_PRINCIPAL} are unspent, which is the most`;
  return new AppError("rate_limited", "too_many_tickets", message, {
    retryAfterSeconds: Math.ceil(TICKET_LIFETIME_MS / 1000),
  });
}
