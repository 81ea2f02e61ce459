import assert from "node:assert/strict";
import {
  Binary,
  BinaryView,
  Bool,
  Dictionary,
  Field,
  Int32,
  Int64,
  Int8,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint32,
  Utf8,
  Utf8View,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import fc from "fast-check";
import { concatBatches, sliceBatch, takeRows } from "../../../../lib/columnar/arrow/batch.ts";
import { sliceColumn } from "../../../../lib/columnar/arrow/concat_columns.ts";
import { makeColumn } from "../../../../lib/columnar/arrow/layout.ts";
import { plainBatch, plainColumn } from "../../../../lib/columnar/arrow/plain.ts";
import { AppError } from "../../../../lib/errors.ts";
import { valuesIn, valuesOfBatch } from "./_columns.ts";

const texts = fc.array(
  fc.option(fc.oneof(fc.constantFrom("a", "bb", ""), fc.string({ maxLength: 30 })), { freq: 4 }),
  { minLength: 1, maxLength: 30 },
);

function dataOf(vector: Vector) {
  const [data, ...others] = vector.data;
  assert(data !== undefined && others.length === 0);
  return data;
}

Deno.test("plainColumn() writes out dictionaries of any index type, slices too", () => {
  const property = fc.property(
    texts,
    fc.constantFrom(new Int8(), new Int32(), new Uint32()),
    fc.nat(5),
    (values, indexType, at) => {
      const column = dataOf(vectorFromArray(values, new Dictionary(new Utf8(), indexType)));
      assert.deepEqual(valuesIn(plainColumn(column), { kind: "string" }), values);
      const slice = sliceColumn(column, { at: Math.min(at, values.length), length: 2 });
      const rows = Math.min(at, values.length);
      const expected = values.slice(rows, rows + 2);
      const shown = valuesIn(plainColumn(slice), { kind: "string" }).slice(0, expected.length);
      assert.deepEqual(shown, expected);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

Deno.test("plainColumn() writes out views of text and binary data, long and short", () => {
  const long = fc.array(fc.option(fc.string({ maxLength: 40 }), { freq: 4 }), {
    minLength: 1,
    maxLength: 30,
  });
  const property = fc.property(long, fc.nat(9), (values, start) => {
    const at = Math.min(start, values.length);
    const slice = { at, length: values.length - at };
    const asText = sliceColumn(dataOf(vectorFromArray(values, new Utf8View())), slice);
    assert.deepEqual(valuesIn(plainColumn(asText), { kind: "string" }), values.slice(at));
    const bytes = values.map((text) => text === null ? null : new TextEncoder().encode(text));
    const asBinary = sliceColumn(dataOf(vectorFromArray(bytes, new BinaryView())), slice);
    const found = valuesIn(plainColumn(asBinary), { kind: "binary" });
    assert.deepEqual(
      found.map((v) => v instanceof Uint8Array ? [...v] : v),
      bytes.slice(at).map((v) => v === null ? null : [...v]),
    );
  });
  fc.assert(property, { numRuns: 300 });
});

Deno.test("plainColumn() shows null where the dictionary holds null", () => {
  const dictionary = vectorFromArray(["a", null], new Utf8());
  const type = new Dictionary(new Utf8(), new Int32());
  const column = makeData({ type, data: Int32Array.of(0, 1, 0), dictionary });
  assert.deepEqual(valuesIn(plainColumn(column), { kind: "string" }), ["a", null, "a"]);
});

Deno.test("plainColumn() refuses indices outside of the dictionary and views outside of buffers", () => {
  const dictionary = vectorFromArray(["a"], new Utf8());
  const type = new Dictionary(new Utf8(), new Int32());
  for (const index of [1, -1]) {
    const column = makeData({ type, data: Int32Array.of(0, index), dictionary });
    assert.throws(
      () => plainColumn(column),
      (error) => error instanceof AppError && error.kind === "corrupt_data",
    );
  }
  const views = new Uint8Array(16);
  new DataView(views.buffer).setInt32(0, 20, true);
  const column = makeData({
    type: new Utf8View(),
    views,
    length: 1,
    variadicBuffers: [new Uint8Array(5)],
  });
  assert.throws(() => plainColumn(column), /outside of its buffers/);
});

Deno.test("plainColumn() reaches into structs and lists and leaves their nulls alone", () => {
  const dictionary = new Dictionary(new Utf8(), new Int32());
  const words = dataOf(vectorFromArray(["x", "y", "x"], dictionary));
  const validity = Uint8Array.of(0b101);
  const struct = makeColumn(new Struct([new Field("w", dictionary, true)]), {
    length: 3,
    children: [words],
    validity,
  });
  const list = makeColumn(new List(new Field("element", struct.type, true)), {
    length: 2,
    offsets: Int32Array.of(0, 1, 3),
    children: [struct],
  });
  const plain = plainColumn(list);
  const type = {
    kind: "list",
    elementId: 2,
    elementRequired: false,
    element: {
      kind: "struct",
      fields: [{
        id: 3,
        name: "w",
        required: false,
        type: { kind: "string" },
        doc: null,
        initialDefault: undefined,
        writeDefault: undefined,
      }],
    },
  } as const;
  assert.deepEqual(valuesIn(plain, type), [[["x"]], [null, ["x"]]]);
});

Deno.test("batches with dictionaries are taken and joined as plain ones, in the same form", () => {
  const dictionary = new Dictionary(new Utf8(), new Int32());
  const schema = new Schema([new Field("s", dictionary, true), new Field("b", new Bool(), true)]);
  const batch = (values: (string | null)[]) =>
    new RecordBatch(
      schema,
      makeColumn(new Struct(schema.fields), {
        length: values.length,
        children: [
          dataOf(vectorFromArray(values, dictionary)),
          dataOf(vectorFromArray(values.map((v) => v !== null), new Bool())),
        ],
      }),
    );
  const joined = concatBatches([batch(["a", null]), batch(["b", "a"])]);
  assert.deepEqual(valuesOfBatch(joined, { kind: "string" }), ["a", null, "b", "a"]);
  assert(joined.schema.fields[0]?.type instanceof Utf8);
  const taken = takeRows(
    sliceBatch(batch(["a", null, "c"]), { at: 1, length: 2 }),
    Int32Array.of(1, 0),
  );
  assert.deepEqual(valuesOfBatch(taken, { kind: "string" }), ["c", null]);
  const plain = plainBatch(joined);
  assert.equal(plain, joined);
});

Deno.test("plainColumn() gives a column back that has nothing to write out", () => {
  const column = dataOf(vectorFromArray([1n, 2n], new Int64()));
  assert.equal(plainColumn(column), column);
  const binary = dataOf(vectorFromArray([Uint8Array.of(1)], new Binary()));
  assert.equal(plainColumn(binary), binary);
});
