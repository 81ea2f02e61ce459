import assert from "node:assert/strict";
import fc from "fast-check";
import { snappyDecompress } from "../../../../lib/iceberg/avro/snappy.ts";
import { concat } from "../../../support/avro_bytes.ts";

const LIMIT = { maxOutputBytes: 1 << 20 };
const ascii = (text: string) => new TextEncoder().encode(text);

function text(input: Uint8Array): string {
  const output = snappyDecompress(input, LIMIT);
  assert(output instanceof Uint8Array, String(output));
  return new TextDecoder().decode(output);
}

Deno.test("snappyDecompress() copies literals with short and long lengths", () => {
  assert.equal(text(concat(5, 4 << 2, ascii("hello"))), "hello");
  const long = "x".repeat(300);
  assert.equal(text(concat(0xac, 0x02, 61 << 2, 0x2b, 0x01, ascii(long))), long);
});

Deno.test("snappyDecompress() follows copies of each kind", () => {
  assert.equal(text(concat(8, 3 << 2, ascii("abcd"), 0b000_000_01, 4)), "abcdabcd");
  assert.equal(text(concat(7, 3 << 2, ascii("abcd"), 2 << 2 | 2, 3, 0)), "abcdbcd");
  assert.equal(text(concat(6, 3 << 2, ascii("abcd"), 1 << 2 | 3, 2, 0, 0, 0)), "abcdcd");
});

Deno.test("snappyDecompress() repeats what an overlapping copy has just written", () => {
  assert.equal(text(concat(8, 0, ascii("a"), 6 << 2 | 2, 1, 0)), "aaaaaaaa");
});

Deno.test("snappyDecompress() reads what another implementation has written", () => {
  // Python's cramjam 2.14.0: cramjam.snappy.compress_raw(b"iceberg " * 8)
  const input = Uint8Array.fromHex("401c6963656265726720de0800");
  assert.equal(text(input), "iceberg ".repeat(8));
});

Deno.test("snappyDecompress() refuses a claim beyond the limit before it allocates", () => {
  const claim = concat(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  assert.equal(snappyDecompress(claim, LIMIT), "too_large");
  assert.equal(snappyDecompress(claim, { maxOutputBytes: 2 ** 33 }), "malformed");
});

Deno.test("snappyDecompress() refuses data that is cut off, reaches back too far or lies", () => {
  const cases = [
    new Uint8Array(0),
    Uint8Array.of(0x80),
    concat(5, 4 << 2, ascii("hell")),
    concat(6, 4 << 2, ascii("hello")),
    concat(4, 4 << 2, ascii("hello")),
    concat(5, 0b000_000_01, 1),
    concat(5, 0, ascii("a"), 0b000_000_01, 0),
    concat(5, 0, ascii("a"), 0b000_000_01),
    concat(5, 63 << 2, 0xfe, 0xff, 0xff, 0xff),
  ];
  for (const input of cases) assert.equal(snappyDecompress(input, LIMIT), "malformed");
});

Deno.test("snappyDecompress() ends on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      const output = snappyDecompress(input, LIMIT);
      assert(output instanceof Uint8Array || ["too_large", "malformed"].includes(output));
    }),
    { numRuns: 2_000 },
  );
});
