/**
 * Typed access to parsed JSON. Every wrong value ends in a {@linkcode WireProblem} that names its
 * path; the doors of the codecs turn it into an `AppError`. Null counts as absent, as Java has it.
 */
import { AppError, corruptData } from "../../../errors.ts";
import type { JsonObject, JsonValue } from "../../../json.ts";
import { MAX_LIST_LENGTH, MAX_MAP_KEYS } from "./limits.ts";

const LONG_BITS = 64;
/** Longest piece of a wrong value that an error repeats. */
const MAX_QUOTED = 64;

/** A place in the document, linked to its parent so that paths cost nothing until one is printed. */
export interface WirePath {
  readonly parent: WirePath | null;
  readonly step: string | number;
}

/** A value that is not what the format wants, and where it is. Never leaves this folder. */
export class WireProblem extends Error {
  override readonly name = "WireProblem";
  readonly path: string;

  constructor(path: WirePath | null, problem: string) {
    const text = formatPath(path);
    super(text === "" ? `The document ${problem}` : `"${text}" ${problem}`);
    this.path = text;
  }
}

/** Options of {@linkcode readWire}. */
export interface ReadWireOptions {
  /** The stable code of the error. */
  readonly code: string;
  /** What is read, as in "Cannot read table metadata". */
  readonly what: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Runs a codec; its problems become `corrupt_data`, and so do those of the JSON parser. */
export function readWire<T>(read: () => T, options: ReadWireOptions): T {
  const { code, what, context } = options;
  try {
    return read();
  } catch (cause) {
    if (cause instanceof WireProblem) {
      throw corruptData(code, `Cannot read ${what}: ${cause.message}`, {
        context: { ...context, path: cause.path },
      });
    }
    if (cause instanceof AppError && (cause.kind === "malformed" || cause.kind === "too_large")) {
      const detail = cause.message.replace(/^Cannot parse JSON: /, "");
      throw corruptData(code, `Cannot read ${what}: ${detail}`, { context: { ...context }, cause });
    }
    throw cause;
  }
}

/** A JSON object and where it lies. */
export class WireObject {
  readonly path: WirePath | null;
  readonly #json: JsonObject;

  constructor(json: JsonValue | undefined, path: WirePath | null = null) {
    if (!isObject(json)) throw new WireProblem(path, `is ${describe(json)}, not an object`);
    this.#json = json;
    this.path = path;
  }

  /** Whether the key has a value other than null. */
  has(key: string): boolean {
    const value = this.#json[key];
    return value !== undefined && value !== null;
  }

  /** The raw value, undefined where there is none. */
  get(key: string): JsonValue | undefined {
    return this.#json[key];
  }

  /** The path of a member. */
  at(key: string): WirePath {
    return { parent: this.path, step: key };
  }

  /** What `read` gives for the key, null where the key is absent or null. */
  optional<T>(key: string, read: (key: string) => T): T | null {
    return this.has(key) ? read(key) : null;
  }

  int(key: string): number {
    const value = this.#json[key];
    // "| 0" makes a plain zero of -0.
    return isInt(value) ? value | 0 : this.#wrong(key, "a 32-bit integer");
  }

  long(key: string): bigint {
    const value = this.#json[key];
    if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === "bigint" && BigInt.asIntN(LONG_BITS, value) === value) return value;
    return this.#wrong(key, "a 64-bit integer");
  }

  /** A whole number that is safe as a `number`: sizes and milliseconds. */
  safeInteger(key: string): number {
    const value = this.#json[key];
    return typeof value === "number" && Number.isSafeInteger(value)
      ? value
      : this.#wrong(key, "an integer of at most 2^53 - 1");
  }

  /** A {@linkcode safeInteger} of `minimum` or more. */
  atLeast(key: string, minimum: number): number {
    const value = this.safeInteger(key);
    return value >= minimum ? value : this.#wrong(key, `at least ${minimum}`);
  }

  text(key: string): string {
    const value = this.#json[key];
    return typeof value === "string" ? value : this.#wrong(key, "a string");
  }

  /** A string of at most `maxLength` characters. */
  shortText(key: string, maxLength: number): string {
    const value = this.text(key);
    if (value.length <= maxLength) return value;
    throw this.problem(key, `has ${value.length} characters, at most ${maxLength} are allowed`);
  }

  /** One of a few lower-case words, in any case as Java takes them. */
  word<T extends string>(key: string, words: readonly T[]): T {
    const lower = this.text(key).toLowerCase();
    return words.find((word) => word === lower) ??
      this.#wrong(key, words.map((word) => `"${word}"`).join(" or "));
  }

  boolean(key: string): boolean {
    const value = this.#json[key];
    return typeof value === "boolean" ? value : this.#wrong(key, "true or false");
  }

  object(key: string): WireObject {
    return new WireObject(this.#json[key], this.at(key));
  }

  /** The elements of an array of objects. */
  objects(key: string, maxLength: number): WireObject[] {
    const path = this.at(key);
    return this.list(key, maxLength).map((json, step) =>
      new WireObject(json, { parent: path, step })
    );
  }

  /** The elements of an array of 32-bit integers. */
  ints(key: string): number[] {
    return this.list(key, MAX_LIST_LENGTH).map((json) =>
      isInt(json) ? json : this.#wrong(key, "a list of 32-bit integers")
    );
  }

  /** The elements of an array of strings. */
  texts(key: string): string[] {
    return this.list(key, MAX_LIST_LENGTH).map((json) =>
      typeof json === "string" ? json : this.#wrong(key, "a list of strings")
    );
  }

  /** The elements of an array. */
  list(key: string, maxLength: number): readonly JsonValue[] {
    const value = this.#json[key];
    if (!isArray(value)) return this.#wrong(key, "a list");
    if (value.length <= maxLength) return value;
    throw this.problem(key, `has ${value.length} elements, at most ${maxLength} are allowed`);
  }

  /**
   * A map of strings, without a prototype; empty where the key is absent. Numbers and booleans become
   * strings, as PyIceberg reads them.
   */
  textMap(key: string): Readonly<Record<string, string>> {
    const map: Record<string, string> = Object.create(null);
    if (!this.has(key)) return map;
    const object = this.object(key);
    // Nearly every map is one of strings already, and need not be copied.
    if (isTextMap(object.#json)) return object.#json;
    for (const [name, value] of object.entries(MAX_MAP_KEYS)) {
      if (value === null || typeof value === "object") {
        throw object.problem(name, `is ${describe(value)}, not a string`);
      }
      map[name] = String(value);
    }
    return map;
  }

  /** Every member, in the document's order. */
  entries(maxKeys: number): [string, JsonValue][] {
    const entries = Object.entries(this.#json);
    if (entries.length <= maxKeys) return entries;
    throw new WireProblem(this.path, `has ${entries.length} keys, at most ${maxKeys} are allowed`);
  }

  /** Members with unknown keys as `{extra}`, to be spread; nothing where all are known. */
  extra(known: ReadonlySet<string>): { readonly extra?: JsonObject } {
    let extra: Record<string, JsonValue> | undefined;
    for (const key in this.#json) {
      if (known.has(key)) continue;
      extra ??= Object.create(null) as Record<string, JsonValue>;
      extra[key] = this.#json[key] ?? null;
    }
    return extra === undefined ? {} : { extra };
  }

  /** A problem with one member, to be thrown. */
  problem(key: string, problem: string): WireProblem {
    return new WireProblem(this.at(key), problem);
  }

  #wrong(key: string, wanted: string): never {
    const value = this.#json[key];
    throw this.problem(
      key,
      value === undefined
        ? `is missing, expected ${wanted}`
        : `is ${describe(value)}, not ${wanted}`,
    );
  }
}

/** A JSON value as an error shows it. */
export function describe(value: JsonValue | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") {
    return `the string ${JSON.stringify(value.slice(0, MAX_QUOTED))}`;
  }
  if (typeof value === "object" && value !== null) return isArray(value) ? "a list" : "an object";
  return String(value).slice(0, MAX_QUOTED);
}

/** Whether a JSON value is an array. */
export function isArray(json: JsonValue | undefined): json is readonly JsonValue[] {
  return Array.isArray(json);
}

/** Whether a JSON value is an object. */
export function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** `snapshots[3].summary`; hostile keys are cut short. */
function formatPath(path: WirePath | null): string {
  if (path === null) return "";
  const { parent, step } = path;
  const prefix = formatPath(parent);
  if (typeof step === "number") return `${prefix}[${step}]`;
  const key = step.slice(0, MAX_QUOTED);
  return prefix === "" ? key : `${prefix}.${key}`;
}

function isTextMap(json: JsonObject): json is { readonly [key: string]: string } {
  let keys = 0;
  for (const key in json) {
    if (typeof json[key] !== "string" || ++keys > MAX_MAP_KEYS) return false;
  }
  return Object.getPrototypeOf(json) === null;
}

function isInt(json: JsonValue | undefined): json is number {
  return typeof json === "number" && (json | 0) === json;
}
