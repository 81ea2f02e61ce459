/**
 * Which tables a query reads, seen from its text. The engine has the last word on the grammar; this
 * finds the names that stand where SQL expects a table: after FROM and JOIN, after the commas of a
 * FROM list, after an opening parenthesis there, after DESCRIBE, SUMMARIZE, TABLE, PIVOT and UNPIVOT.
 */

/** A dotted name in the text of a query. */
export interface TableMention {
  /** Parts as they count, without quotes; at least 2. */
  readonly parts: readonly string[];
  /** Where the name stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

interface Token {
  readonly kind: "name" | "keyword" | "symbol" | "other";
  /** Keywords in upper case. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SKIPPED = /(?:\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/y;
const STRING = /[eE]?'(?:[^']|'')*(?:'|$)/y;
const DOLLAR_STRING = /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/y;
const QUOTED = /"((?:[^"]|"")*)"/y;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /\d[\w.]*/y;

/** After these a table is expected. */
const OPENERS = new Set(["FROM", "JOIN", "DESCRIBE", "SUMMARIZE", "TABLE", "PIVOT", "UNPIVOT"]);
/** These end a FROM list, so that a comma no longer means another table. */
const CLOSERS = new Set(
  ("SELECT WHERE GROUP HAVING WINDOW QUALIFY ORDER LIMIT OFFSET UNION INTERSECT EXCEPT ON USING SET " +
    "WITH SAMPLE USING VALUES").split(" "),
);
/** Words that may stand between JOIN or FROM and the name. */
const FILLERS = new Set(["LATERAL", "ONLY"]);

/** The dotted names of tables in `sql`, in order; a name of one part belongs to the query itself. */
export function tablesOf(sql: string): readonly TableMention[] {
  const tokens = tokenize(sql);
  const found: TableMention[] = [];
  /** Per open parenthesis, whether a FROM list is open there. */
  const inList: boolean[] = [false];
  let expecting = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const depth = inList.length - 1;
    if (token.kind === "keyword" && OPENERS.has(token.text)) {
      inList[depth] = true;
      expecting = true;
    } else if (token.kind === "keyword" && CLOSERS.has(token.text)) {
      inList[depth] = false;
      expecting = false;
    } else if (token.kind === "keyword" && FILLERS.has(token.text) && expecting) {
      continue;
    } else if (token.text === "(" && token.kind === "symbol") {
      inList.push(expecting);
    } else if (token.text === ")" && token.kind === "symbol") {
      if (inList.length > 1) inList.pop();
      expecting = false;
    } else if (token.text === "," && token.kind === "symbol") {
      expecting = inList[depth] ?? false;
    } else if (expecting) {
      const chain = chainAt(tokens, i);
      if (chain !== null) {
        if (chain.parts.length > 1) found.push(chain);
        i = chain.last;
      }
      expecting = false;
    }
  }
  return found;
}

/** The names joined by dots from `first` on; null where a function call or no name stands there. */
function chainAt(
  tokens: readonly Token[],
  first: number,
): (TableMention & { readonly last: number }) | null {
  const parts: string[] = [];
  let last = first;
  for (let i = first;; i += 2) {
    const token = tokens[i];
    if (token?.kind !== "name" && token?.kind !== "keyword") return null;
    parts.push(nameOf(token));
    last = i;
    if (tokens[i + 1]?.text !== "." || tokens[i + 1]?.kind !== "symbol") break;
  }
  const next = tokens[last + 1];
  if (next?.kind === "symbol" && next.text === "(") return null;
  return { parts, start: tokens[first]!.start, end: tokens[last]!.end, last };
}

function nameOf(token: Token): string {
  return token.text.startsWith('"') ? token.text.slice(1, -1).replaceAll('""', '"') : token.text;
}

function tokenize(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const skipped = matchAt(SKIPPED, sql, at);
    if (skipped !== null) {
      at += skipped.length;
      continue;
    }
    const token = readToken(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function readToken(sql: string, start: number): Token {
  const literal = matchAt(STRING, sql, start) ?? matchAt(DOLLAR_STRING, sql, start) ??
    matchAt(NUMBER, sql, start);
  if (literal !== null) return { kind: "other", text: "", start, end: start + literal.length };
  const quoted = matchAt(QUOTED, sql, start);
  if (quoted !== null) return { kind: "name", text: quoted, start, end: start + quoted.length };
  const word = matchAt(WORD, sql, start);
  if (word !== null) {
    const upper = word.toUpperCase();
    const known = OPENERS.has(upper) || CLOSERS.has(upper) || FILLERS.has(upper);
    const end = start + word.length;
    return { kind: known ? "keyword" : "name", text: known ? upper : word, start, end };
  }
  return { kind: "symbol", text: sql[start] ?? "", start, end: start + 1 };
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
