import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import {
  alwaysFalse,
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
  notEq,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from "../../../../lib/iceberg/expression/expression.ts";
import type { Literal } from "../../../../lib/iceberg/expression/literal.ts";
import {
  MAX_WHERE_DEPTH,
  MAX_WHERE_LENGTH,
  parseWhere,
} from "../../../../lib/iceberg/expression/parse_where.ts";

function decimal(unscaled: bigint, scale: number): Literal {
  return { kind: "decimal", unscaled, scale };
}

function failure(text: string): AppError {
  try {
    parseWhere(text);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `parseWhere() accepted ${text}` });
}

const CASES: readonly (readonly [string, Expression])[] = [
  ["a = 1", eq("a", 1)],
  ["a == 1", eq("a", 1)],
  ["a<=1", ltEq("a", 1)],
  ["a >= -1", gtEq("a", -1)],
  ["a > +1", gt("a", 1)],
  ["a < -1.50", lt("a", decimal(-150n, 2))],
  ["a = .5", eq("a", decimal(5n, 1))],
  ["a = 1e-3", eq("a", 0.001)],
  ["a = 9223372036854775808", eq("a", 9223372036854775808n)],
  ["a <> 1", and(notNull("a"), notEq("a", 1))],
  ["a != 1", and(notNull("a"), notEq("a", 1))],
  ["1 < a", gt("a", 1)],
  ["1 >= a", ltEq("a", 1)],
  ["a IS NULL", isNull("a")],
  ["a is not null", notNull("a")],
  ["NOT a IS NULL", notNull("a")],
  ["a IN (1, 2)", isIn("a", [1, 2])],
  ["a not in (1, -2)", and(notNull("a"), notIn("a", [1, -2]))],
  ["NOT a IN (1)", and(notNull("a"), notIn("a", [1]))],
  ["a BETWEEN 1 AND 2", and(gtEq("a", 1), ltEq("a", 2))],
  ["a NOT BETWEEN 1 AND 2", or(lt("a", 1), gt("a", 2))],
  ["a LIKE 'x%'", startsWith("a", "x")],
  ["a LIKE 'x'", eq("a", "x")],
  ["a LIKE '10\\%%'", startsWith("a", "10%")],
  ["a LIKE 'x\\_y'", eq("a", "x_y")],
  ["a LIKE '%'", startsWith("a", "")],
  ["a NOT LIKE 'x%'", and(notNull("a"), notStartsWith("a", "x"))],
  ["isnan(a)", isNan("a")],
  ["NOT ISNAN(a)", notNan("a")],
  ["a IS NOT NAN", notNan("a")],
  ["a", eq("a", true)],
  ["NOT a", eq("a", false)],
  ["TRUE AND a = 1", eq("a", 1)],
  ["false", alwaysFalse],
  ["a = true", eq("a", true)],
  ["a = 'it''s'", eq("a", "it's")],
  ["a = 'it\\'s \\n \\\\'", eq("a", "it's \n \\")],
  ["a = X'00fF'", eq("a", Uint8Array.of(0, 255))],
  ["a = DATE '1970-01-02'", eq("a", { kind: "date", days: 1 })],
  ["a = date '1969-12-31'", eq("a", { kind: "date", days: -1 })],
  [
    "a = TIMESTAMP '1970-01-01 00:00:01'",
    eq("a", { kind: "timestamp", nanos: 1_000_000_000n, zoned: false }),
  ],
  [
    "a = TIMESTAMP '1970-01-01T01:00:00+01:00'",
    eq("a", { kind: "timestamp", nanos: 0n, zoned: true }),
  ],
  ["date > '2024-01-01'", gt("date", "2024-01-01")],
  ["`select`.`a b``c` = 1", eq("select.a b`c", 1)],
  ["s.t.u = 1", eq("s.t.u", 1)],
  ["größe = 1", eq("größe", 1)],
  ["a = 1 OR b = 2 AND c = 3", or(eq("a", 1), and(eq("b", 2), eq("c", 3)))],
  ["(a = 1 OR b = 2) AND c = 3", and(or(eq("a", 1), eq("b", 2)), eq("c", 3))],
  ["NOT (a < 1 AND b = 2)", or(gtEq("a", 1), and(notNull("b"), notEq("b", 2)))],
  ["NOT (a < 1 OR NOT b = 2)", and(gtEq("a", 1), eq("b", 2))],
  ["NOT NOT a <> 1", and(notNull("a"), notEq("a", 1))],
  [
    "ts >= '2024-01-01' AND (id IN (1,2) OR name LIKE 'a%') AND x IS NOT NULL",
    and(
      gtEq("ts", "2024-01-01"),
      or(isIn("id", [1, 2]), startsWith("name", "a")),
      notNull("x"),
    ),
  ],
];

for (const [text, expected] of CASES) {
  Deno.test(`parseWhere() reads ${text}`, () => assert.deepEqual(parseWhere(text), expected));
}

const ERRORS: readonly (readonly [string, number, string])[] = [
  ["", 1, "ends too early"],
  ["   ", 4, "ends too early"],
  ["a =", 4, "ends too early"],
  ["a = 1 b", 7, '"b" is not expected here'],
  ["a = 1)", 6, '")" is not expected here'],
  ["(a = 1", 7, '")" is missing'],
  ["a = 'x", 5, "no closing quote"],
  ["`a = 1", 1, "no closing backtick"],
  ["`` = 1", 1, "empty"],
  ["a = NULL", 5, "IS NULL"],
  ["a IN (1, NULL)", 10, "IS NULL"],
  ["a IN ()", 7, "a value is wanted"],
  ["a = b", 5, 'not "b"'],
  ['a = "b"', 5, "double quotes"],
  ["a = 1x", 6, "followed by letters"],
  ["a = X'0'", 5, "two hex digits"],
  ["a = DATE '2024-02-30'", 10, "DATE '2024-01-31'"],
  ["a = - b", 7, "a number is missing"],
  ["1", 2, "comparison operator is missing"],
  ["a NOT 1", 7, "NOT wants IN"],
  ["a IS 1", 6, "IS wants"],
  ["a BETWEEN 1 OR 2", 13, "BETWEEN wants AND"],
  ["a LIKE 1", 8, "LIKE wants a string"],
  ["and = 1", 1, "write `and`"],
  ["a ; b", 3, '";"'],
  ["a = 1e999", 5, "too large"],
  ["a.1 = 2", 2, '".1" is not expected'],
];

for (const [text, position, part] of ERRORS) {
  Deno.test(`parseWhere() refuses ${text === "" ? "nothing" : text} at its position`, () => {
    const error = failure(text);
    assert.deepEqual([error.kind, error.code], ["invalid", "filter_syntax"]);
    assert.equal(error.context["position"], position, error.message);
    assert.ok(error.message.includes(part), error.message);
  });
}

Deno.test("parseWhere() refuses patterns that no bound can answer", () => {
  for (const pattern of ["%a", "a%b", "a_", "_", "a\\\\%b%c", "a\\"]) {
    const text = pattern === "a\\" ? "x LIKE 'a\\\\'" : `x LIKE '${pattern}'`;
    const error = failure(text);
    assert.deepEqual([error.kind, error.code], ["unsupported", "filter_unsupported"]);
  }
});

Deno.test("parseWhere() bounds length and depth", () => {
  assert.equal(failure("a".repeat(MAX_WHERE_LENGTH + 1)).code, "filter_too_large");
  const nested = (depth: number) => `${"(".repeat(depth)}a = 1${")".repeat(depth)}`;
  assert.deepEqual(parseWhere(nested(MAX_WHERE_DEPTH)), eq("a", 1));
  assert.match(failure(nested(MAX_WHERE_DEPTH + 1)).message, /64 levels/);
  assert.match(failure("NOT ".repeat(60_000 / 4) + "a").message, /64 levels/);
});

Deno.test("parseWhere() reads long flat filters in linear time", () => {
  const many = Array.from({ length: 4000 }, (_, i) => `a = ${i}`).join(" OR ");
  const parsed = parseWhere(many);
  assert.equal(parsed.kind === "or" && parsed.operands.length, 4000);
});

Deno.test("parseWhere() ends with an expression or an AppError for any text", () => {
  const words = fc.constantFrom(
    ..."a 1 'x' ( ) , . NOT AND OR IN IS NULL LIKE BETWEEN = < - DATE X'0f' ` ' \\ \" % é \u{1f600}"
      .split(" "),
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.array(words, { maxLength: 20 }).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseWhere(text);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
        assert.ok(["filter_syntax", "filter_unsupported"].includes(error.code), error.message);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("parseWhere() keeps every name and string that is quoted", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.string(), (name, value) => {
    const quotedName = `\`${name.replaceAll("`", "``")}\``;
    const quoted = `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
    assert.deepEqual(parseWhere(`${quotedName} = ${quoted}`), eq(name, value));
  }));
});
