import assert from "node:assert/strict";
import { isDictionaryWorthwhile } from "../../../../lib/columnar/parquet/transcode/dictionary_choice.ts";

const MIB = 1024 ** 2;

/** Chunks of one size that found as many different values each. */
const chunks = (count: number, values: number, distinctValues: number, valueBytes = 8) =>
  Array(count).fill({ values, distinctValues, valueBytes });

Deno.test("isDictionaryWorthwhile() keeps dictionaries of few values", () => {
  assert(isDictionaryWorthwhile(chunks(200, 12_500, 60), 2 * MIB));
  assert(isDictionaryWorthwhile(chunks(1, 100, 1), 2 * MIB));
});

Deno.test("isDictionaryWorthwhile() sees that chunks draw from one pool", () => {
  // 7,135 of 10,000 customers in each file: 10,000 in all of them together, not 1.4 million.
  assert(isDictionaryWorthwhile(chunks(200, 12_500, 7_135, 4), 2 * MIB));
});

Deno.test("isDictionaryWorthwhile() does without where every value differs", () => {
  assert(!isDictionaryWorthwhile(chunks(200, 12_500, 12_500), 2 * MIB));
  assert(!isDictionaryWorthwhile(chunks(1, 100, 100), 2 * MIB));
});

Deno.test("isDictionaryWorthwhile() does without where the dictionary would overflow", () => {
  // A pool of a million of which each file finds 12,422.
  assert(!isDictionaryWorthwhile(chunks(400, 12_500, 12_422), 2 * MIB));
  assert(isDictionaryWorthwhile(chunks(400, 12_500, 12_422), 64 * MIB));
});

Deno.test("isDictionaryWorthwhile() does without where numbers save nothing", () => {
  assert(!isDictionaryWorthwhile(chunks(1, 1_000, 900), 2 * MIB));
  assert(!isDictionaryWorthwhile(chunks(1, 1_000, 200, 1), 2 * MIB));
});

Deno.test("isDictionaryWorthwhile() leaves a column without values as it is", () => {
  assert(isDictionaryWorthwhile([], 2 * MIB));
});
