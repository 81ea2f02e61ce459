import assert from "node:assert/strict";
import fc from "fast-check";
import {
  binary,
  bool,
  type Codec,
  i16,
  i32,
  i64,
  i8,
  list,
  optional,
  required,
  string,
  struct,
} from "../../../../lib/columnar/parquet/thrift/codec.ts";
import {
  CompactReader,
  MAX_LIST_ITEMS,
  MAX_SKIP_DEPTH,
} from "../../../../lib/columnar/parquet/thrift/compact_reader.ts";
import { CompactWriter } from "../../../../lib/columnar/parquet/thrift/compact_writer.ts";
import { encodeThrift } from "../../../../lib/columnar/parquet/thrift/encode.ts";
import { AppError } from "../../../../lib/errors.ts";

interface Inner {
  readonly flag: boolean;
  readonly tiny: number | null;
}

interface Outer {
  readonly small: number;
  readonly wide: number | null;
  readonly text: string | null;
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly numbers: readonly number[] | null;
  readonly inner: Inner | null;
  readonly many: readonly Inner[] | null;
  readonly no: boolean | null;
}

const inner = struct<Inner>("Inner", { flag: required(1, bool), tiny: optional(40, i8) });

const outer = struct<Outer>("Outer", {
  small: required(1, i32),
  wide: optional(2, i64),
  text: optional(3, string),
  bytes: optional(20, binary),
  numbers: optional(21, list(i64, 100)),
  inner: optional(22, inner),
  many: optional(300, list(inner, 100)),
  no: optional(301, bool),
});

function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  return codec.read(new CompactReader(bytes, { location: "/w/file.parquet" }));
}

function corrupt(detail: RegExp) {
  return (error: unknown) => {
    assert(error instanceof AppError, String(error));
    assert.deepEqual([error.kind, error.code], ["corrupt_data", "parquet_corrupt"]);
    assert.match(error.message, detail);
    return true;
  };
}

const safeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, -1, 2 ** 53 - 1),
);
const plain = { noNullPrototype: true } as const;
const innerValue = fc.record({
  flag: fc.boolean(),
  tiny: fc.option(fc.integer({ min: -128, max: 127 })),
}, plain);
const outerValue: fc.Arbitrary<Outer> = fc.record({
  small: fc.integer(),
  wide: fc.option(safeInteger),
  text: fc.option(fc.string({ unit: "grapheme" })),
  bytes: fc.option(fc.uint8Array().map((bytes) => new Uint8Array(bytes))),
  numbers: fc.option(fc.array(safeInteger, { maxLength: 20 })),
  inner: fc.option(innerValue),
  many: fc.option(fc.array(innerValue, { maxLength: 20 })),
  no: fc.option(fc.boolean()),
}, plain);

Deno.test("a struct reads as it was written", () => {
  fc.assert(fc.property(outerValue, (value) => {
    assert.deepEqual(decode(outer, encodeThrift(outer, value)), value);
  }));
});

Deno.test("a reader that knows fewer fields skips the others", () => {
  const little = struct<Pick<Outer, "small" | "no">>("Outer", {
    small: required(1, i32),
    no: optional(301, bool),
  });
  fc.assert(fc.property(outerValue, (value) => {
    const { small, no } = value;
    assert.deepEqual(decode(little, encodeThrift(outer, value)), { small, no });
  }));
});

Deno.test("a struct that is cut anywhere is corrupt", () => {
  fc.assert(fc.property(outerValue, (value) => {
    const bytes = encodeThrift(outer, value);
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decode(outer, bytes.subarray(0, end)), corrupt(/ends|lacks/));
    }
  }));
});

Deno.test("random bytes are read or refused, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decode(outer, bytes);
      } catch (error) {
        assert(corrupt(/./)(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a struct without a required field is corrupt", () => {
  assert.throws(() => decode(outer, Uint8Array.of(0)), corrupt(/Outer lacks small/));
});

Deno.test("a field of another wire type is corrupt", () => {
  assert.throws(() => decode(outer, Uint8Array.of(0x18, 1, 65, 0)), corrupt(/wrong type/));
});

Deno.test("a list that claims more than there is, or than is read, is refused", () => {
  const numbers = (size: number, rest: number[]) =>
    Uint8Array.of(0x15, 0, 0x09, 42, 0xf6, ...varint(size), ...rest);
  assert.throws(() => decode(outer, numbers(1_000_000, [0])), corrupt(/claims 1000000/));
  const long = new Array(101).fill(0);
  assert.throws(() => decode(outer, numbers(101, long)), corrupt(/at most 100/));
});

Deno.test("lists of lists do not add up to more than is kept", () => {
  const codec = list(list(i32, 2 ** 20), 2 ** 20);
  const writer = new CompactWriter();
  const inner = new Array(100_000).fill(0);
  codec.write(writer, new Array(51).fill(inner));
  assert.throws(() => decode(codec, writer.toBytes()), corrupt(new RegExp(`${MAX_LIST_ITEMS}`)));
});

Deno.test("skipped values nest only so deep", () => {
  const nested = (depth: number) => {
    const bytes = new Uint8Array(2 * depth + 8).fill(0x1c, 5, 5 + depth);
    bytes.set([0x15, 0, 0x0c, 200, 1]);
    return bytes;
  };
  assert.equal(decode(outer, nested(MAX_SKIP_DEPTH - 1)).small, 0);
  assert.throws(() => decode(outer, nested(MAX_SKIP_DEPTH + 1)), corrupt(/nests too deep/));
  assert.throws(() => decode(outer, nested(1_000_000)), corrupt(/nests too deep/));
});

Deno.test("integers beyond their width are corrupt", () => {
  const wide = (...raw: number[]) => Uint8Array.of(0x15, 0, 0x16, ...raw, 0);
  const bytes = encodeThrift(i64, Number.MAX_SAFE_INTEGER);
  assert.equal(decode(outer, wide(...bytes)).wide, Number.MAX_SAFE_INTEGER);
  assert.throws(
    () => decode(outer, wide(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)),
    corrupt(/beyond 2\^53/),
  );
  assert.throws(() => decode(outer, wide(...new Array(11).fill(0x80))), corrupt(/64 bits/));
  assert.throws(
    () => decode(outer, Uint8Array.of(0x15, 0xff, 0xff, 0xff, 0xff, 0x7f, 0)),
    corrupt(/32 bits/),
  );
});

Deno.test("a name that is not UTF-8 is corrupt", () => {
  assert.throws(() => decode(outer, Uint8Array.of(0x15, 0, 0x28, 1, 0xff, 0)), corrupt(/UTF-8/));
});

Deno.test("the writer refuses what 32 bits do not hold", () => {
  assert.throws(() => encodeThrift(i32, 2 ** 31), RangeError);
  assert.throws(() => encodeThrift(i16, 0.5), RangeError);
});

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push(rest & 0x7f | 0x80);
  return [...bytes, rest];
}
