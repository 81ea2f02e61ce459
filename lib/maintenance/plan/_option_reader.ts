/** Reads options that come as texts, and gathers everything that is wrong with them. */
import type { FieldIssue } from "../../errors.ts";

/** Bounds of a whole number, both included. */
interface IntegerBounds {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** Bounds of a fraction: more than 0, at most `max`. */
interface DecimalBounds {
  readonly fallback: number;
  readonly max: number;
}

/** Options by name. What cannot be read becomes an issue and counts as its default meanwhile. */
export class OptionReader {
  readonly #raw: Readonly<Record<string, string | number | boolean>>;
  readonly #issues: FieldIssue[] = [];

  constructor(raw: Readonly<Record<string, string | number | boolean>>) {
    this.#raw = raw;
  }

  /** What was refused so far. */
  get issues(): readonly FieldIssue[] {
    return this.#issues;
  }

  /** Adds an issue for one option. */
  refuse(name: string, message: string): void {
    this.#issues.push({ path: `options.${name}`, message });
  }

  /** Whether the caller gave it. */
  has(name: string): boolean {
    return Object.hasOwn(this.#raw, name);
  }

  /** A whole number. */
  integer(name: string, { fallback, min, max }: IntegerBounds): number {
    const text = this.#text(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= min && value <= max) return value;
    this.#wants(name, `a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** A fraction. */
  decimal(name: string, { fallback, max }: DecimalBounds): number {
    const text = this.#text(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (text !== "" && value > 0 && value <= max) return value;
    this.#wants(name, `a number greater than 0 and at most ${max}`);
    return fallback;
  }

  /** `true` or `false`, in any case. */
  boolean(name: string, fallback: boolean): boolean {
    const text = this.#text(name)?.toLowerCase() ?? null;
    if (text === null) return fallback;
    if (text === "true" || text === "false") return text === "true";
    this.#wants(name, "true or false");
    return fallback;
  }

  /** One of a few words, in any case. */
  oneOf<T extends string>(name: string, words: readonly T[], fallback: T): T {
    const text = this.#text(name)?.toLowerCase() ?? null;
    if (text === null) return fallback;
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    this.#wants(name, `one of ${words.join(", ")}`);
    return fallback;
  }

  #text(name: string): string | null {
    const value = this.has(name) ? this.#raw[name] : undefined;
    return value === undefined ? null : String(value).trim();
  }

  #wants(name: string, wanted: string): void {
    this.refuse(name, `Cannot use ${JSON.stringify(this.#raw[name])} here: it wants ${wanted}`);
  }
}
