/** The text of a query, made ready for the engine. */
import { AppError } from "../../errors.ts";
import { quoteName } from "./engine_types.ts";
import type { TableMention } from "./sql_tables.ts";
import { isSqlSymbol, isSqlWord, tokenizeSql } from "./sql_tokens.ts";

/** A table where the query's text names it, and its name in the engine. */
export interface NamedMention {
  readonly mention: TableMention;
  /** Namespace levels joined by dots. */
  readonly namespace: string;
  readonly name: string;
}

/** Words that a query which only reads begins with. */
const STARTS = ["SELECT", "WITH", "FROM", "VALUES", "TABLE", "DESCRIBE", "SHOW", "SUMMARIZE"];

/** Refuses a text that does not begin as a query that reads. */
export function requireQuery(sql: string): void {
  const first = tokenizeSql(sql).find((token) => !isSqlSymbol(token, "("));
  if (STARTS.some((word) => isSqlWord(first, word))) return;
  const message =
    `Cannot run the query: it does not begin with ${STARTS.slice(0, 4).join(", ")}; ` +
    "only queries that read are allowed";
  throw new AppError("invalid", "sql_not_a_query", message, {
    issues: [{ path: "sql", message: "must be one query that reads" }],
  });
}

/** The query with every mentioned table under its two-part name in the engine. */
export function rewriteSql(sql: string, tables: readonly NamedMention[]): string {
  let text = sql;
  for (
    const { mention, namespace, name } of tables.toSorted((a, b) =>
      b.mention.start - a.mention.start
    )
  ) {
    const inEngine = `${quoteName(namespace)}.${quoteName(name)}`;
    text = text.slice(0, mention.start) + inEngine + text.slice(mention.end);
  }
  return withJsonArrows(withoutZonedType(text)).replace(/[\s;]+$/, "");
}

/** `TIMESTAMPTZ '…'` and casts to it become plain timestamps: inside, all times are in UTC. */
function withoutZonedType(sql: string): string {
  const tokens = tokenizeSql(sql);
  let text = sql;
  for (let i = tokens.length - 1; i >= 0; i--) {
    const token = tokens[i];
    if (token === undefined || !isSqlWord(token, "TIMESTAMPTZ")) continue;
    const isType = tokens[i + 1]?.kind === "string" || isSqlSymbol(tokens[i - 1], ":") ||
      isSqlWord(tokens[i - 1], "AS");
    if (isType) text = `${text.slice(0, token.start)}TIMESTAMP${text.slice(token.end)}`;
  }
  return text;
}

/**
 * `j -> 'a' ->> 'b'` becomes `j ->> 'a' ->> 'b'`, which is the same: the engine takes a single arrow
 * for a lambda and cannot hand it to a function of ours. One at the end would lose the quotes of a
 * string, so it is refused.
 */
function withJsonArrows(sql: string): string {
  const tokens = tokenizeSql(sql);
  const isArrow = (i: number) =>
    isSqlSymbol(tokens[i], "-") && isSqlSymbol(tokens[i + 1], ">") &&
    tokens[i]?.end === tokens[i + 1]?.start;
  let text = sql;
  for (let i = tokens.length - 1; i >= 0; i--) {
    const [arrow, operand] = [tokens[i + 1], tokens[i + 2]];
    const onJson = isArrow(i) && (operand?.kind === "string" || operand?.kind === "other");
    if (!onJson || arrow === undefined) continue;
    if (!isArrow(i + 3)) {
      const message = "Cannot run the query: the JSON operator -> is not part of this build; use " +
        "json_extract(json, path), or ->> for the value as text";
      throw new AppError("unsupported", "sql_operator_unsupported", message);
    }
    text = `${text.slice(0, arrow.end)}>${text.slice(arrow.end)}`;
  }
  return text;
}
