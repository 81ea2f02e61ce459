/** Tokens of the pieces of Spark SQL that clients write: types, transforms, sort orders. */
import { AppError } from "../../errors.ts";

/** One token; `at` is its offset in the text, in UTF-16 units. */
export type Token =
  /** Letters, digits and underscores in any order, as Spark's identifiers are; a number is one too. */
  | { readonly kind: "word"; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly at: number };

/** What is being parsed, for errors. */
export interface DdlText {
  /** `type`, `partition field`, `sort order`. */
  readonly what: string;
  /** Stable code of syntax errors: `type_syntax`. */
  readonly code: string;
  readonly text: string;
}

/** Longest text that is looked at, in characters. */
export const MAX_DDL_CHARS = 1_000_000;
/** Longest piece of a text that an error repeats. */
const MAX_QUOTED = 64;

const SPACE = /\s+/y;
const WORD = /[\p{L}\p{N}_]+/uy;
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  b: "\b",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Splits a text into tokens, ending with one of kind `end`. */
export function tokenizeDdl(source: DdlText): readonly Token[] {
  const { text } = source;
  if (text.length > MAX_DDL_CHARS) {
    const problem = `it is longer than ${MAX_DDL_CHARS} characters`;
    throw syntaxError(source, { at: MAX_DDL_CHARS, problem });
  }
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    at += matchAt(SPACE, text, at)?.length ?? 0;
    if (at >= text.length) {
      tokens.push({ kind: "end", at });
      return tokens;
    }
    const { token, end } = readToken(source, at);
    tokens.push(token);
    at = end;
  }
}

/** What is wrong, and the offset where. */
export interface SyntaxProblem {
  readonly at: number;
  readonly problem: string;
}

/** Kind `invalid`; the message repeats the text and gives the 1-based position. */
export function syntaxError(source: DdlText, place: SyntaxProblem): AppError {
  const { what, code, text } = source;
  const { at, problem } = place;
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  const message = `Cannot parse the ${what} "${shown}" at position ${at + 1}: ${problem}`;
  return new AppError("invalid", code, message, { context: { position: at + 1 } });
}

/** A token as an error names it. */
export function describeToken(token: Token): string {
  if (token.kind === "end") return "the end";
  return token.kind === "string" ? "a string" : `"${token.text.slice(0, MAX_QUOTED)}"`;
}

function readToken(
  source: DdlText,
  at: number,
): { readonly token: Token; readonly end: number } {
  const { text } = source;
  const start = text[at] ?? "";
  if (start === "'" || start === '"') return readString(source, at);
  if (start === "`") return readQuotedName(source, at);
  const word = matchAt(WORD, text, at);
  if (word !== null) {
    return { token: { kind: "word", text: word, quoted: false, at }, end: at + word.length };
  }
  const symbol = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return { token: { kind: "symbol", text: symbol, at }, end: at + symbol.length };
}

function readString(
  source: DdlText,
  at: number,
): { readonly token: Token; readonly end: number } {
  const { text } = source;
  const quote = text[at];
  const parts: string[] = [];
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\" && i + 1 < text.length) {
      const next = text[++i] ?? "";
      // Spark keeps the backslash of these two for LIKE.
      parts.push(next === "%" || next === "_" ? `\\${next}` : ESCAPES[next] ?? next);
    } else if (char !== quote) {
      parts.push(char);
    } else if (text[i + 1] === quote) {
      parts.push(char);
      i++;
    } else {
      return { token: { kind: "string", text: parts.join(""), at }, end: i + 1 };
    }
  }
  throw syntaxError(source, { at, problem: "the string that begins here has no closing quote" });
}

function readQuotedName(
  source: DdlText,
  at: number,
): { readonly token: Token; readonly end: number } {
  const quoted = readBackticks(source.text, at);
  if (quoted === null) {
    throw syntaxError(source, { at, problem: "the name that begins here has no closing backtick" });
  }
  if (quoted.name === "") throw syntaxError(source, { at, problem: "a name is empty" });
  return { token: { kind: "word", text: quoted.name, quoted: true, at }, end: quoted.end };
}

/** Reads a name in backticks, doubled inside, that begins at `at`; null where it never ends. */
export function readBackticks(
  text: string,
  at: number,
): { readonly name: string; readonly end: number } | null {
  const parts: string[] = [];
  let from = at + 1;
  while (true) {
    const close = text.indexOf("`", from);
    if (close === -1) return null;
    parts.push(text.slice(from, close));
    if (text[close + 1] !== "`") return { name: parts.join("`"), end: close + 1 };
    from = close + 2;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
