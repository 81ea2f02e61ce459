/** Every kernel on every type, with nulls, slices and offsets, against plain arrays. */
import assert from "node:assert/strict";
import { RecordBatch, Table, tableFromIPC, tableToIPC } from "apache-arrow";
import fc from "fast-check";
import {
  concatBatches,
  filterRanges,
  filterRows,
  gatherRows,
  sliceBatch,
  takeRows,
} from "../../../../lib/columnar/arrow/batch.ts";
import { newBitmap, setBit } from "../../../../lib/columnar/arrow/bitmap.ts";
import { constantColumn } from "../../../../lib/columnar/arrow/constant_column.ts";
import { nullsOf } from "../../../../lib/columnar/arrow/layout.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import {
  batchOf,
  columnOf,
  LEAF_TYPES,
  slicedBatchOf,
  typed,
  typedValues,
  valuesIn,
  valuesOfBatch,
} from "./_columns.ts";

const RUNS = { numRuns: 400 };

/** Values with some of them in front, so that slices start anywhere. */
const samples = typedValues().chain(({ type, values }) =>
  fc.integer({ min: 0, max: Math.min(11, values.length) }).map((front) => ({
    type,
    values,
    before: values.slice(0, front),
  }))
);

/** Rows of a batch: any of them, any number of times. */
function picks(length: number): fc.Arbitrary<number[]> {
  return length === 0 ? fc.constant([]) : fc.array(fc.nat({ max: length - 1 }), { maxLength: 60 });
}

Deno.test("every leaf type is built and read back, with and without nulls", () => {
  for (const { type, value } of LEAF_TYPES) {
    const values = fc.array(fc.option(value, { freq: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(values, (column) => {
        assert.deepEqual(valuesIn(columnOf(type, column), type), column);
        assert.equal(nullsOf(columnOf(type, column)), column.filter((v) => v === null).length);
      }),
      { numRuns: 40 },
    );
  }
});

Deno.test("nested values are built and read back", () => {
  fc.assert(
    fc.property(typedValues(3, 20), ({ type, values }) => {
      assert.deepEqual(valuesIn(columnOf(type, values), type), values);
    }),
    RUNS,
  );
});

Deno.test("sliceBatch() shows the rows asked for, also of slices of slices", () => {
  const property = fc.property(
    samples,
    fc.nat(50),
    fc.nat(50),
    ({ type, values, before }, at, length) => {
      const batch = slicedBatchOf(type, values, before);
      const slice = sliceBatch(batch, { at, length });
      assert.deepEqual(valuesOfBatch(slice, type), values.slice(at, at + length));
      const inner = sliceBatch(slice, { at: 1, length: 3 });
      assert.deepEqual(valuesOfBatch(inner, type), values.slice(at, at + length).slice(1, 4));
    },
  );
  fc.assert(property, RUNS);
});

Deno.test("takeRows() gives the picked rows in their order", () => {
  const withPicks = samples.chain((sample) =>
    picks(sample.values.length).map((rows) => ({ ...sample, rows }))
  );
  fc.assert(
    fc.property(withPicks, ({ type, values, before, rows }) => {
      const taken = takeRows(slicedBatchOf(type, values, before), Int32Array.from(rows));
      assert.deepEqual(valuesOfBatch(taken, type), rows.map((row) => values[row]));
    }),
    RUNS,
  );
});

Deno.test("takeRows() refuses rows outside of the batch", () => {
  const batch = batchOf({ kind: "int" }, columnOf({ kind: "int" }, [1, 2, 3]));
  assert.throws(() => takeRows(batch, Int32Array.of(0, 3)), RangeError);
  assert.throws(() => takeRows(batch, Int32Array.of(-1)), RangeError);
});

Deno.test("gatherRows() picks from several batches", () => {
  const several = typed(2).chain(({ type, value }) =>
    fc.array(fc.array(fc.option(value, { freq: 4 }), { minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 4,
    }).chain((chunks) =>
      fc.array(
        fc.nat({ max: chunks.length - 1 }).chain((chunk) =>
          fc.nat({ max: (chunks[chunk]?.length ?? 1) - 1 }).map((row) => [chunk, row] as const)
        ),
        { maxLength: 50 },
      ).map((picked) => ({ type, chunks, picked }))
    )
  );
  fc.assert(
    fc.property(several, ({ type, chunks, picked }) => {
      const batches = chunks.map((values) => slicedBatchOf(type, values, values.slice(0, 3)));
      const [first, ...rest] = batches;
      assert(first !== undefined);
      const gathered = gatherRows([first, ...rest], {
        rows: Int32Array.from(picked, ([, row]) => row),
        chunkOf: Int32Array.from(picked, ([chunk]) => chunk),
      });
      const expected = picked.map(([chunk, row]) => chunks[chunk]?.[row]);
      assert.deepEqual(valuesOfBatch(gathered, type), expected);
    }),
    RUNS,
  );
});

Deno.test("concatBatches() joins slices end to end", () => {
  const several = typed(2).chain(({ type, value }) =>
    fc.array(fc.array(fc.option(value, { freq: 4 }), { maxLength: 20 }), {
      minLength: 1,
      maxLength: 4,
    }).map((chunks) => ({ type, chunks }))
  );
  fc.assert(
    fc.property(several, ({ type, chunks }) => {
      const [first, ...rest] = chunks.map((chunk) => slicedBatchOf(type, chunk, chunk.slice(0, 5)));
      assert(first !== undefined);
      assert.deepEqual(valuesOfBatch(concatBatches([first, ...rest]), type), chunks.flat(1));
    }),
    RUNS,
  );
});

Deno.test("filterRows() keeps the rows whose bit is set, wherever the mask starts", () => {
  const masked = samples.chain((sample) => {
    const { length } = sample.values;
    // Long runs and single rows take different ways.
    const keeps = fc.oneof(
      fc.array(fc.boolean(), { minLength: length, maxLength: length }),
      fc.nat(length).map((end) => sample.values.map((_, row) => row < end)),
    );
    return fc.tuple(keeps, fc.nat(20)).map(([keep, offset]) => ({ ...sample, keep, offset }));
  });
  fc.assert(
    fc.property(masked, ({ type, values, before, keep, offset }) => {
      const bits = newBitmap(offset + keep.length + 9);
      // What lies outside of the mask is noise.
      for (let at = 0; at < offset; at++) setBit(bits, at);
      keep.forEach((kept, row) => kept && setBit(bits, offset + row));
      setBit(bits, offset + keep.length);
      const filtered = filterRows(slicedBatchOf(type, values, before), { bits, offset });
      assert.deepEqual(valuesOfBatch(filtered, type), values.filter((_, row) => keep[row]));
    }),
    RUNS,
  );
});

Deno.test("filterRows() copies long runs whole, and gives the same rows", () => {
  const values = Array.from({ length: 5_000 }, (_, row) => row % 7 === 0 ? null : `row ${row}`);
  const batch = slicedBatchOf({ kind: "string" }, values, values.slice(0, 3));
  const bits = newBitmap(values.length);
  const keep = (row: number) => row % 1000 > 100 && row % 1000 < 900 && row !== 4_500;
  values.forEach((_, row) => keep(row) && setBit(bits, row));
  const expected = values.filter((_, row) => keep(row));
  assert.deepEqual(valuesOfBatch(filterRows(batch, { bits }), { kind: "string" }), expected);
  const ranges = [{ at: 10, length: 5 }, { at: 4_990, length: 100 }, { at: 0, length: 0 }];
  assert.deepEqual(
    valuesOfBatch(filterRanges(batch, ranges), { kind: "string" }),
    [...values.slice(10, 15), ...values.slice(4_990)],
  );
});

Deno.test("constantColumn() repeats a value of any type", () => {
  const sample = typedValues(2, 1).map(({ type, values }) => ({ type, value: values[0] ?? null }));
  fc.assert(
    fc.property(sample, fc.nat(30), ({ type, value }, length) => {
      const column = constantColumn(type, value, { length, column: "c" });
      assert.equal(column.length, length);
      assert.deepEqual(valuesIn(column, type), new Array<IcebergValue>(length).fill(value));
    }),
    RUNS,
  );
});

Deno.test("what kernels make is Arrow that other readers take", () => {
  const withPicks = samples.chain((sample) =>
    picks(sample.values.length).map((rows) => ({ ...sample, rows }))
  );
  fc.assert(
    fc.property(withPicks, ({ type, values, before, rows }) => {
      const batch = slicedBatchOf(type, values, before);
      const taken = takeRows(batch, Int32Array.from(rows));
      const joined = concatBatches([taken, batch]);
      const [copy] = tableFromIPC(tableToIPC(new Table([joined]), "stream")).batches;
      assert(copy instanceof RecordBatch || joined.numRows === 0);
      if (copy === undefined) return;
      const expected = [...rows.map((row) => values[row]), ...values];
      assert.deepEqual(valuesOfBatch(copy, type), expected);
    }),
    RUNS,
  );
});
