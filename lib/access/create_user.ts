/** Creates a user. */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { parseInput } from "./_input.ts";
import { toUser } from "./_rows.ts";
import { findUser, insertUser } from "./_users.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import { RoleName, type User } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** `POST /api/users`. */
export const CreateUserInput = z.strictObject({ name: UserName, role: RoleName })
  .meta({ id: "CreateUser" });
export type CreateUserInput = z.input<typeof CreateUserInput>;

/** Creates a user; see `Access.createUser`. */
export async function createUser(
  deps: AccessDeps,
  ctx: CallContext,
  input: CreateUserInput,
): Promise<User> {
  requireRole(ctx, "Admin", "user.create");
  const { name, role } = parseInput(CreateUserInput, input);
  const atMs = deps.clock.now();
  return await deps.state.transaction(async (tx) => {
    const taken = await findUser(tx, name);
    if (taken !== null) {
      const message = `Cannot create user "${name}": the name is taken by "${taken.name}"`;
      throw new AppError("already_exists", "user_exists", message);
    }
    const user = toUser(await insertUser(tx, { name, role, atMs }));
    const target = `user:${user.id}`;
    await recordAudit(tx, { ctx, action: "user.create", target, before: null, after: user, atMs });
    return user;
  }, { signal: ctx.signal });
}
