/** The columns of a transform's result as columns of a table. */
import type { Schema as ArrowSchema } from "apache-arrow";
import { AppError } from "../errors.ts";
import { assignFreshFieldIds } from "../iceberg/evolve/assign_fresh_ids.ts";
import { Schema } from "../iceberg/spec/schema.ts";
import type { NestedField } from "../iceberg/spec/types.ts";
import { type DescribedColumn, resultType } from "./result_types.ts";

/** Engine types that tables cannot hold, and what to make of them; text would only look as if. */
const REMEDIES: Readonly<Record<string, string>> = {
  INTERVAL: "::VARCHAR, or epoch(…) for seconds",
  BIT: "::VARCHAR",
  UHUGEINT: "::DECIMAL(38, 0)",
  BIGNUM: "::DECIMAL(38, 0)",
  VARINT: "::DECIMAL(38, 0)",
  UNION: "::VARCHAR",
  "TIME WITH TIME ZONE": "::TIME",
  TIME_NS: "::TIME",
  VARIANT: "::VARCHAR",
};
/** Quoted names of fields are left alone. */
const UNHOLDABLE = new RegExp(`"(?:[^"]|"")*"|\\b(${Object.keys(REMEDIES).join("|")})\\b`, "g");

/** Refuses columns that no table could have: types, names that are missing or there twice. */
export function requireColumns(columns: readonly DescribedColumn[]): void {
  const seen = new Set<string>();
  for (const { name, type } of columns) {
    if (name === "") throw refused(name, "it has no name; give it one with AS");
    if (seen.has(name.toLowerCase())) {
      throw refused(name, "two columns have this name; give one of them another with AS");
    }
    seen.add(name.toLowerCase());
    const [bad] = [...type.matchAll(UNHOLDABLE)].flatMap(([, found]) => found ?? []);
    if (bad === undefined) continue;
    throw refused(name, `it is ${bad}, which tables cannot hold; cast it: ${REMEDIES[bad]}`);
  }
}

/** The schema of a result, with ids from 1 on. All columns are optional. */
export function outputSchema(result: ArrowSchema): Schema {
  let last = 0;
  const fields = result.fields.map((field): NestedField => ({
    id: 0,
    name: field.name,
    required: false,
    type: resultType(field),
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  }));
  return new Schema({
    schemaId: 0,
    fields: assignFreshFieldIds(fields, () => ++last),
    identifierFieldIds: [],
  });
}

function refused(column: string, problem: string): AppError {
  const message = `Cannot use the transform: column "${column}" of its result is not valid: ` +
    problem;
  return new AppError("invalid", "transform_column_invalid", message, {
    issues: [{ path: "transform", message: `column "${column}": ${problem}` }],
  });
}
