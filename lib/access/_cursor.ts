/** Cursors of the access lists: opaque to clients, they carry a position and no right. */
import { AppError } from "../errors.ts";

const MAX_CURSOR_CHARS = 512;

/** Text for `next_cursor`. */
export function encodeCursor(list: "users" | "tokens" | "audit", position: string): string {
  return btoa(`${list}:${position}`)
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Position in a cursor of the same list; any other text is `invalid`. */
export function decodeCursor(list: "users" | "tokens" | "audit", cursor: string): string {
  if (cursor.length <= MAX_CURSOR_CHARS && /^[\w-]+$/.test(cursor) && cursor.length % 4 !== 1) {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    if (text.startsWith(`${list}:`)) return text.slice(list.length + 1);
  }
  const message = "Expected a next_cursor of an earlier page of this list";
  throw new AppError("invalid", "invalid_cursor", "Cannot use the cursor", {
    issues: [{ path: "cursor", message }],
  });
}

/** Position in a cursor of a list that is ordered by a number; null without cursor. */
export function decodeSequence(list: "tokens" | "audit", cursor: string | null): number | null {
  if (cursor === null) return null;
  const sequence = Number(decodeCursor(list, cursor));
  if (Number.isSafeInteger(sequence) && sequence >= 0) return sequence;
  throw new AppError("invalid", "invalid_cursor", "Cannot use the cursor", {
    issues: [{ path: "cursor", message: "Expected a next_cursor of an earlier page of this list" }],
  });
}
