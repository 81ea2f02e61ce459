/** Columns that identify a row (spec "Identifier Field IDs"). */
import { AppError } from "../../errors.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import { isPrimitive } from "../spec/types.ts";
import { findColumnByText } from "./column_name.ts";

/**
 * The ids of the columns with these names. Each must be required and primitive, no float or double,
 * and in required structs only; otherwise `invalid`, code `invalid_identifier_column`.
 */
export function identifierFieldIds(schema: Schema, names: readonly string[]): readonly number[] {
  const ids = names.map((name) => {
    const column = findColumnByText(schema, name);
    if (column === undefined) throw identifierInvalid(name, "there is no such column");
    const problem = identifierProblem(schema, column);
    if (problem !== null) throw identifierInvalid(column.name, problem);
    return column.field.id;
  });
  return [...new Set(ids)];
}

function identifierProblem(schema: Schema, { field, parentId }: FieldPath): string | null {
  if (!isPrimitive(field.type)) return "it has fields of its own";
  if (!field.required) return "it is nullable";
  if (["float", "double"].includes(field.type.kind)) {
    return "floating-point numbers identify nothing";
  }
  for (let id = parentId; id !== null;) {
    const parent = schema.findById(id);
    if (parent === undefined) return null;
    if (parent.field.type.kind !== "struct") return "it lies in an array or a map";
    if (!parent.field.required) return `${parent.name}, which holds it, is nullable`;
    id = parent.parentId;
  }
  return null;
}

function identifierInvalid(name: string, problem: string): AppError {
  const message = `Cannot identify rows by column "${name.slice(0, 128)}": ${problem}`;
  return new AppError("invalid", "invalid_identifier_column", message);
}
