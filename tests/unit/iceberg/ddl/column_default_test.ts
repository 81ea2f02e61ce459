import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { formatDefault, parseDefault } from "../../../../lib/iceberg/ddl/column_default.ts";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import { primitiveTypeAndValue } from "../spec/_arbitraries.ts";

const read = (type: string, value: boolean | number | string) =>
  parseDefault(parseSqlType(type), value);

Deno.test("parseDefault() reads values of each type, exactly", () => {
  assert.equal(read("boolean", true), true);
  assert.equal(read("int", -5), -5);
  assert.equal(read("int", "42"), 42);
  assert.equal(read("bigint", 42), 42n);
  assert.equal(read("bigint", "9223372036854775807"), 9223372036854775807n);
  assert.equal(read("double", 3), 3);
  assert.equal(read("double", "NaN"), NaN);
  assert.equal(read("float", 0.1), Math.fround(0.1));
  assert.equal(read("decimal(9,2)", "12.50"), 1250n);
  assert.equal(read("decimal(9,2)", 12.5), 1250n);
  assert.equal(read("date", "1970-01-02"), 1);
  assert.equal(read("timestamp_ntz", "1970-01-01 00:00:01"), 1_000_000n);
  assert.equal(read("timestamp", "1970-01-01T00:00:01Z"), 1_000_000n);
  assert.equal(read("string", "5"), "5");
  assert.deepEqual(read("binary", "00ff"), new Uint8Array([0, 255]));
});

Deno.test("parseDefault() refuses what is no value of the type, with an example of one", () => {
  const wrong: readonly (readonly [string, boolean | number | string, RegExp])[] = [
    ["int", 2 ** 31, /it is no int; such a value is a whole number of 32 bits$/],
    ["int", 1.5, /it is no int/],
    ["int", "", /it is no int/],
    ["int", true, /it is no int/],
    ["bigint", 2 ** 60, /it is no bigint; .* as text beyond 2\^53$/],
    ["bigint", "9223372036854775808", /it is no bigint/],
    ["bigint", "1.5", /it is no bigint/],
    ["boolean", "true", /it is no boolean$/],
    ["string", 5, /it is no string$/],
    ["decimal(3,2)", "12.50", /it is no decimal\(3,2\)/],
    ["decimal(3,2)", "1.234", /it is no decimal\(3,2\)/],
    ["date", "2023-02-29", /it is no date; such a value is "2024-01-31"$/],
    ["timestamp", "2024-01-01T00:00:00", /it is no timestamp; .*Z"$/],
    ["fixed(2)", "00", /it is no fixed\(2\)/],
    ["uuid", "x", /it is no uuid$/],
    ["array<int>", "[]", /columns of type array<int> default to null only$/],
    ["variant", "1", /columns of type variant default to null only$/],
    ["geometry", "POINT(1 1)", /default to null only$/],
    ["void", 1, /columns of type unknown default to null only$/],
  ];
  for (const [type, value, message] of wrong) {
    assert.throws(() => read(type, value), (error) => {
      assert(error instanceof AppError);
      assert.deepEqual([error.kind, error.code], ["invalid", "invalid_default"]);
      assert.match(error.message, message);
      return true;
    }, `${type} ${value}`);
  }
});

Deno.test("formatDefault() is what parseDefault() reads, even after a pass through JSON", () => {
  fc.assert(
    fc.property(primitiveTypeAndValue, ([type, value]) => {
      assert(value !== null);
      const shown = JSON.parse(JSON.stringify(formatDefault(type, value)));
      const read = parseDefault(type, shown);
      // JSON knows no -0.
      assert.deepEqual(read === 0 ? 0 : read, Object.is(value, -0) ? 0 : value);
    }),
    { numRuns: 1_000 },
  );
});
