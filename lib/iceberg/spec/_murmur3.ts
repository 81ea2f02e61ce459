/** The 32-bit Murmur3 hash, x86 variant, seed 0, that buckets are made of (spec Appendix B). */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** The signed 32-bit hash of `bytes`. */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = bytes.length & ~3;
  let hash = 0;
  for (let i = 0; i < tail; i += 4) hash = mixBlock(hash, view.getInt32(i, true));
  let rest = 0;
  for (let i = bytes.length - 1; i >= tail; i--) rest = rest << 8 | bytes[i]!;
  return finish(hash ^ scramble(rest), bytes.length);
}

/** The hash of a 64-bit integer's eight little-endian bytes. */
export function murmur3Long(value: bigint): number {
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return finish(mixBlock(mixBlock(0, low), high), 8);
}

function mixBlock(hash: number, block: number): number {
  return (Math.imul(rotateLeft(hash ^ scramble(block), 13), 5) + 0xe6546b64) | 0;
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, C1), 15), C2);
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return mixed ^ mixed >>> 16;
}

function rotateLeft(value: number, bits: number): number {
  return value << bits | value >>> (32 - bits);
}
