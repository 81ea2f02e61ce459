/** What must hold of a schema after all its changes. */
import { AppError } from "../../errors.ts";
import { schemaFromJson, schemaToJson } from "../spec/metadata_parts.ts";
import type { Schema } from "../spec/schema.ts";
import { parseJson, stringifyJson } from "../../json.ts";
import { shown } from "./_places.ts";
import { typeProblem } from "./column_rules.ts";
import { evolutionError, type EvolvingTable } from "./schema_change.ts";

/** Refuses what the changes broke; what was broken before is not their fault. */
export function checkEvolved(before: Schema, after: Schema, table: EvolvingTable): void {
  checkTypes(before, after, table);
  checkFullNames(before, after);
  checkPartitionNames(before, after, table);
  checkReadable(after);
}

function checkTypes(before: Schema, after: Schema, { formatVersion }: EvolvingTable): void {
  for (const field of after.fields) {
    if (before.findById(field.id)?.field === field) continue;
    const { name, required } = field;
    const problem = typeProblem(field.type, { name, version: formatVersion, required });
    if (problem === null) continue;
    throw evolutionError(`Cannot change the schema: ${shown(problem)}`, {
      code: "unsupported_type",
      part: "type",
    });
  }
}

/** `a.b` the column and b of struct a are one name, which nobody could look up. */
function checkFullNames(before: Schema, after: Schema): void {
  const twice = repeatedName(after);
  if (twice === null || repeatedName(before) !== null) return;
  throw evolutionError(`Cannot change the schema: two columns would be called "${shown(twice)}"`, {
    kind: "already_exists",
    code: "column_exists",
    part: "name",
  });
}

function repeatedName(schema: Schema): string | null {
  for (const { name, field } of schema.allFields()) {
    // The look-up holds the first of several.
    if (schema.findByName(name)?.field.id !== field.id) return name;
  }
  return null;
}

/**
 * No column gets the name of a partition field of another column, of earlier specs either: the
 * reference implementation refuses to make such tables, and up to 1.10 to read them.
 */
function checkPartitionNames(before: Schema, after: Schema, table: EvolvingTable): void {
  for (const { fields } of table.partitionSpecs) {
    for (const { name, sourceIds } of fields) {
      const column = after.findByName(name);
      if (column === undefined || sourceIds.includes(column.field.id)) continue;
      if (before.findByName(name)?.field.id === column.field.id) continue;
      throw evolutionError(
        `Cannot name a column "${shown(name)}": a partition field has that name; choose another`,
        { kind: "conflict", code: "partition_name_taken", part: "name" },
      );
    }
  }
}

/** Bounds of readers (depth, fields, length of names) hold for what is written, too. */
function checkReadable(schema: Schema): void {
  try {
    schemaFromJson(parseJson(stringifyJson(schemaToJson(schema))));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw evolutionError(`Cannot change the schema: it could not be read back: ${error.message}`, {
      code: "schema_too_large",
      part: "name",
    });
  }
}
