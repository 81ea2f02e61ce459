/**
 * Which tables a query reads, seen from its text. The engine has the last word on the grammar; this
 * finds the names that stand where SQL expects a table: after FROM and JOIN, after the commas of a
 * FROM list, after an opening parenthesis there, after DESCRIBE, SUMMARIZE, TABLE, PIVOT and UNPIVOT.
 */
import { isSqlSymbol, sqlName, type SqlToken, tokenizeSql } from "./sql_tokens.ts";

/** A dotted name in the text of a query. */
export interface TableMention {
  /** Parts as they count, without quotes. */
  readonly parts: readonly string[];
  /** Where the name stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** After these a table is expected. */
const OPENERS = new Set(["FROM", "JOIN", "DESCRIBE", "SUMMARIZE", "TABLE", "PIVOT", "UNPIVOT"]);
/** These end a FROM list, so that a comma no longer means another table. */
const CLOSERS = new Set(
  ("SELECT WHERE GROUP HAVING WINDOW QUALIFY ORDER LIMIT OFFSET UNION INTERSECT EXCEPT SET " +
    "WITH SAMPLE VALUES").split(" "),
);
/** What follows is no table, but the list goes on with the next comma. */
const JOIN_CONDITIONS = new Set(["ON", "USING"]);
/** Words that may stand between FROM or JOIN and the name. */
const FILLERS = new Set(["LATERAL", "ONLY"]);

/** The dotted names of tables in `sql`, in order; a name of one part belongs to the query itself. */
export function tablesOf(sql: string): readonly TableMention[] {
  return tableNames(sql).filter(({ parts }) => parts.length > 1);
}

/** All names where a table may stand, in order, those of one part too. */
export function tableNames(sql: string): readonly TableMention[] {
  const tokens = tokenizeSql(sql);
  const found: TableMention[] = [];
  /** Per open parenthesis, whether a FROM list is open there. */
  const lists = [false];
  let expecting = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    const word = token.kind === "name" ? token.text.toUpperCase() : "";
    if (OPENERS.has(word)) lists[lists.length - 1] = expecting = true;
    else if (CLOSERS.has(word)) lists[lists.length - 1] = expecting = false;
    else if (JOIN_CONDITIONS.has(word)) expecting = false;
    else if (isSqlSymbol(token, "(")) lists.push(expecting);
    else if (isSqlSymbol(token, ")")) {
      if (lists.length > 1) lists.pop();
      expecting = false;
    } else if (isSqlSymbol(token, ",")) expecting = lists.at(-1) ?? false;
    else if (expecting && !FILLERS.has(word)) {
      const chain = chainAt(tokens, i);
      if (chain !== null) found.push(chain.mention);
      i = chain?.last ?? i;
      expecting = false;
    }
  }
  return found;
}

/** The names joined by dots from `first` on; null where a function call or no name stands there. */
function chainAt(
  tokens: readonly SqlToken[],
  first: number,
): { readonly mention: TableMention; readonly last: number } | null {
  const start = tokens[first]?.start ?? 0;
  const parts: string[] = [];
  for (let i = first;; i += 2) {
    const token = tokens[i];
    if (token?.kind !== "name") return null;
    parts.push(sqlName(token));
    if (isSqlSymbol(tokens[i + 1], ".")) continue;
    const isCall = isSqlSymbol(tokens[i + 1], "(");
    return isCall ? null : { mention: { parts, start, end: token.end }, last: i };
  }
}
