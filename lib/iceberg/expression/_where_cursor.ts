/** Walks the tokens of a `where` string, and reads what more than one rule of the grammar wants. */
import { AppError } from "../../errors.ts";
import { parseIsoDate, parseIsoTimestamp } from "./_iso_time.ts";
import { syntaxError, type Token } from "./_where_tokens.ts";
import type { ComparisonOp } from "./expression.ts";
import type { Literal } from "./literal.ts";

/** A token that is a word. */
type Word = Token & { readonly kind: "word" };

/** Words that name no column unless quoted. */
const RESERVED = new Set(
  ["AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "BETWEEN", "TRUE", "FALSE", "NAN", "ESCAPE"],
);

const OPERATORS: Readonly<Record<string, ComparisonOp>> = {
  "=": "eq",
  "==": "eq",
  "!=": "not_eq",
  "<>": "not_eq",
  "<": "lt",
  "<=": "lt_eq",
  ">": "gt",
  ">=": "gt_eq",
};

/** A `LIKE` pattern that files can be selected by. */
export interface LikePattern {
  readonly text: string;
  /** Whether anything may follow `text`. */
  readonly open: boolean;
}

/** Tokens with a position. What is not there is an error of code `filter_syntax`. */
export class WhereCursor {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    // The last token is "end", and it is never taken past.
    return this.#tokens[this.#next + ahead] ?? { kind: "end", at: 0 };
  }

  take(): Token {
    const token = this.peek();
    if (token.kind === "end") throw syntaxError(token.at, "the filter ends too early");
    this.#next++;
    return token;
  }

  /** Takes an unquoted word, in any case, if it is next. */
  takeWord(word: string): boolean {
    const found = isWord(this.peek(), word);
    if (found) this.#next++;
    return found;
  }

  takeSymbol(symbol: string): boolean {
    const found = isSymbol(this.peek(), symbol);
    if (found) this.#next++;
    return found;
  }

  expectSymbol(symbol: string): void {
    const token = this.peek();
    if (!this.takeSymbol(symbol)) throw syntaxError(token.at, `"${symbol}" is missing`);
  }

  takeOperator(): ComparisonOp | null {
    const token = this.peek();
    const operator = token.kind === "symbol" ? OPERATORS[token.text] : undefined;
    if (operator === undefined) return null;
    this.#next++;
    return operator;
  }

  /** A dotted column name. */
  column(): string {
    const parts = [this.#name()];
    while (this.takeSymbol(".")) parts.push(this.#name());
    return parts.join(".");
  }

  /** Whether a literal is next. */
  atLiteral(): boolean {
    const token = this.peek();
    if (token.kind === "number" || token.kind === "string" || token.kind === "binary") return true;
    if (isSymbol(token, "-") || isSymbol(token, "+")) return true;
    if (["TRUE", "FALSE", "NULL"].some((word) => isWord(token, word))) return true;
    // DATE and TIMESTAMP name columns too, unless a string follows.
    const isTime = isWord(token, "DATE") || isWord(token, "TIMESTAMP");
    return isTime && this.peek(1).kind === "string";
  }

  literal(): Literal {
    const token = this.take();
    switch (token.kind) {
      case "string":
        return { kind: "string", value: token.text };
      case "binary":
        return { kind: "binary", value: token.bytes };
      case "number":
        return readNumber(token.text, token.at);
      case "symbol":
        if (token.text === "-" || token.text === "+") return this.#signedNumber(token.text);
        break;
      case "word":
        return this.#wordLiteral(token);
    }
    throw syntaxError(token.at, `a value is wanted, not ${describeToken(token)}`);
  }

  /** The pattern of `LIKE`: text, `%` at its end only. */
  likePattern(): LikePattern {
    const token = this.take();
    if (token.kind !== "string") throw syntaxError(token.at, "LIKE wants a string");
    const match = /^((?:[^%_\\]|\\[^])*)(%*)$/.exec(token.text);
    if (match === null) {
      throw new AppError(
        "unsupported",
        "filter_unsupported",
        `Cannot filter by the LIKE pattern at position ${token.at + 1}: only 'prefix%' is ` +
          "supported, with \\% and \\_ for the characters themselves",
      );
    }
    const [, prefix = "", wildcards = ""] = match;
    return { text: prefix.replaceAll(/\\([^])/g, "$1"), open: wildcards !== "" };
  }

  #name(): string {
    const token = this.take();
    if (token.kind !== "word") {
      throw syntaxError(token.at, `a column name is wanted, not ${describeToken(token)}`);
    }
    if (!token.quoted && RESERVED.has(token.text.toUpperCase())) {
      throw syntaxError(token.at, `a column name is wanted, write \`${token.text}\` if it is one`);
    }
    return token.text;
  }

  #signedNumber(sign: string): Literal {
    const token = this.take();
    if (token.kind !== "number") throw syntaxError(token.at, "a number is missing after the sign");
    return readNumber(sign === "-" ? `-${token.text}` : token.text, token.at);
  }

  #wordLiteral(word: Word): Literal {
    const name = word.quoted ? "" : word.text.toUpperCase();
    if (name === "TRUE" || name === "FALSE") return { kind: "boolean", value: name === "TRUE" };
    if (name === "NULL") {
      throw syntaxError(word.at, "nothing equals NULL, write IS NULL or IS NOT NULL");
    }
    const token = this.peek();
    if (token.kind !== "string" || (name !== "DATE" && name !== "TIMESTAMP")) {
      throw syntaxError(word.at, `a value is wanted, not ${describeToken(word)}`);
    }
    this.take();
    if (name === "DATE") {
      const days = parseIsoDate(token.text);
      if (days !== null) return { kind: "date", days };
      throw syntaxError(token.at, "a date is written DATE '2024-01-31'");
    }
    const time = parseIsoTimestamp(token.text);
    if (time !== null) return { kind: "timestamp", ...time };
    throw syntaxError(token.at, "a timestamp is written TIMESTAMP '2024-01-31 23:59:59'");
  }
}

/** Whether a token is this word, unquoted, in any case. */
export function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && !token.quoted && token.text.toUpperCase() === word;
}

/** Whether a token is this symbol. */
export function isSymbol(token: Token, symbol: string): boolean {
  return token.kind === "symbol" && token.text === symbol;
}

/** A token as an error names it. */
export function describeToken(token: Token): string {
  switch (token.kind) {
    case "word":
    case "symbol":
    case "number":
      return `"${token.text}"`;
    case "string":
      return "a string";
    case "binary":
      return "a binary literal";
    case "end":
      return "the end";
  }
}

function readNumber(text: string, at: number): Literal {
  if (/[eE]/.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw syntaxError(at, "the number is too large");
    return { kind: "double", value };
  }
  const [whole = "", fraction = ""] = text.split(".");
  return { kind: "decimal", unscaled: BigInt(`${whole}${fraction}`), scale: fraction.length };
}
