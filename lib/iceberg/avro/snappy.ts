/**
 * Snappy's raw block format. Written here because the decoders at hand trust literal lengths, and a
 * negative one sends them backwards for ever.
 */

/** The uncompressed length that a snappy block claims, and where its elements start. */
function readPreamble(input: Uint8Array): { length: number; start: number } | null {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = input[index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { length, start: index + 1 };
  }
  return null;
}

/** Options of {@linkcode snappyDecompress}. */
export interface SnappyOptions {
  /** Give up, with `"too_large"`, on blocks that claim more bytes than this. */
  readonly maxOutputBytes: number;
}

/** The decompressed bytes, or why there are none. */
export function snappyDecompress(
  input: Uint8Array,
  options: SnappyOptions,
): Uint8Array | "too_large" | "malformed" {
  const preamble = readPreamble(input);
  if (preamble === null) return "malformed";
  if (preamble.length > options.maxOutputBytes) return "too_large";
  // An element of two bytes copies 64 at most, so a longer claim is a lie that costs memory.
  if (preamble.length > input.length * 64) return "malformed";
  const output = new Uint8Array(preamble.length);
  let at = preamble.start;
  let filled = 0;
  while (at < input.length) {
    const element = readElement(input, at);
    if (element === null || filled + element.length > output.length) return "malformed";
    const { length, offset } = element;
    at = element.end;
    if (offset === 0) {
      output.set(input.subarray(at - length, at), filled);
    } else {
      if (offset > filled) return "malformed";
      copyBack(output, { filled, offset, length });
    }
    filled += length;
  }
  return filled === output.length ? output : "malformed";
}

/** One element: `end` is where the next one starts; `offset` is 0 for a literal. */
interface Element {
  readonly length: number;
  readonly offset: number;
  readonly end: number;
}

/** The element at `at`, or null where the input ends inside it or it copies from nowhere. */
function readElement(input: Uint8Array, at: number): Element | null {
  const tag = input[at]!;
  const kind = tag & 3;
  if (kind === 0) {
    const code = tag >>> 2;
    const extra = code < 60 ? 0 : code - 59;
    const length = (code < 60 ? code : readLittleEndian(input, at + 1, extra)) + 1;
    const end = at + 1 + extra + length;
    return end <= input.length ? { length, offset: 0, end } : null;
  }
  const extra = kind === 3 ? 4 : kind;
  const end = at + 1 + extra;
  if (end > input.length) return null;
  const tail = readLittleEndian(input, at + 1, extra);
  const offset = kind === 1 ? tail | ((tag >>> 5) << 8) : tail;
  if (offset === 0) return null;
  return { length: kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1, offset, end };
}

function readLittleEndian(input: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  // Past the end of the input this adds NaN-free zeros; the caller's length check then refuses.
  for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (input[at + index] ?? 0);
  return value;
}

function copyBack(
  output: Uint8Array,
  copy: { readonly filled: number; readonly offset: number; readonly length: number },
): void {
  const { filled, offset, length } = copy;
  if (offset >= length) {
    output.copyWithin(filled, filled - offset, filled - offset + length);
    return;
  }
  // Source and target overlap: the copy repeats what it has just written.
  for (let index = 0; index < length; index++) {
    output[filled + index] = output[filled - offset + index]!;
  }
}
