import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { parseJson, stringifyJson } from "../../../../lib/json.ts";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import { columnPath, formatColumnName } from "../../../../lib/iceberg/ddl/column_name.ts";
import { canPromote } from "../../../../lib/iceberg/evolve/promotion.ts";
import type { ColumnPosition, SchemaChange } from "../../../../lib/iceberg/evolve/schema_change.ts";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import { schemaFromJson, schemaToJson } from "../../../../lib/iceberg/spec/metadata_parts.ts";
import type { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { tableAround } from "./_evolve.ts";

const START = schemaOf({
  "id!": "int",
  day: "date",
  ratio: "float",
  amount: "decimal(5,2)",
  place: "struct<lat:float not null,inner:struct<zip:string,n:int>>",
  points: "array<struct<x:int,y:int not null>>",
  props: "map<struct<k:int>,struct<v:int,w:unknown>>",
}, ["id"]);
const AROUND = { specs: [["bucket(4, amount)"], ["id"]], sortOrder: ["day"] };
const TYPES = [
  "int",
  "bigint",
  "float",
  "double",
  "date",
  "timestamp_ntz",
  "timestamp_ns",
  "string",
]
  .concat("decimal(5,2)", "decimal(9,2)", "struct<a:int not null,b:date>", "array<struct<c:int>>")
  .concat("map<string,struct<d:float>>", "unknown", "variant");

/** A change in terms of the schema that it will meet: columns by place, names by small pools. */
interface Plan {
  readonly kind: "add" | "rename" | "drop" | "update";
  readonly column: number;
  readonly neighbour: number;
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly place: "first" | "after" | "before" | null;
  readonly value: number | null;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom("add", "rename", "drop", "update"),
  column: fc.nat(30),
  neighbour: fc.nat(30),
  name: fc.constantFrom("a", "b", "c", "day", "zip", "A", "id", "x", "amount_bucket"),
  type: fc.constantFrom(...TYPES),
  required: fc.boolean(),
  place: fc.constantFrom("first", "after", "before", null),
  value: fc.constantFrom(null, null, 7),
});

function nameAt(schema: Schema, index: number): string {
  const ids = [...schema.allFields()].map(({ field }) => field.id);
  return formatColumnName(columnPath(schema, ids[index % ids.length] ?? 1) ?? []);
}

function changeOf(schema: Schema, plan: Plan): SchemaChange {
  const { kind, required, place } = plan;
  const column = nameAt(schema, plan.column);
  const position: ColumnPosition | undefined = place === null
    ? undefined
    : place === "first"
    ? { kind: place }
    : { kind: place, column: nameAt(schema, plan.neighbour) };
  const type = parseSqlType(plan.type);
  switch (kind) {
    case "add": {
      const name = plan.column % 3 === 0 ? plan.name : `${column}.${plan.name}`;
      return { kind, name, type, required, doc: null, defaultValue: plan.value, position };
    }
    case "rename":
      return { kind, name: column, newName: plan.name };
    case "drop":
      return { kind, name: column };
    case "update":
      return {
        kind,
        name: column,
        type: plan.column % 2 === 0 ? type : undefined,
        required: plan.column % 3 === 0 ? required : undefined,
        position,
      };
  }
}

/** Every schema that a sequence of changes passes through, and the ids that were given out. */
function walk(plans: readonly Plan[], version: FormatVersion) {
  const schemas = [START];
  let table = tableAround(START, { ...AROUND, version });
  for (const plan of plans) {
    const before = schemas.at(-1) ?? START;
    try {
      const { schema, lastColumnId } = updateSchema(before, [changeOf(before, plan)], table);
      const fresh = [...schema.allFields()].map(({ field }) => field.id)
        .filter((id) => before.findById(id) === undefined);
      for (const id of fresh) assert(id > table.lastColumnId, `id ${id} was used before`);
      assert(lastColumnId >= table.lastColumnId);
      table = { ...table, lastColumnId };
      schemas.push(schema);
    } catch (error) {
      assert(error instanceof AppError, String(error));
      assert(error.kind !== "internal" && error.message.startsWith("Cannot "), error.message);
    }
  }
  return schemas;
}

/** What readers rely on when they read files of `old` by `now` (spec "Column Projection"). */
function assertProjectable(old: Schema, now: Schema, version: FormatVersion): void {
  for (const { field, parentId } of now.allFields()) {
    const written = old.findById(field.id);
    if (written === undefined) {
      const parent = parentId === null ? undefined : old.findById(parentId);
      // Inside a struct that is new itself, rows of old have no struct to miss a value in.
      if (parentId !== null && parent === undefined) continue;
      // What was unknown is null in every row of old.
      if (parent?.field.type.kind === "unknown") continue;
      if (field.required) assert(field.initialDefault !== undefined, `${field.name} has no value`);
      continue;
    }
    assert.equal(written.parentId, parentId, `${field.name} changed its parent`);
    assert(!field.required || written.field.required, `${field.name} became required`);
    const [from, to] = [written.field.type, field.type];
    if (from.kind === to.kind && from.kind !== "decimal") continue;
    const same = JSON.stringify(from) === JSON.stringify(to);
    assert(same || canPromote(from, to, version), `${from.kind} became ${to.kind}`);
  }
}

for (const version of [2, 3] as const) {
  Deno.test(`updateSchema() never gives an id twice, in any sequence of changes of v${version}`, () => {
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 25 }), (plans) => {
        walk(plans, version);
      }),
      { numRuns: 300 },
    );
  });

  Deno.test(`files of every earlier schema stay readable by every later one in v${version}`, () => {
    let changes = 0;
    fc.assert(
      fc.property(fc.array(plan, { minLength: 5, maxLength: 25 }), (plans) => {
        const schemas = walk(plans, version);
        changes += schemas.length - 1;
        schemas.forEach((old, i) =>
          schemas.slice(i).forEach((now) => assertProjectable(old, now, version))
        );
      }),
      { numRuns: 200 },
    );
    assert(changes > 500, `only ${changes} changes were accepted`);
  });

  Deno.test(`updateSchema() of v${version} leaves what metadata can hold and what files need`, () => {
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 25 }), (plans) => {
        const last = walk(plans, version).at(-1) ?? START;
        const read = schemaFromJson(parseJson(stringifyJson(schemaToJson(last))));
        assert.deepEqual([...read.allFields()], [...last.allFields()]);
        // The identifier, the sources of the default spec and of the sort order are still there.
        assert.equal(last.findById(1)?.field.required, true);
        assert.notEqual(last.findById(2), undefined);
        const names = [...last.allFields()].map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        // Only the source of a partition field may have its name.
        const holder = last.findByName("amount_bucket")?.field.id;
        assert(holder === undefined || holder === START.findByName("amount")?.field.id);
      }),
      { numRuns: 300 },
    );
  });
}
