import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { encodeDeletionVector } from "../../../../lib/iceberg/puffin/encode_deletion_vector.ts";
import { readDeletionVector } from "../../../../lib/iceberg/puffin/read_deletion_vector.ts";
import { concat } from "../../../support/avro_bytes.ts";
import { FIXTURES, fixtureTest } from "../../../support/fixtures.ts";

const FIXTURE = `${FIXTURES}/legacy_bare_deletion_vector/warehouse/default/` +
  "legacy_bare_deletion_vector/data/legacy-bare-deletion-vector.puffin";

function read(bytes: Uint8Array) {
  return readDeletionVector(bytes, { location: "s3://bucket/db/t/data/d.puffin" });
}

function range(start: number, end: number, step = 1): number[] {
  return Array.from(
    { length: Math.ceil((end - start) / step) },
    (_, index) => start + index * step,
  );
}

// Written by Python: pyroaring 1.2.0, BitMap64(positions).serialize() (with run_optimize() for the
// second), framed with struct.pack(">I", len), the magic bytes and zlib.crc32.
const ARRAYS = {
  positions: [0, 1, 5, 65_535, 65_536, 2 ** 20, 2 ** 32 + 7, 5 * 2 ** 32 + 3],
  hex: "00000068d1d339640300000000000000000000003a3000000300000000000300010000001000000020000000" +
    "280000002a000000000001000500ffff00000000010000003a30000001000000000000001000000007000500" +
    "00003a30000001000000000000001000000003009660797f",
};
const RUNS = {
  positions: [...range(10, 1_000), ...range(70_000, 200_000), 300_000, 400_000],
  hex: "00000061d1d339640100000000000000000000003b3005000f0000dd0301008fee0200ffff03003f0d040000" +
    "0006000000350000003b00000041000000470000004d0000004f00000001000a00dd03010070118fee010000" +
    "00ffff010000003f0de093801a22116c0c",
};

Deno.test("readDeletionVector() reads array and run containers of another implementation", () => {
  for (const { positions, hex } of [ARRAYS, RUNS]) {
    const vector = read(Uint8Array.fromHex(hex));
    assert.equal(vector.cardinality, positions.length);
    assert.deepEqual([...vector], positions);
    assert(positions.every((position) => vector.has(position)));
    for (const absent of [2, 9, 65_534, 69_999, 299_999, 400_001, 2 ** 32 + 6, 2 ** 52]) {
      assert.equal(vector.has(absent), positions.includes(absent), String(absent));
    }
  }
});

Deno.test("encodeDeletionVector() writes the bytes that another implementation writes", () => {
  for (const { positions, hex } of [ARRAYS, RUNS]) {
    assert.equal(encodeDeletionVector(positions).toHex(), hex);
  }
  // SHA-256 of the same for BitMap64(range(0, 20000, 3)): a bitmap container.
  const bytes = encodeDeletionVector(range(0, 20_000, 3));
  assert.equal(
    createHash("sha256").update(bytes).digest("hex"),
    "cbdda37449b0852991dece44316278d375f16cf842214958c87daba53c0e1aed",
  );
  assert.deepEqual([...read(bytes)], range(0, 20_000, 3));
});

fixtureTest("readDeletionVector() reads the bare blob of a legacy writer", () => {
  // fastavro reads content_offset 0, content_size_in_bytes 42, record_count 1 from its manifest.
  const bytes = Deno.readFileSync(FIXTURE);
  assert.equal(bytes.length, 42);
  const vector = read(bytes);
  assert.equal(vector.cardinality, 1);
  assert.deepEqual([...vector], [1]);
  assert.deepEqual([vector.has(0), vector.has(1), vector.has(2)], [false, true, false]);
});

const position = fc.oneof(
  fc.nat(200),
  fc.integer({ min: 65_500, max: 66_000 }),
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
const stretch = fc.tuple(fc.nat(300_000), fc.nat(5_000), fc.integer({ min: 1, max: 3 }))
  .map(([start, length, step]) => range(start, start + length * step, step));
const positionSets = fc.tuple(fc.array(position), fc.array(stretch, { maxLength: 3 }))
  .map(([single, stretches]) => [...single, ...stretches.flat()]);

Deno.test("readDeletionVector() inverts encodeDeletionVector() for any positions", () => {
  fc.assert(fc.property(positionSets, (positions) => {
    const vector = read(encodeDeletionVector(positions));
    const expected = [...new Set(positions)].sort((a, b) => a - b);
    assert.equal(vector.cardinality, expected.length);
    assert.deepEqual([...vector], expected);
    const set = new Set(positions);
    for (const each of positions.slice(0, 50)) {
      for (const near of [each - 1, each, each + 1]) assert.equal(vector.has(near), set.has(near));
    }
  }));
});

Deno.test("readDeletionVector() inverts encodeDeletionVector() for a full 32-bit bitmap", () => {
  const positions = range(0, 2 ** 32, 65_536);
  const vector = read(encodeDeletionVector(positions));
  assert.equal(vector.cardinality, 65_536);
  assert(vector.has(2 ** 32 - 65_536) && !vector.has(2 ** 32 - 1));
});

Deno.test("encodeDeletionVector() refuses what is no row position", () => {
  for (const bad of [-1, 1.5, NaN, 2 ** 53]) {
    assert.throws(() => encodeDeletionVector([0, bad, 5]), RangeError);
  }
  assert.equal(read(encodeDeletionVector([])).cardinality, 0);
});

/** A blob with right length, magic and checksum around `bitmaps`. */
function frame(bitmaps: Uint8Array): Uint8Array {
  const covered = concat(0xd1, 0xd3, 0x39, 0x64, bitmaps);
  const bytes = concat(0, 0, 0, 0, covered, 0, 0, 0, 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, covered.length);
  view.setUint32(bytes.length - 4, crc32(covered));
  return bytes;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, index) => new DataView(bytes.buffer).setUint32(4 * index, value, true));
  return bytes;
}

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => read(bytes), (error: unknown) => {
    assert(error instanceof AppError && error.code === "deletion_vector_malformed", String(error));
    assert.match(error.message, message);
    return true;
  });
}

const NO_RUNS = 12_346;

Deno.test("readDeletionVector() takes empty bitmaps, which Java writes for keys without rows", () => {
  const bytes = frame(concat(words(2, 0, 0, NO_RUNS, 0), words(1, NO_RUNS, 1, 0, 16), 9, 0));
  assert.deepEqual([...read(bytes)], [2 ** 32 + 9]);
});

Deno.test("readDeletionVector() refuses a damaged frame", () => {
  const good = Uint8Array.fromHex(ARRAYS.hex);
  const change = (at: number) => good.with(at, good[at]! ^ 1);
  refuses(change(0), /claims/);
  refuses(change(4), /magic/);
  refuses(change(20), /checksum/);
  refuses(change(good.length - 1), /checksum/);
  refuses(good.subarray(0, -1), /claims/);
  refuses(new Uint8Array(11), /too short/);
});

Deno.test("readDeletionVector() refuses bitmaps that lie", () => {
  refuses(frame(words(0xffffffff, 0x7fffffff)), /claims \d+ bitmaps/);
  refuses(frame(words(1, 0, 0, 5, 0)), /no cookie/);
  refuses(frame(words(1, 0, 0, NO_RUNS, 70_000)), /70000 containers/);
  refuses(frame(words(1, 0, 0, NO_RUNS, 60_000)), /middle/);
  refuses(frame(words(1, 0, 2 ** 21, NO_RUNS, 0)), /2\^53/);
  refuses(frame(words(2, 0, 1, NO_RUNS, 0, 1, NO_RUNS, 0)), /not in order/);
  refuses(frame(concat(words(1, 0, 0, NO_RUNS, 0), 1)), /left/);
  const array = (...values: number[]) => {
    const header = words(1, 0, 0, NO_RUNS, 1, (values.length - 1) << 16, 16);
    return frame(concat(header, ...values.flatMap((value) => [value & 255, value >> 8])));
  };
  assert.deepEqual([...read(array(3, 4))], [3, 4]);
  refuses(array(4, 3), /not in order/);
  refuses(array(4, 4), /not in order/);
  const bitmap = concat(words(1, 0, 0, NO_RUNS, 1, 5_000 << 16, 16), new Uint8Array(8_192));
  refuses(frame(bitmap), /cardinality/);
  const run = (first: number, length: number, cardinality: number) =>
    frame(concat(
      words(1, 0, 0, 12_347),
      1,
      words((cardinality - 1) << 16),
      Uint8Array.of(1, 0, first & 255, first >> 8, length & 255, length >> 8),
    ));
  assert.deepEqual([...read(run(5, 2, 3))], [5, 6, 7]);
  refuses(run(5, 2, 4), /runs/);
  refuses(run(65_535, 1, 2), /runs/);
});

Deno.test("readDeletionVector() ends in an AppError or a vector on any framed bytes", () => {
  const seeds = fc.constantFrom(
    ...[ARRAYS, RUNS].map(({ hex }) => Uint8Array.fromHex(hex).slice(8, -4)),
    encodeDeletionVector(range(0, 20_000, 3)).slice(8, -4),
  );
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 });
  fc.assert(
    fc.property(seeds, changes, fc.nat(), (seed, edits, cut) => {
      const bytes = seed.slice(0, cut % 3 === 0 ? cut % seed.length : undefined);
      for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
      try {
        const vector = read(frame(bytes));
        let count = 0;
        for (const _ of vector) count++;
        assert.equal(count, vector.cardinality);
      } catch (error) {
        assert(error instanceof AppError, String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});
