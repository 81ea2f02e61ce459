/** Tokens of `where` strings. */
import { AppError } from "../../errors.ts";

/** One token; `at` is its offset in the text, in UTF-16 units. */
export type Token =
  /** Upper-cased unless quoted; `text` is as written. */
  | { readonly kind: "word"; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  /** `text` with escapes resolved, except those that only LIKE reads: `\%` and `\_`. */
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "binary"; readonly bytes: Uint8Array; readonly at: number }
  | { readonly kind: "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly at: number };

const SPACE = /\s+/y;
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /<=|>=|<>|!=|==|[=<>(),.+-]/y;
const BINARY = /[xX]'([0-9a-fA-F]*)'/y;

const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  b: "\b",
  n: "\n",
  r: "\r",
  t: "\t",
  // LIKE sees these as its own escapes.
  "%": "\\%",
  _: "\\_",
};

/** Splits a `where` string into tokens, ending with one of kind `end`. */
export function tokenizeWhere(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    at += matchAt(SPACE, text, at)?.[0].length ?? 0;
    if (at >= text.length) return [...tokens, { kind: "end", at }];
    const { token, length } = readToken(text, at);
    tokens.push(token);
    at += length;
  }
}

/** Kind `invalid`, code `filter_syntax`; the message gives the 1-based position. */
export function syntaxError(at: number, problem: string): AppError {
  const message = `Cannot parse the filter at position ${at + 1}: ${problem}`;
  return new AppError("invalid", "filter_syntax", message, { context: { position: at + 1 } });
}

function readToken(text: string, at: number): { readonly token: Token; readonly length: number } {
  const start = text[at];
  if (start === "'") return readString(text, at);
  if (start === "`") return readQuotedName(text, at);
  if (start === '"') {
    throw syntaxError(
      at,
      "double quotes are ambiguous, write 'text' for strings, `name` for columns",
    );
  }
  const binary = matchAt(BINARY, text, at);
  if (binary !== null) return { token: readBinary(binary, at), length: binary[0].length };
  const word = matchAt(WORD, text, at);
  if (word !== null) {
    return { token: { kind: "word", text: word[0], quoted: false, at }, length: word[0].length };
  }
  const number = matchAt(NUMBER, text, at);
  if (number !== null) {
    const end = at + number[0].length;
    if (matchAt(WORD, text, end) !== null) {
      throw syntaxError(end, "a number is followed by letters");
    }
    return { token: { kind: "number", text: number[0], at }, length: number[0].length };
  }
  const symbol = matchAt(SYMBOL, text, at);
  if (symbol !== null) {
    return { token: { kind: "symbol", text: symbol[0], at }, length: symbol[0].length };
  }
  throw syntaxError(at, `"${String.fromCodePoint(text.codePointAt(at) ?? 0)}" is not understood`);
}

function readString(text: string, at: number): { readonly token: Token; readonly length: number } {
  let value = "";
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\") {
      const next = text[++i];
      if (next === undefined) break;
      value += ESCAPES[next] ?? next;
    } else if (char !== "'") value += char;
    else if (text[i + 1] === "'") {
      value += "'";
      i++;
    } else return { token: { kind: "string", text: value, at }, length: i + 1 - at };
  }
  throw syntaxError(at, "the string that begins here has no closing quote");
}

function readQuotedName(
  text: string,
  at: number,
): { readonly token: Token; readonly length: number } {
  let name = "";
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] !== "`") name += text[i];
    else if (text[i + 1] === "`") {
      name += "`";
      i++;
    } else if (name === "") throw syntaxError(at, "a column name is empty");
    else return { token: { kind: "word", text: name, quoted: true, at }, length: i + 1 - at };
  }
  throw syntaxError(at, "the name that begins here has no closing backtick");
}

function readBinary(match: RegExpExecArray, at: number): Token {
  const hex = match[1] ?? "";
  if (hex.length % 2 !== 0) throw syntaxError(at, "a binary literal wants two hex digits a byte");
  return { kind: "binary", bytes: Uint8Array.fromHex(hex), at };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
