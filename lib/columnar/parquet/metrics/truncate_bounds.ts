/** Bounds cut short: the lower one to a prefix, the upper one to the next larger prefix. */

const MAX_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** The first `length` code points of a text. */
export function truncateTextLower(text: string, length: number): string {
  if (text.length <= length) return text;
  const prefix = codePoints(text, length);
  return prefix === null ? text : String.fromCodePoint(...prefix);
}

/**
 * The smallest text of at most `length` code points that no text with the same beginning exceeds, by
 * the order of code points, which is that of UTF-8; null where there is none.
 */
export function truncateTextUpper(text: string, length: number): string | null {
  if (text.length <= length) return text;
  const prefix = codePoints(text, length);
  if (prefix === null) return text;
  for (let at = prefix.length - 1; at >= 0; at--) {
    const next = nextCodePoint(prefix[at] ?? MAX_CODE_POINT);
    if (next !== null) return String.fromCodePoint(...prefix.slice(0, at), next);
  }
  return null;
}

/** The first `length` bytes. */
export function truncateBytesLower(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.slice(0, length);
}

/** Like {@linkcode truncateTextUpper}, for bytes in unsigned order. */
export function truncateBytesUpper(bytes: Uint8Array, length: number): Uint8Array | null {
  if (bytes.length <= length) return bytes.slice();
  for (let at = length - 1; at >= 0; at--) {
    const byte = bytes[at] ?? 0xff;
    if (byte === 0xff) continue;
    const upper = bytes.slice(0, at + 1);
    upper[at] = byte + 1;
    return upper;
  }
  return null;
}

/** The first `length` code points, null where the text has no more than that. */
function codePoints(text: string, length: number): number[] | null {
  const points: number[] = [];
  for (const char of text) {
    if (points.length === length) return points;
    points.push(char.codePointAt(0) ?? 0);
  }
  return null;
}

function nextCodePoint(point: number): number | null {
  if (point >= MAX_CODE_POINT) return null;
  // Surrogates are no characters: UTF-8 cannot hold them.
  return point + 1 >= FIRST_SURROGATE && point < LAST_SURROGATE ? LAST_SURROGATE + 1 : point + 1;
}
