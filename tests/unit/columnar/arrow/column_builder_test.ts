import assert from "node:assert/strict";
import { BatchBuilder, columnBuilder } from "../../../../lib/columnar/arrow/column_builder.ts";
import { FIELD_ID_KEY, fieldIdOf } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { AppError } from "../../../../lib/errors.ts";
import type { IcebergValue, Type } from "../../../../lib/iceberg/spec/types.ts";
import { field, valuesIn } from "./_columns.ts";

const LIST: Type = {
  kind: "list",
  elementId: 5,
  elementRequired: true,
  element: { kind: "struct", fields: [field(6, "x", { kind: "int" }, true)] },
};

/** Values that a type cannot hold, with what the message says of them. */
const REFUSED: readonly (readonly [Type, IcebergValue, RegExp])[] = [
  [{ kind: "int" }, 2 ** 31, /whole number of 32 bits/],
  [{ kind: "int" }, 1.5, /whole number of 32 bits/],
  [{ kind: "int" }, NaN, /whole number of 32 bits/],
  [{ kind: "int" }, 1n, /whole number of 32 bits/],
  [{ kind: "date" }, -(2 ** 31) - 1, /whole number of 32 bits/],
  [{ kind: "long" }, 2n ** 63n, /whole number of 64 bits/],
  [{ kind: "long" }, 5, /whole number of 64 bits/],
  [{ kind: "time" }, 86_400_000_000n, /time of day/],
  [{ kind: "time" }, -1n, /time of day/],
  [{ kind: "timestamp_ns" }, -(2n ** 63n) - 1n, /whole number of 64 bits/],
  [{ kind: "float" }, 1e39, /beyond the range/],
  [{ kind: "float" }, "1", /not a number/],
  [{ kind: "decimal", precision: 3, scale: 1 }, 1000n, /more than 3 digits/],
  [{ kind: "decimal", precision: 3, scale: 1 }, -1000n, /more than 3 digits/],
  [{ kind: "string" }, "\ud800", /valid Unicode/],
  [{ kind: "string" }, new Uint8Array(1), /not text/],
  [{ kind: "boolean" }, 1, /not a boolean/],
  [{ kind: "uuid" }, "0", /not a UUID/],
  [{ kind: "fixed", length: 2 }, Uint8Array.of(1), /binary data of 2 bytes/],
  [{ kind: "binary" }, "x", /not binary data/],
  [{ kind: "unknown" }, 1, /holds only null/],
  [LIST, [null], /null in a required column/],
  [LIST, [[null]], /null in a required column/],
  [LIST, 3, /not a list/],
  [LIST, [[1, 2]], /a struct of 1 values/],
];

Deno.test("append() refuses what a type cannot hold and names column and row", () => {
  for (const [type, value, message] of REFUSED) {
    const builder = columnBuilder(type, { column: "db.c" });
    builder.append(null);
    builder.append(null);
    assert.throws(() => builder.append(value), (error) => {
      assert(error instanceof AppError, `${type.kind} ${String(value)}: ${error}`);
      assert.equal(error.kind, "invalid");
      assert.equal(error.code, "invalid_value");
      assert.match(error.message, message);
      assert.match(error.message, /row 2/);
      assert.equal(error.context.row, 2);
      assert.match(error.issues[0]?.path ?? "", /^db\.c/);
      return true;
    });
  }
});

Deno.test("append() names the member of a nested column", () => {
  const builder = columnBuilder(LIST, { column: "c" });
  assert.throws(() => builder.append([[1], ["x"]]), /column "c\.element\.x" in row 0/);
});

Deno.test("a required member is null below a null struct, and nowhere else", () => {
  const type: Type = { kind: "struct", fields: [field(2, "x", { kind: "int" }, true)] };
  const builder = columnBuilder(type, { column: "c" });
  builder.append(null);
  builder.append([7]);
  assert.deepEqual(valuesIn(builder.finish(), type), [null, [7]]);
  assert.throws(() => builder.append([null]), /null in a required column/);
});

Deno.test("finish() starts anew, and what it gave is not written over", () => {
  const builder = columnBuilder({ kind: "string" }, { column: "c" });
  for (let i = 0; i < 1000; i++) builder.append(i % 3 === 0 ? null : `value ${i}`);
  assert(builder.byteLength > 5000);
  const first = builder.finish();
  assert.equal(builder.length, 0);
  builder.append("other");
  assert.deepEqual(valuesIn(builder.finish(), { kind: "string" }), ["other"]);
  assert.equal(valuesIn(first, { kind: "string" })[1], "value 1");
});

Deno.test("BatchBuilder gives batches with field ids, nested ones too", () => {
  const builder = new BatchBuilder({
    fields: [field(1, "id", { kind: "long" }, true), field(4, "l", LIST)],
  });
  builder.append([1n, [[1], [2]]]);
  builder.append([2n, null]);
  const batch = builder.finish();
  assert.equal(batch.numRows, 2);
  const [id, list] = batch.schema.fields;
  assert(id !== undefined && list !== undefined);
  assert.equal(fieldIdOf(id), 1);
  assert.equal(id.nullable, false);
  const element = list.type.children[0];
  assert.equal(element.metadata.get(FIELD_ID_KEY), "5");
  assert.equal(fieldIdOf(element.type.children[0]), 6);
  assert.throws(() => builder.append([1n]), TypeError);
  assert.throws(() => builder.append([null, null]), /null in a required column/);
});
