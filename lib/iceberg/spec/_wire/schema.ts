/** Schemas as metadata writes them (spec Appendix C, "Schemas"). */
import type { JsonOutput } from "../../../json.ts";
import { fieldToJson } from "../format_type.ts";
import { readStruct, SchemaBudget } from "../parse_type.ts";
import { Schema } from "../schema.ts";
import type { WireObject } from "./reader.ts";

const KEYS: ReadonlySet<string> = new Set(["type", "fields", "schema-id", "identifier-field-ids"]);

/** Reads a schema. One without an id, as v1 writers left it, is schema 0. */
export function readSchema(wire: WireObject): Schema {
  // That it is a struct goes without saying, and some writers do not say it.
  if (wire.has("type")) wire.word("type", ["struct"]);
  const budget = new SchemaBudget();
  const { fields } = readStruct(wire, budget);
  const identifierFieldIds = wire.optional("identifier-field-ids", (key) => wire.ints(key)) ?? [];
  for (const id of identifierFieldIds) {
    if (!budget.ids.has(id)) {
      throw wire.problem(
        "identifier-field-ids",
        `names field ${id}, which the schema does not have`,
      );
    }
  }
  return new Schema({
    schemaId: wire.optional("schema-id", (key) => wire.int(key)) ?? 0,
    fields,
    identifierFieldIds,
    ...wire.extra(KEYS),
  });
}

/** Inverse of {@linkcode readSchema}. */
export function writeSchema(schema: Schema): JsonOutput {
  const { schemaId, fields, identifierFieldIds } = schema;
  return {
    ...schema.extra,
    type: "struct",
    "schema-id": schemaId,
    ...(identifierFieldIds.length === 0 ? {} : { "identifier-field-ids": identifierFieldIds }),
    fields: fields.map(fieldToJson),
  };
}
