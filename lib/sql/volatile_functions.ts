/** Functions that give another value with each row or each call. */
import { isSqlSymbol, sqlName, tokenizeSql } from "./text/sql_tokens.ts";

/** As the engine lists them; a test holds them against it. */
export const VOLATILE_FUNCTIONS: ReadonlySet<string> = new Set([
  "current_connection_id",
  "current_query",
  "current_query_id",
  "current_transaction_id",
  "currval",
  "error",
  "gen_random_uuid",
  "nextval",
  "random",
  "setseed",
  "stats",
  "uuid",
  "uuidv4",
  "uuidv7",
  "write_log",
]);

/** Whether a text calls one; a column of such a name is no call. */
export function isVolatile(sql: string): boolean {
  const tokens = tokenizeSql(sql);
  return tokens.some((token, i) =>
    token.kind === "name" && isSqlSymbol(tokens[i + 1], "(") &&
    VOLATILE_FUNCTIONS.has(sqlName(token).toLowerCase())
  );
}
