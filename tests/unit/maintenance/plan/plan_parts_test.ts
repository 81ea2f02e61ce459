import assert from "node:assert/strict";
import fc from "fast-check";
import { hasRightSize, partSize, planParts } from "../../../../lib/maintenance/plan/plan_parts.ts";

const MIB = 1024 ** 2;

/** Files by their number, each whole. */
const whole = (sizes: readonly number[]) =>
  sizes.map((bytes, file) => ({ file, bytes, rowGroups: null }));

/** Row groups by their numbers. */
const cut = (sizes: readonly number[]) => sizes.map((bytes, at) => ({ at, bytes }));

const bytesOf = (sizes: readonly number[], size: number) =>
  planParts(whole(sizes), size).map(({ bytes }) => bytes);

Deno.test("planParts() makes parts of the size that divides files evenly", () => {
  assert.deepEqual(bytesOf(Array(400).fill(10), 2_000), [2_000, 2_000]);
});

Deno.test("planParts() leaves no sliver behind where files are not of one size", () => {
  const sizes = Array.from({ length: 401 }, (_, at) => 95 + at % 11);
  const size = Math.ceil(sizes.reduce((a, b) => a + b) / 2);
  assert.equal(planParts(whole(sizes), size).length, 2);
});

Deno.test("planParts() makes equal parts rather than full ones and a remainder", () => {
  assert.deepEqual(bytesOf(Array(12).fill(10), 100), [60, 60]);
});

Deno.test("planParts() gives a file beyond the size a part of its own", () => {
  assert.deepEqual(bytesOf([10, 1_000, 10], 100), [10, 1_000, 10]);
});

Deno.test("planParts() cuts files between their row groups, and joins those of one part", () => {
  const sources = [{ file: "a", bytes: 40, rowGroups: cut([10, 10, 10, 10]) }];
  assert.deepEqual(planParts(sources, 20), [
    { inputs: [{ file: "a", rowGroups: [0, 1], bytes: 20 }], bytes: 20 },
    { inputs: [{ file: "a", rowGroups: [2, 3], bytes: 20 }], bytes: 20 },
  ]);
});

Deno.test("planParts() takes only the row groups that are asked for", () => {
  const rowGroups = [{ at: 2, bytes: 10 }, { at: 5, bytes: 10 }];
  assert.deepEqual(planParts([{ file: "a", bytes: 90, rowGroups }], 100), [
    { inputs: [{ file: "a", rowGroups: [2, 5], bytes: 20 }], bytes: 20 },
  ]);
  assert.deepEqual(planParts([{ file: "a", bytes: 90, rowGroups: [] }], 100), []);
});

Deno.test("planParts() of nothing is nothing", () => {
  assert.deepEqual(planParts([], 100), []);
});

Deno.test("planParts() keeps every row group once, in order, in parts near the size", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 });
  const files = fc.array(sizes, { maxLength: 30 });
  fc.assert(fc.property(files, fc.integer({ min: 1, max: 200 }), (groups, size) => {
    const sources = groups.map((rowGroups, file) => ({
      file,
      bytes: rowGroups.reduce((a, b) => a + b),
      rowGroups: cut(rowGroups),
    }));
    const parts = planParts(sources, size);
    const found = parts.flatMap(({ inputs }) =>
      inputs.flatMap(({ file, rowGroups }) => rowGroups!.map((group) => [file, group]))
    );
    assert.deepEqual(
      found,
      groups.flatMap((rowGroups, file) => rowGroups.map((_, group) => [file, group])),
    );
    const largest = Math.max(0, ...groups.flat());
    for (const { inputs, bytes } of parts) {
      assert(inputs.length > 0);
      assert.equal(bytes, inputs.reduce((sum, input) => sum + input.bytes, 0));
      assert(bytes <= size * 1.05 + largest);
    }
  }));
});

Deno.test("partSize() is a row group, or less to keep every isolate busy", () => {
  const options = {
    groupBytes: 1024 * MIB,
    rollBytes: 512 * MIB,
    rowGroupBytes: 128 * MIB,
    maxBytes: 256 * MIB,
    width: 4,
  };
  assert.equal(partSize(options), 128 * MIB);
  assert.equal(partSize({ ...options, groupBytes: 64 * MIB }), 16 * MIB);
  // Rather two full rounds than one and a quarter.
  assert.equal(partSize({ ...options, groupBytes: 640 * MIB }), 80 * MIB);
  // Too little to share out.
  assert.equal(partSize({ ...options, groupBytes: 8 * MIB }), 8 * MIB);
  assert.equal(partSize({ ...options, maxBytes: 32 * MIB }), 32 * MIB);
  // Where a file ends must be told more finely than by whole files.
  assert.equal(partSize({ ...options, rollBytes: 100 * MIB }), 25 * MIB);
});

Deno.test("hasRightSize() takes row groups near the size of new ones, and none that are tiny", () => {
  const sizes = { rollBytes: 512 * MIB, rowGroupBytes: 128 * MIB };
  const right = (mib: number, of = sizes) => hasRightSize(mib * MIB, of);
  assert.deepEqual([15, 16, 128, 160, 161].map((mib) => right(mib)), [
    false,
    true,
    true,
    true,
    false,
  ]);
  const small = { ...sizes, rowGroupBytes: 16 * MIB };
  assert.deepEqual([3, 4, 20, 21].map((mib) => right(mib, small)), [false, true, true, false]);
  const smallFiles = { ...sizes, rollBytes: 64 * MIB };
  assert.deepEqual([4, 20, 21].map((mib) => right(mib, smallFiles)), [true, true, false]);
});
