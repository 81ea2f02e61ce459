/** Cursors of the access lists that are ordered by a number. */
import { decodeCursor, invalidCursor } from "../cursor.ts";

/** The number to go on from; null without a cursor. */
export function decodeSequence(list: "tokens" | "audit", cursor: string | null): number | null {
  if (cursor === null) return null;
  const sequence = Number(decodeCursor(list, cursor, { parts: 1 })[0]);
  if (Number.isSafeInteger(sequence) && sequence >= 0) return sequence;
  throw invalidCursor("Expected a next_cursor of an earlier page of this list");
}
