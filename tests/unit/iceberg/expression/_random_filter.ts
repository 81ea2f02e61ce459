/** Random filters over the columns of `_random_table.ts`. */
import fc from "fast-check";
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
  not,
  notEq,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from "../../../../lib/iceberg/expression/expression.ts";
import type { LiteralInput } from "../../../../lib/iceberg/expression/literal.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { type Column, COLUMNS } from "./_random_table.ts";

/** Filters of every operation, nested, with literals on and beside the values of columns. */
export function filters(): fc.Arbitrary<Expression> {
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 6, arbitrary: leaves() },
      { weight: 1, arbitrary: fc.constantFrom(alwaysTrue, alwaysFalse) },
      { weight: 2, arbitrary: fc.array(tie("tree"), { maxLength: 3 }).map((xs) => and(...xs)) },
      { weight: 2, arbitrary: fc.array(tie("tree"), { maxLength: 3 }).map((xs) => or(...xs)) },
      { weight: 1, arbitrary: tie("tree").map(not) },
    ),
  }));
  return tree;
}

function leaves(): fc.Arbitrary<Expression> {
  return fc.constantFrom(...COLUMNS).chain((column) => {
    const name = column.name;
    const values = literals(column);
    const options: fc.Arbitrary<Expression>[] = [
      fc.constantFrom(isNull(name), notNull(name)),
      fc.tuple(fc.constantFrom(eq, notEq, lt, ltEq, gt, gtEq), values).map(([op, v]) =>
        op(name, v)
      ),
      fc.tuple(fc.constantFrom(isIn, notIn), fc.array(values, { maxLength: 4 }))
        .map(([op, vs]) => op(name, vs)),
    ];
    const { kind } = column.type;
    if (kind === "double" || kind === "float") {
      options.push(fc.constantFrom(isNan(name), notNan(name)));
    }
    if (kind === "string") {
      const prefixes = fc.constantFrom("", "a", "ab", "aa", "\u{10ffff}", "\u{1f600}", "abcde");
      options.push(
        fc.tuple(fc.constantFrom(startsWith, notStartsWith), prefixes).map(([op, v]) =>
          op(name, v)
        ),
      );
    }
    return fc.oneof(...options);
  });
}

function literals(column: Column): fc.Arbitrary<LiteralInput> {
  const own = column.values.filter((value) => !Number.isNaN(value))
    .map((value) => asLiteral(column.type, value));
  switch (column.type.kind) {
    case "int":
    case "long":
      return fc.oneof(
        own,
        fc.constantFrom<LiteralInput>(2n ** 70n, -(2n ** 70n), 5.5, -0.5, 2, -9),
      );
    case "decimal":
      return fc.oneof(own, fc.constantFrom<LiteralInput>(10n ** 9n, 0.005, -1.015, 1));
    case "double":
    case "float":
      return fc.oneof(own, fc.constantFrom<LiteralInput>(1e301, 0.1, -7n));
    case "date":
      return fc.oneof(own, fc.constantFrom<LiteralInput>("1969-12-31 12:00", "1970-02-01"));
    default:
      return own;
  }
}

function asLiteral(type: PrimitiveType, value: IcebergValue): LiteralInput {
  if (type.kind === "date") return { kind: "date", days: Number(value) };
  if (typeof value === "bigint") {
    if (type.kind === "timestamp") return { kind: "timestamp", nanos: value * 1000n, zoned: false };
    if (type.kind === "decimal") return { kind: "decimal", unscaled: value, scale: type.scale };
    return value;
  }
  if (typeof value === "object") {
    if (value instanceof Uint8Array) return value;
    throw new TypeError("Cannot make a literal of a nested value or null");
  }
  return value;
}
