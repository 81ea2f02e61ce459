/** Tokens of a query's text, as far as drls looks at it: names, literals, symbols. */

/** One token. */
export interface SqlToken {
  readonly kind: "name" | "symbol" | "string" | "other";
  /** As written; a quoted name with its quotes. */
  readonly text: string;
  /** Offsets in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const SKIPPED = /(?:\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/y;
const STRING = /[eE]?'(?:[^']|'')*(?:'|$)/y;
const DOLLAR_STRING = /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/y;
const QUOTED = /"(?:[^"]|"")*"/y;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /\d[\w.]*/y;

/** Splits a query; comments and white space are left out. */
export function tokenizeSql(sql: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    at += matchAt(SKIPPED, sql, at)?.length ?? 0;
    if (at >= sql.length) break;
    const token = readToken(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/** Whether a token is this word, unquoted, in any case. */
export function isSqlWord(token: SqlToken | undefined, word: string): boolean {
  return token?.kind === "name" && token.text.toUpperCase() === word;
}

/** Whether a token is this symbol. */
export function isSqlSymbol(token: SqlToken | undefined, symbol: string): boolean {
  return token?.kind === "symbol" && token.text === symbol;
}

/** A name as it counts, without its quotes. */
export function sqlName(token: SqlToken): string {
  return token.text.startsWith('"') ? token.text.slice(1, -1).replaceAll('""', '"') : token.text;
}

function readToken(sql: string, start: number): SqlToken {
  const token = (kind: SqlToken["kind"], text: string | null) =>
    text === null ? null : { kind, text, start, end: start + text.length };
  return token("string", matchAt(STRING, sql, start) ?? matchAt(DOLLAR_STRING, sql, start)) ??
    token("name", matchAt(QUOTED, sql, start) ?? matchAt(WORD, sql, start)) ??
    token("other", matchAt(NUMBER, sql, start)) ??
    { kind: "symbol", text: sql[start] ?? "", start, end: start + 1 };
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
