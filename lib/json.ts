/**
 * JSON that keeps integers exact: whole numbers beyond 2^53 are `bigint`, all others `number`.
 * Iceberg's ids are random 63-bit values; `JSON.parse` would round them silently. The grammar is
 * RFC 8259 to the letter; depth, size and digits are bounded, because metadata is hostile input.
 */
import { AppError } from "./errors.ts";

/** A JSON document as {@linkcode parseJson} returns it. */
export type JsonValue = string | number | bigint | boolean | null | JsonArray | JsonObject;
/** A JSON array. */
export type JsonArray = readonly JsonValue[];
/** A JSON object; built without a prototype, so hostile keys are only keys. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** What {@linkcode stringifyJson} prints: any {@linkcode JsonValue}, and numbers as given text. */
export type JsonOutput =
  | string
  | number
  | bigint
  | boolean
  | null
  | JsonNumberText
  | readonly JsonOutput[]
  | { readonly [key: string]: JsonOutput };

/** Deepest nesting that {@linkcode parseJson} follows unless told otherwise. */
export const DEFAULT_MAX_JSON_DEPTH = 256;
/** Largest document that {@linkcode parseJson} takes unless told otherwise. */
export const DEFAULT_MAX_JSON_BYTES = 256 * 1024 * 1024;
/** Deepest nesting that may be asked for; each level costs one frame of the call stack. */
export const MAX_JSON_DEPTH = 1_000;
/** Longest number, in characters: `BigInt` is quadratic, and nobody counts that far. */
export const MAX_JSON_NUMBER_LENGTH = 1_000;
/** Objects in one document: `{}` takes three bytes of text and two hundred of memory. */
export const MAX_JSON_OBJECTS = 1_500_000;
/** Values in one document, objects and arrays included: a short string takes forty bytes. */
export const MAX_JSON_VALUES = 8_000_000;

/** Options of {@linkcode parseJson}. */
export interface ParseJsonOptions {
  /** Nested arrays and objects allowed, at most {@linkcode MAX_JSON_DEPTH}. */
  readonly maxDepth?: number;
  /** Bytes of input allowed (UTF-16 code units where the input is a string). */
  readonly maxBytes?: number;
  /** Refuses an object that has a key twice; by default the last one wins. */
  readonly uniqueKeys?: boolean;
}

/** Options of {@linkcode stringifyJson}. */
export interface StringifyJsonOptions {
  /** Spaces per level; 0, the default, prints one line. */
  readonly indent?: number;
}

/** A number printed with exactly this text, where `1.0` must not become `1`. */
export class JsonNumberText {
  readonly text: string;

  constructor(text: string) {
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
      throw new TypeError(`Cannot print "${text}" as a JSON number`);
    }
    this.text = text;
  }
}

/**
 * Parses one JSON document. Duplicate keys: the last wins. Bytes must be UTF-8; a leading byte
 * order mark is skipped, as RFC 8259 permits.
 *
 * Throws an `AppError` of kind `malformed` (code `malformed_json`, with the byte offset in its
 * message and context) or `too_large` (code `json_too_large`: bytes, or what they expand to).
 */
export function parseJson(text: string | Uint8Array, options: ParseJsonOptions = {}): JsonValue {
  const { maxDepth = DEFAULT_MAX_JSON_DEPTH, maxBytes = DEFAULT_MAX_JSON_BYTES } = options;
  if (!(maxDepth >= 0 && maxDepth <= MAX_JSON_DEPTH)) {
    throw new RangeError(`Cannot parse JSON: maxDepth is ${maxDepth}, not 0 to ${MAX_JSON_DEPTH}`);
  }
  if (text.length > maxBytes) {
    throw new AppError(
      "too_large",
      "json_too_large",
      `Cannot parse JSON: the document has ${text.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  const decoded = typeof text === "string" ? text : decodeUtf8(text);
  return new JsonReader(decoded, maxDepth, options.uniqueKeys ?? false).read();
}

/** Prints a value as JSON; a `bigint` as a bare integer. Non-finite numbers are a `TypeError`. */
export function stringifyJson(value: JsonOutput, options: StringifyJsonOptions = {}): string {
  const { indent = 0 } = options;
  const parts: string[] = [];
  printValue(value, parts, { unit: " ".repeat(indent), margin: indent > 0 ? "\n" : "" });
  return parts.join("");
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("malformed", "malformed_json", "Cannot parse JSON: it is not valid UTF-8", {
      cause,
    });
  }
}

function tooMany(bound: number, what: string): AppError {
  return new AppError(
    "too_large",
    "json_too_large",
    `Cannot parse JSON: the document holds more than ${bound} ${what}`,
  );
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Integers of up to this many digits are exact in a double while they are summed up. */
const EXACT_DIGITS = 15;

/** A recursive-descent reader over UTF-16 code units; strings without escapes are slices. */
class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #uniqueKeys: boolean;
  #position = 0;
  #depth = 0;
  #values = 0;
  #objects = 0;

  constructor(text: string, maxDepth: number, uniqueKeys: boolean) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#uniqueKeys = uniqueKeys;
  }

  read(): JsonValue {
    const value = this.#readValue();
    if (!Number.isNaN(this.#skipSpace())) this.#fail("unexpected text after the document");
    return value;
  }

  #readValue(): JsonValue {
    if (++this.#values > MAX_JSON_VALUES) throw tooMany(MAX_JSON_VALUES, "values");
    const code = this.#skipSpace();
    if (code === QUOTE) return this.#readString();
    if (code === 0x7b) return this.#readObject();
    if (code === 0x5b) return this.#readArray();
    if (code === MINUS || (code >= ZERO && code <= NINE)) return this.#readNumber(code);
    if (code === 0x74) return this.#readWord("true", true);
    if (code === 0x66) return this.#readWord("false", false);
    if (code === 0x6e) return this.#readWord("null", null);
    return this.#fail("expected a value");
  }

  #readObject(): JsonObject {
    if (++this.#objects > MAX_JSON_OBJECTS) throw tooMany(MAX_JSON_OBJECTS, "objects");
    this.#enter();
    const object: Record<string, JsonValue> = Object.create(null);
    if (this.#skipSpace() === 0x7d) return this.#leave(object);
    while (true) {
      if (this.#skipSpace() !== QUOTE) this.#fail("expected a quoted key");
      const key = this.#readString();
      if (this.#uniqueKeys && key in object) this.#fail("a key comes twice in one object");
      if (this.#skipSpace() !== 0x3a) this.#fail('expected ":"');
      this.#position++;
      object[key] = this.#readValue();
      const code = this.#skipSpace();
      if (code === 0x7d) return this.#leave(object);
      if (code !== 0x2c) this.#fail('expected "," or "}"');
      this.#position++;
    }
  }

  #readArray(): JsonArray {
    this.#enter();
    const array: JsonValue[] = [];
    if (this.#skipSpace() === 0x5d) return this.#leave(array);
    while (true) {
      array.push(this.#readValue());
      const code = this.#skipSpace();
      if (code === 0x5d) return this.#leave(array);
      if (code !== 0x2c) this.#fail('expected "," or "]"');
      this.#position++;
    }
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth) {
      this.#fail(`nested deeper than ${this.#maxDepth} levels`);
    }
    this.#position++;
  }

  #leave<T>(container: T): T {
    this.#depth--;
    this.#position++;
    return container;
  }

  #readWord<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#position)) this.#fail("expected a value");
    this.#position += word.length;
    return value;
  }

  #readString(): string {
    const text = this.#text;
    const start = this.#position + 1;
    let position = start;
    while (true) {
      const code = text.charCodeAt(position);
      if (code === QUOTE) {
        this.#position = position + 1;
        return text.slice(start, position);
      }
      // NaN, past the end, fails this comparison as a control character does.
      if (!(code >= 0x20)) {
        this.#position = position;
        this.#fail("unterminated string or unescaped control character");
      }
      if (code === BACKSLASH) return this.#readEscapedString(start, position);
      position++;
    }
  }

  /** Continues a string at its first escape; `position` is at the backslash. */
  #readEscapedString(start: number, position: number): string {
    const text = this.#text;
    const parts = [text.slice(start, position)];
    while (true) {
      this.#position = position;
      parts.push(this.#readEscape());
      const from = position = this.#position;
      let code = text.charCodeAt(position);
      while (code >= 0x20 && code !== QUOTE && code !== BACKSLASH) {
        code = text.charCodeAt(++position);
      }
      parts.push(text.slice(from, position));
      this.#position = position + 1;
      if (code === QUOTE) return parts.join("");
      if (code !== BACKSLASH) {
        this.#position = position;
        this.#fail("unterminated string or unescaped control character");
      }
    }
  }

  #readEscape(): string {
    const letter = this.#text.charAt(this.#position + 1);
    if (letter === "u") {
      const digits = this.#text.slice(this.#position + 2, this.#position + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail("expected four hex digits");
      this.#position += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const escaped = ESCAPES.get(letter);
    if (escaped === undefined) this.#fail("unknown escape");
    this.#position += 2;
    return escaped;
  }

  #readNumber(first: number): number | bigint {
    const text = this.#text;
    const start = this.#position;
    const firstDigit = first === MINUS ? start + 1 : start;
    let position = firstDigit;
    let sum = 0;
    let code = text.charCodeAt(position);
    while (code >= ZERO && code <= NINE) {
      sum = sum * 10 + (code - ZERO);
      code = text.charCodeAt(++position);
    }
    const digits = position - firstDigit;
    this.#position = position;
    if (digits === 0) this.#fail("expected a digit");
    if (digits > 1 && text.charCodeAt(firstDigit) === ZERO) {
      this.#position = firstDigit;
      this.#fail("a number starts with a superfluous zero");
    }
    // ".", "e", "E"
    if (code === 0x2e || code === 0x65 || code === 0x45) return this.#readFraction(start);
    if (digits <= EXACT_DIGITS) return first === MINUS ? -sum : sum;
    this.#boundNumber(start);
    const rounded = Number(text.slice(start, position));
    return Number.isSafeInteger(rounded) ? rounded : BigInt(text.slice(start, position));
  }

  /** The rest of a number, from its point or exponent on. */
  #readFraction(start: number): number {
    FRACTION.lastIndex = this.#position;
    if (!FRACTION.test(this.#text)) this.#fail("expected a fraction or an exponent");
    this.#position = FRACTION.lastIndex;
    this.#boundNumber(start);
    const value = Number(this.#text.slice(start, this.#position));
    if (!Number.isFinite(value)) this.#fail("a number is too large for a double");
    return value;
  }

  #boundNumber(start: number): void {
    if (this.#position - start <= MAX_JSON_NUMBER_LENGTH) return;
    this.#fail(`a number has more than ${MAX_JSON_NUMBER_LENGTH} characters`);
  }

  /** Moves to the next code unit that is not white space and returns it; NaN at the end. */
  #skipSpace(): number {
    const text = this.#text;
    let position = this.#position;
    let code = text.charCodeAt(position);
    while (code <= 0x20 && (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09)) {
      code = text.charCodeAt(++position);
    }
    this.#position = position;
    return code;
  }

  #fail(problem: string): never {
    const prefix = this.#text.slice(0, this.#position);
    const offset = new TextEncoder().encode(prefix).length;
    throw new AppError(
      "malformed",
      "malformed_json",
      `Cannot parse JSON: ${problem} at byte ${offset}`,
      { context: { offset } },
    );
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** Sticky, so that it continues at `lastIndex` without slicing. */
const FRACTION = /(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![.eE])/y;

interface Layout {
  /** One level of indentation. */
  readonly unit: string;
  /** What separates members: empty on one line, else a line break and the current indentation. */
  readonly margin: string;
}

function printValue(value: JsonOutput, parts: string[], layout: Layout): void {
  if (typeof value === "bigint") parts.push(String(value));
  else if (value instanceof JsonNumberText) parts.push(value.text);
  else if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`Cannot print ${value} as JSON`);
    parts.push(Object.is(value, -0) ? "-0" : String(value));
  } else if (typeof value !== "object" || value === null) parts.push(JSON.stringify(value));
  else if (isArray(value)) printArray(value, parts, layout);
  else printObject(value, parts, layout);
}

// `Array.isArray` alone does not narrow a readonly array away.
function isArray(value: JsonOutput): value is readonly JsonOutput[] {
  return Array.isArray(value);
}

function printArray(array: readonly JsonOutput[], parts: string[], layout: Layout): void {
  if (array.length === 0) return void parts.push("[]");
  const inner = deeper(layout);
  let opening = "[";
  for (const value of array) {
    parts.push(opening, inner.margin);
    printValue(value, parts, inner);
    opening = ",";
  }
  parts.push(layout.margin, "]");
}

function printObject(
  object: { readonly [key: string]: JsonOutput },
  parts: string[],
  layout: Layout,
): void {
  const inner = deeper(layout);
  const colon = layout.unit === "" ? ":" : ": ";
  let opening = "{";
  for (const [key, value] of Object.entries(object)) {
    parts.push(opening, inner.margin, JSON.stringify(key), colon);
    printValue(value, parts, inner);
    opening = ",";
  }
  if (opening === "{") parts.push("{}");
  else parts.push(layout.margin, "}");
}

function deeper({ unit, margin }: Layout): Layout {
  return { unit, margin: margin + unit };
}
