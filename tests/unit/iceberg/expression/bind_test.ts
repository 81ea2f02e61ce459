import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import {
  type BoundExpression,
  referencedFieldIds,
} from "../../../../lib/iceberg/expression/bound.ts";
import {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  type Expression,
  gt,
  gtEq,
  isIn,
  isNan,
  isNull,
  lt,
  ltEq,
  MAX_EXPRESSION_DEPTH,
  not,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  pushDownNot,
  startsWith,
} from "../../../../lib/iceberg/expression/expression.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";

function field(id: number, name: string, type: Type, required = false): NestedField {
  return {
    id,
    name,
    type,
    required,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}

const int = { kind: "int" } as const;

const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    field(1, "id", { kind: "long" }, true),
    field(2, "n", int),
    field(3, "price", { kind: "decimal", precision: 5, scale: 2 }),
    field(4, "name", { kind: "string" }),
    field(5, "ts", { kind: "timestamp" }),
    field(6, "tz", { kind: "timestamptz_ns" }),
    field(7, "day", { kind: "date" }),
    field(8, "f", { kind: "float" }),
    field(9, "open", { kind: "struct", fields: [field(10, "x", int, true)] }),
    field(11, "closed", { kind: "struct", fields: [field(12, "x", int, true)] }, true),
    field(13, "list", { kind: "list", elementId: 14, elementRequired: false, element: int }),
    field(15, "Name", { kind: "string" }),
    field(16, "nothing", { kind: "unknown" }),
    field(17, "u", { kind: "uuid" }),
    field(18, "fixed", { kind: "fixed", length: 2 }),
    field(19, "time", { kind: "time" }),
    field(20, "v", { kind: "variant" }),
    field(21, "flag", { kind: "boolean" }),
    field(22, "m", {
      kind: "map",
      keyId: 23,
      key: { kind: "string" },
      valueId: 24,
      valueRequired: false,
      value: { kind: "struct", fields: [field(25, "z", int)] },
    }),
  ],
});

function show(expression: BoundExpression): string {
  switch (expression.kind) {
    case "constant":
      return String(expression.value);
    case "predicate":
      return [expression.ref.fieldId, expression.op, ...expression.values.map(String)].join(" ");
    default:
      return `(${expression.operands.map(show).join(` ${expression.kind} `)})`;
  }
}

function bound(expression: Expression, caseSensitive = true): string {
  return show(bind(expression, SCHEMA, { caseSensitive }));
}

function failure(expression: Expression, caseSensitive = true): AppError {
  try {
    bind(expression, SCHEMA, { caseSensitive });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "bind() succeeded" });
}

Deno.test("bind() resolves columns to field ids at any depth of structs", () => {
  assert.equal(bound(eq("id", 1)), "1 eq 1");
  assert.equal(bound(eq("open.x", 1)), "10 eq 1");
  assert.deepEqual([...referencedFieldIds(bind(or(eq("id", 1), eq("n", 2)), SCHEMA))], [1, 2]);
});

Deno.test("bind() names an unknown column", () => {
  const error = failure(eq("nope", 1));
  assert.deepEqual([error.kind, error.code], ["invalid", "filter_unknown_column"]);
  assert.equal(error.issues[0]?.path, "nope");
});

Deno.test("bind() without case sensitivity finds one column and refuses two", () => {
  assert.equal(failure(eq("ID", 1)).code, "filter_unknown_column");
  assert.equal(bound(eq("ID", 1), false), "1 eq 1");
  assert.equal(bound(eq("OPEN.X", 1), false), "10 eq 1");
  assert.equal(failure(eq("NAME", "a"), false).code, "filter_ambiguous_column");
});

Deno.test("bind() refuses columns inside lists and maps", () => {
  for (const column of ["list.element", "m.key", "m.value", "m.value.z"]) {
    assert.equal(failure(isNull(column)).code, "filter_repeated_column");
  }
});

Deno.test("bind() folds null tests of required columns, unless a struct around is optional", () => {
  assert.equal(bound(isNull("id")), "false");
  assert.equal(bound(notNull("id")), "true");
  assert.equal(bound(isNull("closed.x")), "false");
  assert.equal(bound(isNull("open.x")), "10 is_null");
  assert.equal(bound(isNull("nothing")), "true");
  assert.equal(bound(not(isNull("nothing"))), "false");
  assert.equal(bound(notNull("list")), "13 not_null");
});

Deno.test("bind() folds integers out of range, without matching nulls", () => {
  const above = 2n ** 31n;
  assert.deepEqual(
    [lt, ltEq, gt, gtEq, eq, notEq].map((op) => bound(op("n", above))),
    ["2 not_null", "2 not_null", "false", "false", "false", "true"],
  );
  assert.deepEqual(
    [lt, ltEq, gt, gtEq, eq, notEq].map((op) => bound(op("n", -above - 1n))),
    ["false", "false", "2 not_null", "2 not_null", "false", "true"],
  );
  assert.equal(bound(lt("id", 2n ** 63n)), "true");
  assert.equal(bound(eq("n", above - 1n)), "2 eq 2147483647");
});

Deno.test("bind() keeps comparisons exact where a literal falls between two values", () => {
  assert.deepEqual(
    [lt, ltEq, gt, gtEq, eq, notEq].map((op) => bound(op("n", -5.5))),
    ["2 lt_eq -6", "2 lt_eq -6", "2 gt -6", "2 gt -6", "false", "true"],
  );
  assert.equal(bound(gtEq("price", 1.005)), "3 gt 100");
  assert.equal(bound(lt("price", 1000)), "3 not_null");
  assert.equal(bound(lt("price", 999.99)), "3 lt 99999");
  assert.equal(bound(gt("day", "2024-01-01 12:00")), "7 gt 19723");
  assert.equal(bound(ltEq("ts", "1970-01-01 00:00:00.0000015")), "5 lt_eq 1");
});

Deno.test("bind() reduces sets", () => {
  assert.equal(bound(isIn("n", [3, 1, 3, 2n ** 40n, 0.5])), "2 in 1 3");
  assert.equal(bound(isIn("n", [1, 1])), "2 eq 1");
  assert.equal(bound(notIn("n", [1])), "2 not_eq 1");
  assert.equal(bound(isIn("n", [2n ** 40n])), "false");
  assert.equal(bound(notIn("n", [])), "true");
});

Deno.test("bind() converts literals to memory form", () => {
  assert.equal(bound(eq("ts", "2024-02-29T01:02:03.000004")), "5 eq 1709168523000004");
  assert.equal(bound(eq("tz", "2024-02-29T01:02:03.000000004+01:00")), "6 eq 1709164923000000004");
  assert.equal(bound(eq("tz", "2024-02-29 00:00")), "6 eq 1709164800000000000");
  assert.equal(bound(eq("day", "0001-01-01")), "7 eq -719162");
  assert.equal(bound(eq("time", "23:59:59.999999")), "19 eq 86399999999");
  assert.equal(bound(eq("price", 12.3)), "3 eq 1230");
  assert.equal(bound(eq("f", 0.1)), `8 eq ${Math.fround(0.1)}`);
  assert.equal(bound(lt("f", 1e300)), "8 lt 1e+300");
  assert.equal(bound(eq("fixed", Uint8Array.of(1, 2))), "18 eq 1,2");
  assert.equal(
    bound(eq("u", "F79C3E09-677C-4BBD-A479-3F349CB785E7")),
    "17 eq f79c3e09-677c-4bbd-a479-3f349cb785e7",
  );
  assert.equal(bound(eq("flag", false)), "21 eq false");
});

Deno.test("bind() names the column of a literal of the wrong type", () => {
  const wrong: readonly Expression[] = [
    eq("n", "1"),
    eq("name", 1),
    eq("flag", 1),
    eq("day", 1),
    eq("ts", "2024-13-01"),
    eq("ts", "2023-02-29"),
    eq("ts", "2024-01-01T00:00:00Z"),
    eq("time", "24:00"),
    eq("u", "f79c3e09"),
    eq("fixed", Uint8Array.of(1)),
    eq("name", "\ud800"),
    eq("open", 1),
    eq("v", 1),
    eq("nothing", 1),
    isNan("n"),
    startsWith("n", "1"),
  ];
  for (const expression of wrong) {
    const error = failure(expression);
    assert.deepEqual([error.kind, error.code], ["invalid", "filter_type_mismatch"]);
    assert.equal(error.issues.length, 1);
  }
});

Deno.test("bind() treats the empty prefix as a null test", () => {
  assert.equal(bound(startsWith("name", "")), "4 not_null");
  assert.equal(bound(notStartsWith("name", "")), "4 is_null");
});

Deno.test("bind() pushes negation to the leaves", () => {
  const inner = and(lt("n", 1), or(eq("name", "a"), not(isIn("id", [1, 2]))));
  assert.equal(bound(not(inner)), "(2 gt_eq 1 or (4 not_eq a and 1 in 1 2))");
  assert.equal(bound(pushDownNot(not(inner))), bound(not(inner)));
  assert.equal(bound(not(alwaysTrue)), "false");
  assert.equal(bound(not(not(eq("n", 1)))), "2 eq 1");
});

Deno.test("and() and or() flatten and fold constants", () => {
  assert.equal(and(), alwaysTrue);
  assert.equal(or(), alwaysFalse);
  assert.equal(and(eq("n", 1), alwaysFalse), alwaysFalse);
  assert.deepEqual(or(eq("n", 1), alwaysFalse), eq("n", 1));
  const flat = and(eq("n", 1), and(eq("n", 2), eq("n", 3)));
  assert.equal(flat.kind === "and" && flat.operands.length, 3);
});

Deno.test("bind() bounds the nesting of an expression", () => {
  let deep: Expression = eq("n", 1);
  for (let i = 0; i < MAX_EXPRESSION_DEPTH; i++) deep = not(deep);
  assert.equal(bound(deep), "2 eq 1");
  assert.equal(failure(not(deep)).code, "filter_too_large");
});

Deno.test("literals refuse NaN", () => {
  assert.throws(() => eq("f", NaN), { code: "filter_literal_invalid" });
});
