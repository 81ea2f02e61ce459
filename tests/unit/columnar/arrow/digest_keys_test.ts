import assert from "node:assert/strict";
import fc from "fast-check";
import { DIGEST_BYTES, KeyDigester } from "../../../../lib/columnar/arrow/digest_keys.ts";
import { concatKeys, type RowKeys } from "../../../../lib/columnar/arrow/row_keys.ts";

const SECRET = Uint32Array.of(1, 2, 3, 4);

function keysOf(keys: readonly Uint8Array[]): RowKeys {
  const single = keys.map((bytes) => ({
    length: 1,
    bytes,
    offsets: Uint32Array.of(0, bytes.length),
  }));
  return concatKeys([
    { length: 0, bytes: new Uint8Array(), offsets: Uint32Array.of(0) },
    ...single,
  ]);
}

function digests(keys: readonly Uint8Array[], secret = SECRET): string[] {
  const { bytes, offsets, length } = new KeyDigester(secret).digest(keysOf(keys));
  assert.equal(length, keys.length);
  return keys.map((_, row) => {
    assert.equal(offsets[row + 1]! - offsets[row]!, DIGEST_BYTES);
    return bytes.subarray(offsets[row], offsets[row + 1]).toHex();
  });
}

Deno.test("digests are equal exactly where keys are", () => {
  const bytes = fc.uint8Array({ maxLength: 9, max: 2 });
  fc.assert(fc.property(fc.array(bytes, { maxLength: 20 }), (keys) => {
    const texts = keys.map((key) => key.toHex());
    assert.equal(new Set(digests(keys)).size, new Set(texts).size);
    const found = digests(keys);
    for (const [at, text] of texts.entries()) assert.equal(found[at], found[texts.indexOf(text)]);
  }));
});

Deno.test("digests differ for keys that are others with zeros behind them, and under other secrets", () => {
  const zeros = Array.from({ length: 40 }, (_, length) => new Uint8Array(length));
  assert.equal(new Set(digests(zeros)).size, zeros.length);
  const others = digests(zeros, Uint32Array.of(1, 2, 3, 5));
  assert(digests(zeros).every((digest, at) => digest !== others[at]));
  assert.throws(() => new KeyDigester(new Uint32Array(3)), RangeError);
});

Deno.test("every bit of a key turns about half of the bits of its digest", () => {
  const key = Uint8Array.from({ length: 13 }, (_, at) => 17 * at);
  const turned = Array.from({ length: 8 * key.length }, (_, bit) => {
    const other = key.slice();
    other[bit >>> 3]! ^= 1 << (bit & 7);
    return other;
  });
  const [own = "", ...others] = digests([key, ...turned]);
  for (const other of others) {
    const difference = BigInt(`0x${own}`) ^ BigInt(`0x${other}`);
    const bits = difference.toString(2).replaceAll("0", "").length;
    assert(bits > 32 && bits < 96, `${bits} bits differ`);
  }
});
