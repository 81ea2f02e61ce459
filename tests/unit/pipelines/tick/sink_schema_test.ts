import assert from "node:assert/strict";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import {
  requireSameColumns,
  sinkChanges,
  sinkColumns,
} from "../../../../lib/pipelines/tick/sink_schema.ts";
import { column } from "../../../support/commit_fixture.ts";

const LONG: Type = { kind: "long" };
const INT: Type = { kind: "int" };
const TEXT: Type = { kind: "string" };

function schema(...fields: readonly NestedField[]): Schema {
  return new Schema({ schemaId: 0, identifierFieldIds: [], fields });
}

function changes(
  rows: readonly NestedField[],
  sink: readonly NestedField[],
  mode: "fail" | "evolve" = "evolve",
) {
  return sinkChanges(rows, { sink: schema(...sink), formatVersion: 2, mode });
}

const struct = (...fields: readonly NestedField[]): Type => ({ kind: "struct", fields });

Deno.test("sinkChanges() needs none where names and types fit, in whatever order", () => {
  const rows = [column(1, "id"), column(2, "name", TEXT)];
  const sink = [column(7, "name", TEXT), column(8, "more", TEXT), column(9, "id")];
  assert.deepEqual(changes(rows, sink, "fail"), []);
  assert.deepEqual(changes([column(1, "id", INT)], [column(1, "id", LONG)], "fail"), []);
});

Deno.test("sinkChanges() adds columns without a promise, and promotes types, at every depth", () => {
  const required = { ...column(2, "extra", INT), required: true, doc: "why" };
  const rows = [
    column(1, "id", LONG),
    required,
    column(3, "place", struct(column(4, "lat", LONG), column(5, "lon", TEXT))),
  ];
  const sink = [column(1, "id", INT), column(3, "place", struct(column(4, "lat", INT)))];
  assert.deepEqual(changes(rows, sink), [
    { kind: "update", name: "id", type: LONG },
    { kind: "add", name: "extra", type: INT, required: false, doc: "why" },
    { kind: "update", name: "place.lat", type: LONG },
    { kind: "add", name: "place.lon", type: TEXT, required: false, doc: null },
  ]);
});

Deno.test("sinkChanges() names what is new where that is to be noticed", () => {
  const extra = Array.from({ length: 7 }, (_, i) => column(i + 2, `extra${i}`, TEXT));
  const act = () => changes([column(1, "id", LONG), ...extra], [column(1, "id", INT)], "fail");
  assert.throws(act, (error: Error) => {
    assert.equal(Reflect.get(error, "code"), "source_schema_changed");
    assert.match(error.message, /another type in column id bigint, a new column extra0 string/);
    assert.match(error.message, /extra3 string and 3 more/);
    assert.match(error.message, /schema_changes set to evolve/);
    return true;
  });
});

Deno.test("sinkChanges() refuses a sink that requires what rows do not have", () => {
  const must = { ...column(2, "must", TEXT), required: true };
  for (const mode of ["fail", "evolve"] as const) {
    assert.throws(() => changes([column(1, "id")], [column(1, "id"), must], mode), {
      kind: "invalid",
      code: "sink_column_missing",
    });
  }
  const filled = { ...must, writeDefault: "none" };
  assert.deepEqual(changes([column(1, "id")], [column(1, "id"), filled]), []);
});

Deno.test("sinkColumns() names all columns as a new table is defined", () => {
  const place = struct(column(3, "lat", { kind: "double" }));
  const rows = [{ ...column(1, "id"), required: true }, { ...column(2, "place", place), doc: "x" }];
  assert.deepEqual(sinkColumns(rows), [
    { name: "id", type: "bigint", nullable: false, comment: null },
    { name: "place", type: "struct<lat:double>", nullable: true, comment: "x" },
  ]);
});

Deno.test("requireSameColumns() notices columns that came, went, or are others now", () => {
  const before = schema(column(1, "id"), column(2, "name", TEXT));
  requireSameColumns(undefined, before);
  requireSameColumns(before, schema(column(2, "name", TEXT), column(1, "id")));
  const cases: readonly (readonly [Schema, RegExp])[] = [
    [schema(column(1, "id")), /it has lost "name"/],
    [schema(column(1, "id"), column(3, "name", TEXT)), /it has lost "name"/],
    [schema(column(1, "id"), column(2, "label", TEXT)), /renamed/],
    [schema(column(1, "id", INT), column(2, "name", TEXT)), /changed their type/],
    [schema(...before.fields, column(3, "more")), /columns were added/],
  ];
  for (const [now, message] of cases) {
    assert.throws(() => requireSameColumns(before, now), (error: Error) => {
      assert.equal(Reflect.get(error, "code"), "source_schema_changed");
      assert.match(error.message, message);
      return true;
    });
  }
});
