import assert from "node:assert/strict";
import fc from "fast-check";
import { hashKeys } from "../../../../../lib/columnar/table/deletes/key_set.ts";
import { MAX_LISTED_VALUES } from "../../../../../lib/columnar/table/keys/column_values.ts";
import { KeyBag } from "../../../../../lib/columnar/table/keys/key_bag.ts";
import { LatestRows } from "../../../../../lib/columnar/table/keys/latest_rows.ts";
import { bind } from "../../../../../lib/iceberg/expression/bind.ts";
import { rowMatcher } from "../../../../../lib/iceberg/expression/match_row.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue } from "../../../../../lib/iceberg/spec/types.ts";
import { batchOfRows, rowsOfBatch } from "../../../../support/rows.ts";
import { field } from "../../arrow/_columns.ts";
import { exactText, ODD_FIELDS, ODD_KEY_IDS, oddRow } from "../_odd_columns.ts";
import { valueAt } from "../_table_model.ts";

const ODD = new Schema({ schemaId: 0, fields: ODD_FIELDS, identifierFieldIds: [] });
const PAIRS = new Schema({
  schemaId: 0,
  fields: [field(1, "k", { kind: "long" }, true), field(2, "v", { kind: "string" })],
  identifierFieldIds: [],
});

const ids = fc.oneof(
  fc.uniqueArray(fc.constantFrom(...ODD_KEY_IDS), { minLength: 1, maxLength: 3 }),
  fc.constant(null),
);
const batches = fc.array(fc.array(oddRow, { maxLength: 6 }), { maxLength: 4 });

function keyText(row: readonly IcebergValue[], ids: readonly number[] | null): string {
  return (ids ?? ODD_FIELDS.map(({ id }) => id)).map((id) =>
    exactText(valueAt(row, ODD_FIELDS, id))
  )
    .join();
}

Deno.test("KeyBag numbers keys as they come, and counts the rows of each", () => {
  fc.assert(fc.property(batches, ids, (batches, ids) => {
    const bag = new KeyBag({ schema: ODD, ids });
    const counts = new Map<string, number>();
    for (const rows of batches) {
      const numbers = bag.add(batchOfRows(ODD_FIELDS, rows));
      for (const [at, row] of rows.entries()) {
        const key = keyText(row, ids);
        counts.set(key, (counts.get(key) ?? 0) + 1);
        assert.equal(numbers[at], [...counts.keys()].indexOf(key));
      }
    }
    assert.equal(bag.size, counts.size);
    assert.deepEqual([...bag.counts()], [...counts.values()]);
    assert.equal(bag.rows, batches.flat().length);
  }));
});

Deno.test("KeyBag.filter() matches every row with one of the keys", () => {
  fc.assert(fc.property(batches, ids, (batches, ids) => {
    const bag = new KeyBag({ schema: ODD, ids });
    for (const rows of batches) bag.add(batchOfRows(ODD_FIELDS, rows));
    if (bag.size === 0) return;
    const matches = rowMatcher<readonly IcebergValue[]>(
      bind(bag.filter(), ODD),
      (row, { fieldId }) => valueAt(row, ODD_FIELDS, fieldId),
    );
    for (const row of batches.flat()) assert(matches(row), exactText(row));
  }));
});

Deno.test("KeyBag.filter() lists values, and gives their range where they are too many", () => {
  const bag = new KeyBag({ schema: PAIRS, ids: [1] });
  const rows = Array.from({ length: MAX_LISTED_VALUES }, (_, at) => [BigInt(2 * at), null]);
  bag.add(batchOfRows(PAIRS.fields, rows));
  const matches = (key: bigint) =>
    rowMatcher<bigint>(bind(bag.filter(), PAIRS), (value) => value)(key);
  assert.deepEqual([0n, 1n, 2n, -1n].map(matches), [true, false, true, false]);
  bag.add(batchOfRows(PAIRS.fields, [[-5n, null]]));
  assert.deepEqual([0n, 1n, 2n, -1n, -6n].map(matches), [true, true, true, true, false]);
});

Deno.test("KeyBag finds keys among very many, and none that are not there", () => {
  const bag = new KeyBag({ schema: PAIRS, ids: [1] });
  const count = 20_000;
  for (let from = 0; from < count; from += 4_000) {
    const rows = Array.from({ length: 4_000 }, (_, at) => [BigInt(from + at) * 3n, null]);
    bag.add(batchOfRows(PAIRS.fields, rows));
  }
  const looked = batchOfRows(
    PAIRS.fields,
    Array.from({ length: 3 * count }, (_, at) => [BigInt(at), null]),
  );
  const keys = bag.columns.keysOfFields(looked);
  const hashes = hashKeys(keys);
  for (let row = 0; row < keys.length; row++) {
    assert.equal(bag.find(keys, row, hashes[row]!), row % 3 === 0 ? row / 3 : -1);
  }
});

Deno.test("KeyBag ends at its bound of bytes, and says what to do", () => {
  const rows = Array.from({ length: 1_000 }, (_, at) => [BigInt(at), "x".repeat(50)]);
  const error = { kind: "too_large", code: "keys_too_many", message: /fewer rows in one batch$/ };
  const add = (options: { ids: readonly number[] | null; holdsRows?: boolean }) =>
    new KeyBag({ schema: PAIRS, maxBytes: 40_000, ...options }).add(
      batchOfRows(PAIRS.fields, rows),
    );
  assert.equal(add({ ids: [1] }).length, 1_000);
  assert.throws(() => add({ ids: null }), error);
  assert.throws(() => add({ ids: [1, 2] }), error);
  // Keys alone fit; the columns that equality deletes need do not fit beside them.
  const tight = new KeyBag({ schema: PAIRS, ids: [1], maxBytes: 28_000, holdsRows: true });
  assert.throws(() => tight.add(batchOfRows(PAIRS.fields, rows)), error);
});

Deno.test("KeyBag refuses columns that have no equality, or are not there", () => {
  const error = { kind: "invalid", code: "key_column_invalid" };
  for (const ids of [[99], [], [4], [15], [16], [17]]) {
    assert.throws(() => new KeyBag({ schema: ODD, ids }), error);
  }
});

Deno.test("LatestRows keeps the last row of each key, in the order in which they came", () => {
  fc.assert(fc.property(
    batches,
    fc.uniqueArray(fc.constantFrom(...ODD_KEY_IDS), { minLength: 1, maxLength: 3 }),
    (batches, ids) => {
      const latest = new LatestRows({ schema: ODD, ids });
      for (const rows of batches) latest.add(batchOfRows(ODD_FIELDS, rows));
      const all = batches.flat();
      const last = new Map(all.map((row, at) => [keyText(row, ids), at]));
      const expected = all.filter((row, at) => last.get(keyText(row, ids)) === at);
      assert.equal(latest.size, expected.length);
      const found = [...latest.rows()].flatMap((batch) => rowsOfBatch(batch, ODD_FIELDS));
      assert.deepEqual(found.map(exactText), expected.map(exactText));
      assert.deepEqual([...latest.rows()], []);
    },
  ));
});

Deno.test("LatestRows keeps rows whose keys were to go anyway, whatever came before", () => {
  const key = fc.bigInt({ min: 0n, max: 200n });
  const parts = fc.array(fc.record({ leave: fc.array(key), come: fc.array(key) }), {
    maxLength: 4,
  });
  const pairs = (keys: readonly bigint[], at = 0) =>
    batchOfRows(PAIRS.fields, keys.map((key, row) => [key, `${at}.${row}`]));
  fc.assert(fc.property(parts, (parts) => {
    const latest = new LatestRows({ schema: PAIRS, ids: [1] });
    const expected = new Map<unknown, unknown>();
    for (const [at, { leave, come }] of parts.entries()) {
      latest.keys.add(pairs(leave));
      latest.add(pairs(come, at));
      for (const [row, key] of come.entries()) expected.set(key, `${at}.${row}`);
    }
    const rows = [...latest.rows()].flatMap((batch) => rowsOfBatch(batch, PAIRS.fields));
    assert.equal(rows.length, expected.size);
    assert.deepEqual(new Map(rows.map(([key, value]) => [key, value])), expected);
    const all = parts.flatMap(({ leave, come }) => [...leave, ...come]);
    assert.equal(latest.keys.size, new Set(all).size);
  }));
  // Keys that leave, in another order than the rows that come for them.
  const latest = new LatestRows({ schema: PAIRS, ids: [1] });
  latest.keys.add(pairs([1n, 2n]));
  latest.add(pairs([2n, 1n]));
  const rows = [...latest.rows()].flatMap((batch) => rowsOfBatch(batch, PAIRS.fields));
  assert.deepEqual(rows, [[2n, "0.0"], [1n, "0.1"]]);
});

Deno.test("LatestRows lets go of batches whose every row has been replaced", () => {
  const rows = Array.from({ length: 100 }, (_, at) => [BigInt(at), "x".repeat(100)]);
  const latest = new LatestRows({ schema: PAIRS, ids: [1], maxBytes: 30_000 });
  for (let round = 0; round < 20; round++) latest.add(batchOfRows(PAIRS.fields, rows));
  assert.equal(latest.size, 100);
  const others = rows.map(([key]) => [BigInt(key as bigint) + 1_000n, "y".repeat(200)]);
  assert.throws(() => latest.add(batchOfRows(PAIRS.fields, others)), {
    kind: "too_large",
    code: "rows_too_many",
  });
});

Deno.test("LatestRows refuses null in a key column that is required, and takes it in others", () => {
  const optional = new Schema({
    schemaId: 0,
    fields: [field(1, "k", { kind: "long" }), field(2, "v", { kind: "string" })],
    identifierFieldIds: [],
  });
  const batch = batchOfRows(optional.fields, [[1n, "a"], [null, "b"], [null, "c"]]);
  const latest = new LatestRows({ schema: optional, ids: [1] });
  latest.add(batch);
  assert.equal(latest.size, 2);
  assert.throws(() => new LatestRows({ schema: PAIRS, ids: [1] }).add(batch), {
    kind: "invalid",
    code: "key_null",
    message: /column "k", which is required, is null in row 1 of a batch/,
  });
});
