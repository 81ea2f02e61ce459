/** Lists users by name. */
import { sql } from "../state/mod.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { checkPage } from "./_input.ts";
import { toUser, USER_COLUMNS, UserRow } from "./_rows.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { Page } from "./page.ts";
import type { UserList } from "./schemas.ts";

/** Lists users; see `Access.listUsers`. */
export async function listUsers(
  deps: AccessDeps,
  ctx: CallContext,
  page: Page,
): Promise<UserList> {
  requireRole(ctx, "Admin", "user.list");
  checkPage(page);
  const after = page.cursor === null
    ? ""
    : decodeCursor("users", page.cursor, { parts: 1 })[0] ?? "";
  // One row more than asked for tells whether there is a next page.
  const rows = await deps.state.read(
    UserRow,
    sql`SELECT ${USER_COLUMNS} FROM users WHERE name > ${after} ORDER BY name
      LIMIT ${page.limit + 1}`,
  );
  const users = rows.slice(0, page.limit).map(toUser);
  const last = users.at(-1);
  const more = rows.length > page.limit && last !== undefined;
  return { users, ...(more ? { next_cursor: encodeCursor("users", [last.name]) } : {}) };
}
