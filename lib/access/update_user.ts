/** Changes a user's role, or disables and enables the user. */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { sql, type Transaction } from "../state/mod.ts";
import { parseInput } from "./_input.ts";
import { toUser, type UserRow } from "./_rows.ts";
import { countAdmins, loadUser } from "./_users.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import { RoleName, type User } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** What to change; what is left out stays. */
export const UpdateUserInput = z.strictObject({
  name: UserName.describe("whom to change"),
  role: RoleName.optional(),
  disabled: z.boolean().optional(),
}).meta({ id: "UpdateUser" });
export type UpdateUserInput = z.input<typeof UpdateUserInput>;

/** Changes a user; see `Access.updateUser`. */
export async function updateUser(
  deps: AccessDeps,
  ctx: CallContext,
  input: UpdateUserInput,
): Promise<User> {
  requireRole(ctx, "Admin", "user.update");
  const { name, role, disabled } = parseInput(UpdateUserInput, input);
  const atMs = deps.clock.now();
  return await deps.state.transaction(async (tx) => {
    const row = await loadUser(tx, name);
    const changed: UserRow = {
      ...row,
      role: role ?? row.role,
      disabled_at: disabled === undefined ? row.disabled_at : disabled
        // Disabling twice keeps the first time.
        ? row.disabled_at ?? atMs
        : null,
    };
    await keepAnAdmin(tx, { row, changed });
    await tx.run(sql`UPDATE users SET role = ${changed.role}, disabled_at = ${changed.disabled_at}
      WHERE id = ${row.id}`);
    if (changed.disabled_at !== null) await endSessions(tx, row.id);
    const [before, after] = [toUser(row), toUser(changed)];
    const target = `user:${row.id}`;
    await recordAudit(tx, { ctx, action: "user.update", target, before, after, atMs });
    return after;
  }, { signal: ctx.signal });
}

/** Without an Admin who may sign in, nobody could ever create one again. */
async function keepAnAdmin(
  tx: Transaction,
  { row, changed }: { readonly row: UserRow; readonly changed: UserRow },
): Promise<void> {
  if (!isEnabledAdmin(row) || isEnabledAdmin(changed)) return;
  if (await countAdmins(tx, row.id) > 0) return;
  const message = `Cannot change user "${row.name}": no enabled Admin would be left`;
  throw new AppError("conflict", "last_admin", message);
}

function isEnabledAdmin(row: UserRow): boolean {
  return row.role === "Admin" && row.disabled_at === null;
}

/** So that enabling the user later does not bring old sessions back. */
async function endSessions(tx: Transaction, userId: string): Promise<void> {
  await tx.run(sql`DELETE FROM tickets WHERE principal_id = ${userId}`);
  await tx.run(sql`DELETE FROM sessions WHERE principal_id = ${userId}`);
}
