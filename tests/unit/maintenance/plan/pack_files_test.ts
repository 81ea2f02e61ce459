import assert from "node:assert/strict";
import fc from "fast-check";
import { packFiles } from "../../../../lib/maintenance/plan/pack_files.ts";

const pack = (sizes: readonly number[], maxBytes: number, maxFiles = Infinity) =>
  packFiles(sizes, (size) => size, { maxBytes, maxFiles });

Deno.test("packFiles() begins a new group where the next file does not fit", () => {
  assert.deepEqual(pack([4, 4, 4, 1], 9), [[4, 4], [4, 1]]);
});

Deno.test("packFiles() gives a file beyond the bound a group of its own", () => {
  assert.deepEqual(pack([1, 20, 1], 9), [[1], [20], [1]]);
});

Deno.test("packFiles() bounds the number of files", () => {
  assert.deepEqual(pack([1, 1, 1, 1, 1], 100, 2), [[1, 1], [1, 1], [1]]);
});

Deno.test("packFiles() of nothing is nothing", () => {
  assert.deepEqual(pack([], 9), []);
});

Deno.test("packFiles() keeps every file once, in order, within the bounds", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 80 });
  const bound = fc.integer({ min: 1, max: 120 });
  fc.assert(fc.property(sizes, bound, fc.integer({ min: 1, max: 9 }), (files, bytes, count) => {
    const groups = pack(files, bytes, count);
    assert.deepEqual(groups.flat(), files);
    for (const group of groups) {
      assert(group.length >= 1 && group.length <= count);
      assert(group.length === 1 || group.reduce((a, b) => a + b) <= bytes);
    }
  }));
});
