/** Interleaves the bits of several columns: see `z_order_keys.ts`. */

/** The shape of what is interleaved. */
export interface InterleaveOptions {
  /** Bytes that a row has of each column. */
  readonly widths: readonly number[];
  /** Bytes of a row in the result, at most the sum of the widths. */
  readonly size: number;
  readonly length: number;
}

/**
 * For every row the highest bits of all columns in turn, then the next lower ones, and so on; a
 * column that has no bits left is passed over.
 */
export function interleaveBits(
  columns: readonly Uint8Array[],
  options: InterleaveOptions,
): Uint8Array {
  const { widths, size, length } = options;
  const [only] = columns;
  if (only !== undefined && columns.length === 1 && size === widths[0]) return only;
  const rounds = planRounds(widths);
  const result = new Uint8Array(size * length);
  for (let row = 0; row < length; row++) {
    const base = size * row;
    let bit = 0;
    for (const { byte, members, spread } of rounds) {
      if (bit >= 8 * size) break;
      // Eight bits of each member become as many bytes as there are members.
      for (let place = 0; place < members.length; place++) {
        const member = members[place]!;
        const value = columns[member]![widths[member]! * row + byte]!;
        const spreadBytes = spread[place]!;
        for (let i = 0; i < members.length; i++) {
          const at = (bit >>> 3) + i;
          if (at < size) result[base + at]! |= spreadBytes[value * members.length + i]!;
        }
      }
      bit += 8 * members.length;
    }
  }
  return result;
}

/** One byte of each column that still has one. */
interface Round {
  readonly byte: number;
  /** Places of the columns. */
  readonly members: readonly number[];
  /** By member: for each byte value, the bytes that hold its bits in their places. */
  readonly spread: readonly Uint8Array[];
}

function planRounds(widths: readonly number[]): readonly Round[] {
  const tables = new Map<number, readonly Uint8Array[]>();
  return Array.from({ length: Math.max(...widths) }, (_, byte) => {
    const members = widths.flatMap((width, at) => byte < width ? [at] : []);
    const spread = tables.get(members.length) ?? spreadTables(members.length);
    tables.set(members.length, spread);
    return { byte, members, spread };
  });
}

/** For each of `count` members, where the bits of a byte go: `count` bytes for each byte value. */
function spreadTables(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, member) => {
    const table = new Uint8Array(256 * count);
    for (let value = 0; value < 256; value++) {
      for (let bit = 0; bit < 8; bit++) {
        if ((value & 0x80 >>> bit) === 0) continue;
        const place = bit * count + member;
        table[value * count + (place >>> 3)]! |= 0x80 >>> (place & 7);
      }
    }
    return table;
  });
}
