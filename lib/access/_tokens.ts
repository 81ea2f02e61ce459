/** Tokens inside transactions. */
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { sql, type SqlReader, type Transaction } from "../state/mod.ts";
import { TOKEN_ROWS, TokenRow } from "./_rows.ts";
import { hashSecret, newId, shownPrefix } from "./_secrets.ts";

/** A token to be stored. */
export interface NewToken {
  readonly userId: string;
  readonly name: string | null;
  readonly secret: Secret;
  readonly createdBy: string;
  readonly atMs: number;
  readonly expiresAtMs: number | null;
}

/** Stores a token by the hash of its secret. */
export async function insertToken(tx: Transaction, token: NewToken): Promise<TokenRow> {
  const id = newId("tok");
  const secret = token.secret.reveal();
  await tx.run(sql`INSERT INTO tokens
    (id, user_id, name, prefix, secret_hash, created_at, created_by, expires_at)
    VALUES (${id}, ${token.userId}, ${token.name}, ${shownPrefix(secret)}, ${hashSecret(secret)},
      ${token.atMs}, ${token.createdBy}, ${token.expiresAtMs})`);
  return await loadToken(tx, id);
}

/** A token by id; `not_found` where there is none. */
export async function loadToken(reader: SqlReader, id: string): Promise<TokenRow> {
  const [row] = await reader.read(TokenRow, sql`${TOKEN_ROWS} WHERE t.id = ${id}`);
  if (row !== undefined) return row;
  throw new AppError("not_found", "token_not_found", `Cannot find token "${id}"`);
}
