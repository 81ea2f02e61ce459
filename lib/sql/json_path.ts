/**
 * JSON by path, for the functions of DuckDB's JSON extension that this build lacks. Integers beyond
 * 2^53 stay exact. A text that is no JSON gives null, as a path that leads nowhere does.
 */
import { type JsonValue, parseJson, stringifyJson } from "../json.ts";

/** The value at `path` (`$.a.b[0]`, `/a/b/0`, or a plain key), as JSON text; null for none. */
export function jsonAt(text: string, path: string | null): string | null {
  const found = lookUp(text, path);
  return found === undefined ? null : stringifyJson(found);
}

/** As {@linkcode jsonAt}; a string comes without its quotes, and JSON's null is null. */
export function jsonTextAt(text: string, path: string | null): string | null {
  const found = lookUp(text, path);
  if (found === undefined || found === null) return null;
  return typeof found === "string" ? found : stringifyJson(found);
}

/** DuckDB's name for the type of the value at `path`; null for none. */
export function jsonTypeAt(text: string, path: string | null): string | null {
  const found = lookUp(text, path);
  if (found === undefined) return null;
  if (found === null) return "NULL";
  if (Array.isArray(found)) return "ARRAY";
  switch (typeof found) {
    case "string":
      return "VARCHAR";
    case "boolean":
      return "BOOLEAN";
    case "bigint":
      return found < 0n ? "BIGINT" : "UBIGINT";
    case "number":
      return !Number.isInteger(found) ? "DOUBLE" : found < 0 ? "BIGINT" : "UBIGINT";
    default:
      return "OBJECT";
  }
}

/** Elements of the array at `path`; 0 for what is no array, null for nothing. */
export function jsonLengthAt(text: string, path: string | null): number | null {
  const found = lookUp(text, path);
  if (found === undefined) return null;
  return Array.isArray(found) ? found.length : 0;
}

/** Keys of the object at `path` as a JSON array; null where there is no object. */
export function jsonKeysAt(text: string, path: string | null): string | null {
  const found = lookUp(text, path);
  if (typeof found !== "object" || found === null || Array.isArray(found)) return null;
  return JSON.stringify(Object.keys(found));
}

/** Whether the text is JSON. */
export function isJson(text: string): boolean {
  return parse(text) !== undefined;
}

function lookUp(text: string, path: string | null): JsonValue | undefined {
  let value = parse(text);
  for (const step of path === null ? [] : stepsOf(path)) {
    if (Array.isArray(value)) value = element(value, step);
    else if (typeof value === "object" && value !== null && !(value instanceof Array)) {
      value = Object.hasOwn(value, step) ? (value as Record<string, JsonValue>)[step] : undefined;
    } else return undefined;
  }
  return value;
}

function element(list: readonly JsonValue[], step: string): JsonValue | undefined {
  const index = /^(?:#-|-)?\d+$/.test(step) ? Number(step.replace("#", "")) : NaN;
  return list.at(index < 0 || Number.isInteger(index) ? index : list.length);
}

/** `$.a."b c"[0]`, `/a/b/0` and a plain key, as the extension reads them. */
function stepsOf(path: string): readonly string[] {
  if (path.startsWith("/")) {
    return path.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  if (!path.startsWith("$")) return [path];
  const steps = path.slice(1).matchAll(/\.(?:"((?:[^"\\]|\\.)*)"|([^.[\]"]+))|\[(#?-?\d+)\]/g);
  return [...steps].map(([, quoted, plain, index]) => quoted ?? plain ?? index ?? "");
}

function parse(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && error.name === "AppError")) {
      return undefined;
    }
    throw error;
  }
}
