/** Users inside transactions. */
import { z } from "zod";
import { AppError } from "../errors.ts";
import { sql, type SqlReader, type Transaction } from "../state/mod.ts";
import { USER_COLUMNS, UserRow } from "./_rows.ts";
import { newId } from "./_secrets.ts";
import type { Role } from "./principal.ts";

const Count = z.object({ count: z.int() });

/** A user by name, whatever its case; null where there is none. */
export async function findUser(reader: SqlReader, name: string): Promise<UserRow | null> {
  const [row] = await reader.read(
    UserRow,
    sql`SELECT ${USER_COLUMNS} FROM users WHERE name = ${name}`,
  );
  return row ?? null;
}

/** A user by name; `not_found` where there is none. */
export async function loadUser(reader: SqlReader, name: string): Promise<UserRow> {
  const row = await findUser(reader, name);
  if (row !== null) return row;
  throw new AppError("not_found", "user_not_found", `Cannot find user "${name}"`);
}

/** Adds a user; the caller has checked that the name is free. */
export async function insertUser(
  tx: Transaction,
  user: { readonly name: string; readonly role: Role; readonly atMs: number },
): Promise<UserRow> {
  const { name, role, atMs } = user;
  const id = newId("usr");
  await tx.run(sql`INSERT INTO users (id, name, role, created_at)
    VALUES (${id}, ${name}, ${role}, ${atMs})`);
  return { id, name, role, created_at: atMs, disabled_at: null };
}

/** How many Admins may sign in, besides one user. */
export async function countAdmins(reader: SqlReader, exceptUserId: string): Promise<number> {
  const [row] = await reader.read(
    Count,
    sql`SELECT count(*) AS count FROM users
      WHERE role = 'Admin' AND disabled_at IS NULL AND id <> ${exceptUserId}`,
  );
  return row?.count ?? 0;
}
