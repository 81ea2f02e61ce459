/** Walks the tokens of a piece of DDL, and reads what more than one rule of the grammar wants. */
import type { AppError } from "../../errors.ts";
import { type DdlText, describeToken, syntaxError, type Token, tokenizeDdl } from "./_tokens.ts";

/** Largest parameter of a transform or a type: a positive Java int. */
export const MAX_INT = 2 ** 31 - 1;

/** A token that is a word. */
export type Word = Token & { readonly kind: "word" };

/** Tokens with a position. What is not there is an error with the code of its {@linkcode DdlText}. */
export class DdlCursor {
  readonly #source: DdlText;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: DdlText) {
    this.#source = source;
    this.#tokens = tokenizeDdl(source);
  }

  peek(ahead = 0): Token {
    // The last token is "end", and it is never taken past.
    return this.#tokens[this.#next + ahead] ?? { kind: "end", at: this.#source.text.length };
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#next++;
    return token;
  }

  fail(at: number, problem: string): AppError {
    return syntaxError(this.#source, { at, problem });
  }

  /** Takes an unquoted word, in any case, if it is next. */
  takeWord(word: string): boolean {
    const found = isWord(this.peek(), word);
    if (found) this.#next++;
    return found;
  }

  expectWord(word: string): void {
    const token = this.peek();
    if (!this.takeWord(word)) {
      throw this.fail(token.at, `${word} is wanted, not ${describeToken(token)}`);
    }
  }

  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    const found = token.kind === "symbol" && token.text === symbol;
    if (found) this.#next++;
    return found;
  }

  expectSymbol(symbol: string): void {
    const token = this.peek();
    if (!this.takeSymbol(symbol)) {
      throw this.fail(token.at, `"${symbol}" is wanted, not ${describeToken(token)}`);
    }
  }

  /** A plain or quoted name; `what` says of what. */
  name(what: string): Word {
    const token = this.take();
    if (token.kind === "word") return token;
    throw this.fail(token.at, `${what} is wanted, not ${describeToken(token)}`);
  }

  /** Levels of a dotted name. */
  path(what: string): readonly string[] {
    const parts = [this.name(what).text];
    while (this.takeSymbol(".")) parts.push(this.name(what).text);
    return parts;
  }

  /** A whole number in digits; `what` says of what, `min` and `max` bound it. */
  integer(what: string, bounds: { readonly min: number; readonly max: number }): number {
    const token = this.take();
    if (token.kind !== "word" || token.quoted || !isInteger(token.text)) {
      throw this.fail(token.at, `${what} is a whole number, not ${describeToken(token)}`);
    }
    const value = Number(token.text);
    if (value >= bounds.min && value <= bounds.max) return value;
    throw this.fail(token.at, `${what} is ${bounds.min} to ${bounds.max}, not ${token.text}`);
  }

  /** Nothing may follow. */
  expectEnd(): void {
    const token = this.peek();
    if (token.kind === "end") return;
    throw this.fail(token.at, `${describeToken(token)} follows what is complete without it`);
  }

  /** The text between here and the next of `stops`, which stays; tokens in it are skipped. */
  rawUntil(stops: readonly string[]): string {
    const from = this.peek().at;
    while (true) {
      const token = this.peek();
      const stop = token.kind === "symbol" && stops.includes(token.text);
      if (stop || token.kind === "end") return this.#source.text.slice(from, token.at).trim();
      this.#next++;
    }
  }
}

/** Whether a token is this word, unquoted, in any case. */
export function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && !token.quoted && token.text.toUpperCase() === word;
}

/** Whether a word is digits only, short enough to be a number. */
export function isInteger(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}
