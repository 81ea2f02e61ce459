/** The principal of a session cookie. */
import { principalOfSession } from "./_resolve.ts";
import { hashSecret } from "./_secrets.ts";
import type { AccessDeps } from "./deps.ts";
import type { Principal } from "./principal.ts";

/** Authenticates; see `Access.authenticateSession`. */
export async function authenticateSession(
  deps: AccessDeps,
  input: { readonly secret: string; readonly origin: string },
): Promise<Principal> {
  const key = { secretHash: hashSecret(input.secret) };
  const check = { nowMs: deps.clock.now(), origin: input.origin };
  return await principalOfSession(deps.state, key, check);
}
