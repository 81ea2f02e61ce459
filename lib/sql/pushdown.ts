/**
 * Filters that the engine pushed into a scan, as expressions that pick files. The engine still applies
 * every filter itself; what is not understood here picks every file.
 */
import { AppError } from "../errors.ts";
import { bind } from "../iceberg/expression/bind.ts";
import {
  alwaysTrue,
  and,
  type Expression,
  isNan,
  or,
  type Predicate,
} from "../iceberg/expression/expression.ts";
import { parseWhere } from "../iceberg/expression/parse_where.ts";
import type { Schema } from "../iceberg/spec/schema.ts";

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Words that the parser of filters reads as its own; the engine prints names without quotes. */
const RESERVED = new Set(
  "AND OR NOT IN IS NULL NAN TRUE FALSE LIKE BETWEEN ISNAN DATE TIMESTAMP X".split(" "),
);
/** Comparisons that a NaN passes in the engine, where it is the greatest number, and not in Iceberg. */
const NAN_PASSES = new Set<Predicate["op"]>(["gt", "gt_eq", "not_eq", "not_in"]);

/** Files that may hold a row of any of the scans; `scans` as `PlannedScan.filters`. */
export function fileFilter(scans: readonly (readonly string[])[], schema: Schema): Expression {
  return or(...scans.map((filters) => and(...filters.map((text) => understood(text, schema)))));
}

function understood(printed: string, schema: Schema): Expression {
  const text = printed.replace(/^optional: /, "");
  // Backslashes mean nothing to the engine's strings and something to ours.
  if (text.includes("\\") || mentionsOddName(text, schema)) return alwaysTrue;
  try {
    const expression = widenForNan(parseWhere(withoutCasts(text)), schema);
    bind(expression, schema);
    return expression;
  } catch (error) {
    // A function, a dynamic filter, a comparison of columns: the engine's to apply.
    if (error instanceof AppError && ["invalid", "unsupported"].includes(error.kind)) {
      return alwaysTrue;
    }
    throw error;
  }
}

/** Whether a text may name a column that the parser of filters would take for something else. */
export function mentionsOddName(text: string, schema: Schema): boolean {
  return [...schema.allFields()].some(({ field: { name } }) =>
    (!PLAIN_NAME.test(name) || RESERVED.has(name.toUpperCase())) && text.includes(name)
  );
}

/** `'2024-01-01'::DATE` without its cast; quotes inside strings are doubled. */
function withoutCasts(text: string): string {
  return text.replaceAll(
    /('(?:[^']|'')*')(?:::[A-Z_]+(?: WITH TIME ZONE)?(?:\(\d+, ?\d+\))?)?/g,
    "$1",
  );
}

function widenForNan(expression: Expression, schema: Schema): Expression {
  switch (expression.kind) {
    case "and":
      return and(...expression.operands.map((operand) => widenForNan(operand, schema)));
    case "or":
      return or(...expression.operands.map((operand) => widenForNan(operand, schema)));
    case "predicate": {
      const kind = schema.findByName(expression.column)?.field.type.kind;
      const floating = kind === "float" || kind === "double";
      return floating && NAN_PASSES.has(expression.op)
        ? or(expression, isNan(expression.column))
        : expression;
    }
    default:
      return expression;
  }
}
