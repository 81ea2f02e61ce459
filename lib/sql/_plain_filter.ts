/** Rows that stay as they are, and conditions that need no engine. */
import { matchingRows } from "../columnar/mod.ts";
import { AppError } from "../errors.ts";
import { bind } from "../iceberg/expression/bind.ts";
import { alwaysTrue, type Expression, type Predicate } from "../iceberg/expression/expression.ts";
import type { Literal } from "../iceberg/expression/literal.ts";
import { parseWhere } from "../iceberg/expression/parse_where.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import type { Type } from "../iceberg/spec/types.ts";
import { mentionsOddName } from "./pushdown.ts";
import type { PlannedTransform, TransformOptions } from "./transform.ts";

/** Rows as they are; null where only the engine can tell which of them. */
export function rowsAsTheyAre(
  { schema, where }: Pick<TransformOptions, "schema" | "where">,
): PlannedTransform | null {
  const filter = where === null ? alwaysTrue : understood(where, schema);
  if (filter === null) return null;
  const matching = matchingRows(bind(filter, schema), schema);
  return {
    outputSchema: schema,
    columns: schema.fields.map(({ name }) => name),
    filter,
    filterSuffices: true,
    isRowWise: true,
    isRepeatable: true,
    run: async function* (batches) {
      for await (const batch of batches) {
        const rows = where === null ? batch : matching(batch);
        if (rows.numRows > 0) yield rows;
      }
    },
  };
}

/**
 * The condition as an expression, where it means to drls exactly what it means to the engine; null
 * elsewhere, also where it is wrong: the engine says so better.
 */
function understood(where: string, schema: Schema): Expression | null {
  // Backslashes mean nothing to the engine's strings and something to ours.
  if (where.includes("\\") || mentionsOddName(where, schema)) return null;
  try {
    const expression = parseWhere(where);
    bind(expression, schema);
    return meansTheSame(expression, schema) ? expression : null;
  } catch (error) {
    if (error instanceof AppError && ["invalid", "unsupported"].includes(error.kind)) return null;
    throw error;
  }
}

function meansTheSame(expression: Expression, schema: Schema): boolean {
  switch (expression.kind) {
    case "constant":
      return true;
    case "not":
      return meansTheSame(expression.operand, schema);
    case "and":
    case "or":
      return expression.operands.every((operand) => meansTheSame(operand, schema));
    case "predicate":
      return predicateMeansTheSame(expression, schema);
  }
}

function predicateMeansTheSame({ column, literals }: Predicate, schema: Schema): boolean {
  const type = schema.findByName(column)?.field.type;
  if (type === undefined || schema.fields.some(({ name }) => name.includes("."))) return false;
  return literals.length === 0 || literals.every((literal) => literalMeansTheSame(literal, type));
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d\d:\d\d:\d\d(?:\.\d{1,6})?$/;
/** Without an offset: the engine reads one only where it is told to. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?$/;

/**
 * Text is cut differently where a type does not hold all of it, floating point has its own order, and
 * UUIDs and bytes are written differently: there the engine decides.
 */
function literalMeansTheSame(literal: Literal, type: Type): boolean {
  const text = literal.kind === "string" ? literal.value : null;
  switch (type.kind) {
    case "boolean":
    case "int":
    case "long":
    case "decimal":
      return text === null && literal.kind !== "double";
    case "string":
      return text !== null;
    case "date":
      return literal.kind === "date" || (text !== null && DATE.test(text));
    case "time":
      return text !== null && TIME.test(text);
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return text !== null && TIMESTAMP.test(text);
    default:
      return false;
  }
}
