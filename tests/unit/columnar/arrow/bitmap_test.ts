import assert from "node:assert/strict";
import fc from "fast-check";
import {
  copyBits,
  countBits,
  countRuns,
  fillBits,
  getBit,
  newBitmap,
  setBit,
  setPositions,
  setRanges,
} from "../../../../lib/columnar/arrow/bitmap.ts";

function bitmapOf(bits: readonly boolean[]): Uint8Array {
  const bitmap = newBitmap(bits.length);
  bits.forEach((bit, at) => bit && setBit(bitmap, at));
  return bitmap;
}

function bitsOf(bitmap: Uint8Array, length: number): boolean[] {
  return Array.from({ length }, (_, at) => getBit(bitmap, at));
}

const bits = fc.array(fc.boolean(), { maxLength: 200 });
/** Runs as long as several bytes. */
const runs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 12 })
  .map((pairs) => pairs.flatMap(([bit, length]) => new Array<boolean>(length).fill(bit)));

Deno.test("newBitmap() is padded to 8 bytes and zero", () => {
  assert.equal(newBitmap(0).length, 0);
  assert.equal(newBitmap(1).length, 8);
  assert.equal(newBitmap(64).length, 8);
  assert.equal(newBitmap(65).length, 16);
});

Deno.test("copyBits() copies any range to any place and touches nothing else", () => {
  const property = fc.property(bits, fc.nat(30), fc.nat(30), (source, from, to) => {
    const start = Math.min(from, source.length);
    const length = source.length - start;
    const target = newBitmap(to + length + 20);
    setBit(target, to + length + 3);
    copyBits(bitmapOf(source), target, { from: start, to, length });
    const expected = new Array<boolean>(to + length + 20).fill(false);
    source.slice(start).forEach((bit, at) => expected[to + at] = bit);
    expected[to + length + 3] = true;
    assert.deepEqual(bitsOf(target, expected.length), expected);
  });
  fc.assert(property, { numRuns: 2000 });
});

Deno.test("fillBits() and countBits() work on any range", () => {
  const property = fc.property(fc.nat(70), fc.nat(70), (at, length) => {
    const bitmap = newBitmap(160);
    fillBits(bitmap, { at, length });
    const expected = Array.from({ length: 160 }, (_, bit) => bit >= at && bit < at + length);
    assert.deepEqual(bitsOf(bitmap, 160), expected);
    assert.equal(countBits(bitmap, { at: 0, length: 160 }), length);
    const shift = Math.min(5, length);
    assert.equal(countBits(bitmap, { at: at + shift, length: 20 }), Math.min(20, length - shift));
  });
  fc.assert(property, { numRuns: 2000 });
});

Deno.test("countRuns(), setRanges() and setPositions() agree with the bits", () => {
  const property = fc.property(fc.oneof(bits, runs), (list) => {
    const bitmap = bitmapOf(list);
    const positions = list.flatMap((bit, at) => bit ? [at] : []);
    assert.deepEqual([...setPositions(bitmap, positions.length)], positions);
    const ranges = setRanges(bitmap, list.length);
    assert.equal(countRuns(bitmap, list.length), ranges.length);
    assert.deepEqual(
      ranges.flatMap(({ at, length }) => Array.from({ length }, (_, i) => at + i)),
      positions,
    );
    // Ranges do not touch: between two of them lies a bit that is not set.
    ranges.slice(1).forEach(({ at }, i) => {
      const previous = ranges[i];
      assert(previous !== undefined && previous.at + previous.length < at);
    });
  });
  fc.assert(property, { numRuns: 2000 });
});
