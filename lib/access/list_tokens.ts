/** Lists API tokens, newest first; never their secrets. */
import { allOf, type Sql, sql } from "../state/mod.ts";
import { encodeCursor } from "../cursor.ts";
import { decodeSequence } from "./_cursor.ts";
import { checkPage } from "./_input.ts";
import { TOKEN_ROWS, TokenRow, toTokenInfo } from "./_rows.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { Page } from "./page.ts";
import type { TokenList } from "./schemas.ts";

/** A page of tokens, of one user where it is named. */
export interface ListTokensInput extends Page {
  readonly user?: string | undefined;
}

/** Lists tokens; see `Access.listTokens`. */
export async function listTokens(
  deps: AccessDeps,
  ctx: CallContext,
  input: ListTokensInput,
): Promise<TokenList> {
  requireRole(ctx, "Admin", "token.list");
  checkPage(input);
  const before = decodeSequence("tokens", input.cursor);
  const conditions: Sql[] = [];
  if (before !== null) conditions.push(sql`t.seq < ${before}`);
  if (input.user !== undefined) conditions.push(sql`u.name = ${input.user}`);
  const rows = await deps.state.read(
    TokenRow,
    sql`${TOKEN_ROWS} WHERE ${allOf(conditions)} ORDER BY t.seq DESC LIMIT ${input.limit + 1}`,
  );
  const page = rows.slice(0, input.limit);
  const last = page.at(-1);
  const more = rows.length > input.limit && last !== undefined;
  return {
    tokens: page.map(toTokenInfo),
    ...(more ? { next_cursor: encodeCursor("tokens", [String(last.seq)]) } : {}),
  };
}
