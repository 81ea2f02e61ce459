/** The very first start: an Admin with a token, so that somebody can create everybody else. */
import { z } from "zod";
import { randomBytes } from "node:crypto";
import type { Secret } from "../secret.ts";
import { readStoredValue, type Transaction, writeStoredValue } from "../state/mod.ts";
import { toTokenInfo, toUser } from "./_rows.ts";
import { newSecret } from "./_secrets.ts";
import { insertToken } from "./_tokens.ts";
import { findUser, insertUser } from "./_users.ts";
import type { Bootstrapped } from "./grants.ts";
import { recordAudit } from "./audit.ts";
import type { AccessDeps } from "./deps.ts";
import { LOCAL_PRINCIPAL } from "./principal.ts";

/** Name of the first Admin. */
export const FIRST_ADMIN = "admin";

/** Key of the mark that the first start has happened. */
const MARK = "bootstrap";

const Mark = z.object({ user: z.string() });

/** Bootstraps; see `Access.bootstrap`. */
export async function bootstrap(
  deps: AccessDeps,
  input: { readonly token: Secret | null },
): Promise<Bootstrapped | null> {
  const secret = input.token ?? newSecret("token");
  // Under the write lock from the first read: of instances that start together one finds no mark.
  return await deps.state.transaction(async (tx) => {
    const done = await readStoredValue(tx, MARK, { schema: Mark });
    if (done !== null) return null;
    const atMs = deps.clock.now();
    const user = await createAdmin(tx, { secret, atMs });
    await writeStoredValue(tx, {
      key: MARK,
      value: { user },
      expectedEpoch: 0,
      owner: deps.instance,
      atMs,
    });
    return { user, secret, generated: input.token === null };
  });
}

async function createAdmin(
  tx: Transaction,
  options: { readonly secret: Secret; readonly atMs: number },
): Promise<string> {
  const { secret, atMs } = options;
  const ctx = { principal: LOCAL_PRINCIPAL, agent: null, requestId: "bootstrap" };
  const taken = await findUser(tx, FIRST_ADMIN) !== null;
  const name = taken ? `${FIRST_ADMIN}-${randomBytes(4).toString("hex")}` : FIRST_ADMIN;
  const user = await insertUser(tx, { name, role: "Admin", atMs });
  const created = { ctx, before: null, atMs };
  const userTarget = `user:${user.id}`;
  await recordAudit(tx, {
    ...created,
    action: "user.create",
    target: userTarget,
    after: toUser(user),
  });
  const token = await insertToken(tx, {
    userId: user.id,
    name: "first start",
    secret,
    createdBy: LOCAL_PRINCIPAL.name,
    atMs,
    expiresAtMs: null,
  });
  const after = toTokenInfo(token);
  await recordAudit(tx, { ...created, action: "token.create", target: `token:${token.id}`, after });
  return user.name;
}
