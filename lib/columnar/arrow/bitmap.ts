/** Bitmaps as Arrow lays them out: lowest bit first, a set bit for a value that is there or true. */

/** Bits to copy: `length` of them, from bit `from` of the source to bit `to` of the target. */
export interface BitCopy {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** A run of bits. */
export interface BitRange {
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
export function fillBits(bits: Uint8Array, { at, length }: BitRange): void {
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
export function countBits(bits: Uint8Array, { at, length }: BitRange): number {
  const end = at + length;
  let count = 0;
  let bit = at;
  for (; bit < end && (bit & 7) !== 0; bit++) count += Number(getBit(bits, bit));
  for (; bit + 8 <= end; bit += 8) count += BYTE_COUNTS[bits[bit >>> 3]!]!;
  for (; bit < end; bit++) count += Number(getBit(bits, bit));
  return count;
}

/** Set bits of every byte value. */
const BYTE_COUNTS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});
