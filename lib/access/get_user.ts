/** Reads one user. */
import { toUser } from "./_rows.ts";
import { loadUser } from "./_users.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { User } from "./schemas.ts";

/** Which user. */
export interface GetUserInput {
  readonly name: string;
}

/** Reads a user; see `Access.getUser`. */
export async function getUser(
  deps: AccessDeps,
  ctx: CallContext,
  input: GetUserInput,
): Promise<User> {
  requireRole(ctx, "Admin", "user.get");
  return toUser(await loadUser(deps.state, input.name));
}
