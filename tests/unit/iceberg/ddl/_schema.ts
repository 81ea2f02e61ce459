/** A schema with columns of every shape that names have to find. */
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import { assignFreshFieldIds } from "../../../../lib/iceberg/evolve/assign_fresh_ids.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";

/** Columns by name and type text; `!` after a name makes it required. */
export function schemaOf(
  columns: Readonly<Record<string, string>>,
  identifiers: readonly string[] = [],
): Schema {
  let lastId = 0;
  const fields = Object.entries(columns).map(([name, type]) => ({
    id: 0,
    name: name.replace(/!$/, ""),
    required: name.endsWith("!"),
    type: parseSqlType(type),
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  }));
  const numbered = new Schema({
    schemaId: 0,
    fields: assignFreshFieldIds(fields, () => ++lastId),
    identifierFieldIds: [],
  });
  const identifierFieldIds = identifiers.map((name) => numbered.findByName(name)?.field.id ?? -1);
  return new Schema({ schemaId: 0, fields: numbered.fields, identifierFieldIds });
}

/** The schema that most tests look into. */
export const EVENTS = schemaOf({
  "id!": "bigint",
  ts: "timestamp",
  day: "date",
  region: "string",
  place: "struct<lat:double,lon:double,inner:struct<zip:string>>",
  tags: "array<string>",
  points: "array<struct<x:int,element:int>>",
  props: "map<string,struct<v:int,key:int>>",
  "a.b": "int",
  Mixed: "int",
  mixed: "int",
  amount: "decimal(9,2)",
  "x y": "string",
  payload: "variant",
});
