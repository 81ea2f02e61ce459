/** Opaque page cursors: a kind and a few strings, base64url. They carry positions, never rights. */
import { AppError } from "./errors.ts";

const MAX_CURSOR_CHARS = 4096;

/** Text for `next_cursor`. */
export function encodeCursor(kind: string, parts: readonly string[]): string {
  const json = new TextEncoder().encode(JSON.stringify([kind, ...parts]));
  return btoa(String.fromCharCode(...json))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a cursor must look like. */
export interface CursorShape {
  /** How many parts it holds. */
  readonly parts: number;
}

/** Parts of a cursor made by {@linkcode encodeCursor}; any other text is an `invalid` error. */
export function decodeCursor(
  kind: string,
  cursor: string,
  shape: CursorShape,
): readonly string[] {
  const parts = tryDecode(cursor);
  const fits = Array.isArray(parts) && parts.length === shape.parts + 1 && parts[0] === kind &&
    parts.every((part) => typeof part === "string");
  if (fits) return parts.slice(1);
  throw invalidCursor("Expected a next_cursor of an earlier page of this list");
}

/** A cursor that is not one of the list's, or no longer; `message` says what was expected. */
export function invalidCursor(message: string): AppError {
  return new AppError("invalid", "invalid_cursor", "Cannot use the cursor", {
    issues: [{ path: "cursor", message }],
  });
}

function tryDecode(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_CHARS || !/^[\w-]*$/.test(cursor)) return null;
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  } catch {
    return null; // Not one of ours; the caller reports it by name.
  }
}
