/** Bitmaps as Arrow lays them out: lowest bit first, a set bit for a value that is there or true. */

/** Bits to copy: `length` of them, from bit `from` of the source to bit `to` of the target. */
export interface BitCopy {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** A run of bits. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** A bitmap of zeros, its size a multiple of 8 bytes as Arrow recommends. */
export function newBitmap(bits: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(((bits + 63) >>> 6) * 8);
}

/** Whether bit `at` is set. */
export function getBit(bits: Uint8Array, at: number): boolean {
  return (bits[at >>> 3]! & (1 << (at & 7))) !== 0;
}

/** Sets bit `at`. */
export function setBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3]! |= 1 << (at & 7);
}

/** Sets every bit of a range. */
export function fillBits(bits: Uint8Array, { at, length }: Span): void {
  const end = at + length;
  let bit = at;
  for (; bit < end && (bit & 7) !== 0; bit++) setBit(bits, bit);
  if (bit >= end) return;
  bits.fill(0xff, bit >>> 3, end >>> 3);
  for (bit = Math.max(bit, end & ~7); bit < end; bit++) setBit(bits, bit);
}

/** Copies bits into a target whose bits are still zero there. */
export function copyBits(source: Uint8Array, target: Uint8Array, copy: BitCopy): void {
  let { from, to } = copy;
  const end = to + copy.length;
  for (; to < end && (to & 7) !== 0; from++, to++) {
    if (getBit(source, from)) setBit(target, to);
  }
  const shift = from & 7;
  if (shift === 0) {
    const bytes = (end - to) >>> 3;
    target.set(source.subarray(from >>> 3, (from >>> 3) + bytes), to >>> 3);
    from += 8 * bytes;
    to += 8 * bytes;
  } else {
    for (let at = from >>> 3; to + 8 <= end; at++, from += 8, to += 8) {
      target[to >>> 3] = (source[at]! >>> shift) | (source[at + 1]! << (8 - shift));
    }
  }
  for (; to < end; from++, to++) if (getBit(source, from)) setBit(target, to);
}

/** How many bits of a range are set. */
export function countBits(bits: Uint8Array, { at, length }: Span): number {
  const end = at + length;
  let count = 0;
  let bit = at;
  for (; bit < end && (bit & 7) !== 0; bit++) count += Number(getBit(bits, bit));
  for (; bit + 8 <= end; bit += 8) count += BYTE_COUNTS[bits[bit >>> 3]!]!;
  for (; bit < end; bit++) count += Number(getBit(bits, bit));
  return count;
}

/** How many runs of set bits there are among the first `length`; bits after them are zero. */
export function countRuns(bits: Uint8Array, length: number): number {
  let runs = 0;
  let last = 0;
  for (let at = 0; 8 * at < length; at++) {
    const byte = bits[at]!;
    // A run begins at each set bit whose lower neighbour is not set.
    runs += BYTE_COUNTS[byte & ~(byte << 1 | last) & 0xff]!;
    last = byte >>> 7;
  }
  return runs;
}

/** The runs of set bits among the first `length`; bits after them are zero. */
export function setRanges(bits: Uint8Array, length: number): Span[] {
  const ranges: Span[] = [];
  for (let at = 0; at < length;) {
    const isWholeByte = (at & 7) === 0;
    if (isWholeByte && bits[at >>> 3] === 0) at += 8;
    else if (!getBit(bits, at)) at++;
    else {
      let end = at + 1;
      while (end < length && getBit(bits, end)) {
        end += (end & 7) === 0 && bits[end >>> 3] === 0xff ? 8 : 1;
      }
      ranges.push({ at, length: Math.min(end, length) - at });
      at = end;
    }
  }
  return ranges;
}

/** The places of the set bits, of which there are `count`. */
export function setPositions(bits: Uint8Array, count: number): Int32Array {
  const positions = new Int32Array(count);
  for (let at = 0, to = 0; to < count; at++) {
    for (let byte = bits[at]!; byte !== 0; byte &= byte - 1) {
      positions[to++] = 8 * at + 31 - Math.clz32(byte & -byte);
    }
  }
  return positions;
}

/** Set bits of every byte value. */
const BYTE_COUNTS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});
