import assert from "node:assert/strict";
import fc from "fast-check";
import { sizeRulesFor } from "../../../../lib/iceberg/rewrite/file_size_rules.ts";
import {
  expectedOutputFiles,
  outputSizes,
  writeMaxFileSize,
} from "../../../../lib/maintenance/plan/output_sizes.ts";

const RULES = sizeRulesFor(1_000_000);

const EXPECTED: readonly (readonly [bytes: number, files: number, why: string])[] = [
  [0, 1, "nothing is one file"],
  [999_999, 1, "less than a target is one file"],
  [1_000_000, 1, "a target is one file"],
  [1_099_999, 1, "a remainder below a tenth is spread"],
  [1_100_000, 2, "one above it is not, where one file would take it"],
  [1_400_000, 2, "nor is a larger one"],
  [1_750_001, 2, "a remainder of the right size is a file"],
  [5_300_000, 5, "a remainder is spread over five files"],
  [5_500_000, 6, "unless they would pass 110 percent"],
  [10_100_000, 10, "ten files take a tenth of a file"],
  [10_760_000, 11, "a remainder of the right size is kept even where it could be spread"],
];

for (const [bytes, files, why] of EXPECTED) {
  Deno.test(`expectedOutputFiles() of ${bytes} bytes is ${files}: ${why}`, () => {
    assert.equal(expectedOutputFiles(bytes, RULES), files);
  });
}

Deno.test("writeMaxFileSize() lies half way from target to maximum", () => {
  assert.equal(writeMaxFileSize(RULES), 1_400_000);
});

Deno.test("outputSizes() rolls at the target where files come out smaller than it", () => {
  const sizes = outputSizes(1_400_000, { rules: RULES, compressionFactor: 1 });
  assert.deepEqual(sizes, { expectedFiles: 2, rollBytes: 1_000_000, maxBytes: 1_400_000 });
});

Deno.test("outputSizes() rolls at an equal share where a remainder is spread", () => {
  const sizes = outputSizes(10_400_000, { rules: RULES, compressionFactor: 1 });
  assert.deepEqual(sizes, { expectedFiles: 10, rollBytes: 1_045_120, maxBytes: 1_400_000 });
});

Deno.test("outputSizes() expects more files of sorting by the compression factor", () => {
  assert.equal(outputSizes(4_000_000, { rules: RULES, compressionFactor: 2 }).expectedFiles, 8);
  assert.equal(outputSizes(4_000_000, { rules: RULES, compressionFactor: 0.1 }).expectedFiles, 1);
});

Deno.test("outputSizes() makes files of the right size but for one remainder, for any input", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 2 ** 40 }),
    fc.integer({ min: 20_000, max: 2 ** 33 }),
    (bytes, target) => {
      const rules = sizeRulesFor(target);
      const { expectedFiles, rollBytes, maxBytes } = outputSizes(bytes, {
        rules,
        compressionFactor: 1,
      });
      assert(rollBytes >= target && rollBytes <= maxBytes && maxBytes < rules.maxBytes);
      assert(expectedFiles >= 1);
      // Filling files up to where they roll never takes more than are expected.
      assert(Math.ceil(bytes / rollBytes) <= expectedFiles);
    },
  ));
});
