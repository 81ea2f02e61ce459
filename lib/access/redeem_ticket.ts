/** Turns a ticket into its principal, once. */
import { z } from "zod";
import { sql } from "../state/mod.ts";
import { refused } from "./_refused.ts";
import {
  asTicket,
  findToken,
  JwtPrincipal,
  principalOfJwt,
  principalOfSession,
  principalOfToken,
} from "./_resolve.ts";
import { hashSecret } from "./_secrets.ts";
import type { AccessDeps } from "./deps.ts";
import type { Principal } from "./principal.ts";

const TicketRow = z.object({
  token_id: z.string().nullable(),
  session_id: z.string().nullable(),
  jwt_principal: z.string().nullable(),
  origin: z.string(),
  expires_at: z.int(),
});

/** Redeems a ticket; see `Access.redeemTicket`. */
export async function redeemTicket(
  deps: AccessDeps,
  input: { readonly secret: string; readonly origin: string },
): Promise<Principal> {
  const nowMs = deps.clock.now();
  // The deletion is what spends it: of two who present it together, one finds no row. It is spent
  // by the attempt, so that a ticket seen from a wrong origin is worth nothing afterwards.
  const [row] = await deps.state.transaction((tx) =>
    tx.read(
      TicketRow,
      sql`DELETE FROM tickets WHERE secret_hash = ${hashSecret(input.secret)}
        RETURNING token_id, session_id, jwt_principal, origin, expires_at`,
    )
  );
  if (row === undefined || row.expires_at <= nowMs || row.origin !== input.origin) {
    throw refused("invalid_ticket");
  }
  if (row.session_id !== null) {
    const key = { id: row.session_id };
    return asTicket(await principalOfSession(deps.state, key, { nowMs, origin: null }));
  }
  if (row.token_id !== null) {
    const grant = await findToken(deps.state, sql`t.id = ${row.token_id}`);
    if (grant === null) throw refused("invalid_ticket");
    return asTicket(principalOfToken(grant, nowMs));
  }
  const jwt = JwtPrincipal.parse(JSON.parse(row.jwt_principal ?? "null"));
  return asTicket(principalOfJwt(jwt, nowMs));
}
