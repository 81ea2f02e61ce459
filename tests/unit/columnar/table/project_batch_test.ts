import assert from "node:assert/strict";
import { Field, List, type RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import fc from "fast-check";
import { arrowSchema } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { makeBatch, sliceBatch } from "../../../../lib/columnar/arrow/batch.ts";
import { BatchBuilder } from "../../../../lib/columnar/arrow/column_builder.ts";
import { valueReader } from "../../../../lib/columnar/arrow/value_reader.ts";
import {
  FILE_COLUMN,
  LAST_UPDATED_COLUMN,
  METADATA_FIELD_IDS,
  partitionColumn,
  partitionColumnValue,
  POSITION_COLUMN,
  ROW_ID_COLUMN,
  SPEC_ID_COLUMN,
} from "../../../../lib/columnar/table/metadata_columns.ts";
import {
  compileProjection,
  type ProjectedFile,
} from "../../../../lib/columnar/table/project_batch.ts";
import { AppError } from "../../../../lib/errors.ts";
import { NameMapping, parseNameMapping } from "../../../../lib/iceberg/spec/name_mapping.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { field, typed } from "../arrow/_columns.ts";

const FILE: ProjectedFile = {
  location: "s3://b/t/data/f.parquet",
  constants: new Map(),
  firstRowId: null,
  sequenceNumber: 7n,
};

function batchOf(fields: readonly NestedField[], rows: readonly IcebergValue[][]): RecordBatch {
  const builder = new BatchBuilder({ fields });
  for (const row of rows) builder.append(row);
  return builder.finish();
}

function rowsOf(batch: RecordBatch, fields: readonly NestedField[]): IcebergValue[][] {
  const readers = fields.map(({ type }, at) => {
    const column = batch.data.children[at];
    assert(column !== undefined && column.length === batch.numRows);
    return valueReader(column, type);
  });
  return Array.from({ length: batch.numRows }, (_, row) => readers.map((read) => read(row)));
}

function selectColumns(batch: RecordBatch, places: readonly number[]): RecordBatch {
  const schema = new ArrowSchema(places.flatMap((place) => batch.schema.fields[place] ?? []));
  const columns = places.flatMap((place) => batch.data.children[place] ?? []);
  return makeBatch(schema, columns, { length: batch.numRows });
}

interface ProjectTestOptions {
  readonly file?: Partial<ProjectedFile>;
  readonly nameMapping?: NameMapping | null;
  readonly firstPosition?: number;
}

function project(
  batch: RecordBatch,
  fields: readonly NestedField[],
  options: ProjectTestOptions = {},
): IcebergValue[][] {
  const { file, nameMapping = null, firstPosition = 0 } = options;
  const projection = compileProjection(batch.schema, fields, {
    nameMapping,
    file: { ...FILE, ...file },
  });
  const projected = projection.project(selectColumns(batch, projection.filePlaces), {
    firstPosition,
  });
  assert.equal(String(projected.schema), String(arrowSchema({ fields })));
  return rowsOf(projected, fields);
}

function isCorrupt(code: string, text: RegExp) {
  return (error: unknown) => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.kind, "corrupt_data");
    assert.equal(error.code, code);
    assert.match(error.message, text);
    assert(!error.message.includes("s3://"), error.message);
    return true;
  };
}

const STRUCT = (fields: readonly NestedField[]): Type => ({ kind: "struct", fields });

Deno.test("project() follows ids through renames, new orders, drops and additions", () => {
  const batch = batchOf([
    field(1, "id", { kind: "int" }, true),
    field(2, "old", { kind: "string" }),
    field(3, "gone", { kind: "float" }),
  ], [[1, "a", 0.5], [2, null, null]]);
  const added = { ...field(5, "added", { kind: "date" }), initialDefault: 12 };
  const fields = [
    field(2, "new", { kind: "string" }),
    field(4, "old", { kind: "string" }),
    field(1, "id", { kind: "long" }, true),
    added,
  ];
  assert.deepEqual(project(batch, fields), [["a", null, 1n, 12], [null, null, 2n, 12]]);
});

Deno.test("project() evolves structs, lists and maps at every depth, in slices too", () => {
  const inner = STRUCT([field(4, "x", { kind: "int" }), field(5, "y", { kind: "string" })]);
  const written = [
    field(1, "s", STRUCT([field(2, "a", { kind: "float" }), field(3, "b", inner)])),
    field(6, "l", { kind: "list", elementId: 7, elementRequired: false, element: inner }),
    field(8, "m", {
      kind: "map",
      keyId: 9,
      key: { kind: "int" },
      valueId: 10,
      valueRequired: false,
      value: { kind: "decimal", precision: 4, scale: 1 },
    }),
  ];
  const evolved = STRUCT([
    { ...field(11, "z", { kind: "string" }, true), initialDefault: "zz" },
    field(4, "x2", { kind: "long" }),
  ]);
  const read = [
    field(8, "m", {
      kind: "map",
      keyId: 9,
      key: { kind: "long" },
      valueId: 10,
      valueRequired: false,
      value: { kind: "decimal", precision: 30, scale: 1 },
    }),
    field(6, "l", { kind: "list", elementId: 7, elementRequired: false, element: evolved }),
    field(1, "s", STRUCT([field(3, "b", evolved), field(2, "a", { kind: "double" })])),
  ];
  const rows: IcebergValue[][] = [
    [[0.5, [1, "p"]], [[1, "q"], null, [null, null]], [[1, 5n], [2, null]]],
    [null, null, null],
    [[null, null], [], []],
    [[1.5, [3, null]], [[4, "r"]], [[9, -9n]]],
  ];
  const expected: IcebergValue[][] = [
    [[[1n, 5n], [2n, null]], [["zz", 1n], null, ["zz", null]], [["zz", 1n], 0.5]],
    [null, null, null],
    [[], [], [null, null]],
    [[[9n, -9n]], [["zz", 4n]], [["zz", 3n], 1.5]],
  ];
  const batch = batchOf(written, rows);
  assert.deepEqual(project(batch, read), expected);
  for (const at of [0, 1, 2, 3]) {
    for (const length of [1, 2]) {
      const slice = sliceBatch(batch, { at, length });
      assert.deepEqual(project(slice, read), expected.slice(at, at + length));
    }
  }
});

Deno.test("project() of the same schema changes nothing, for any type", () => {
  const sample = typed(3).chain(({ type, value }) =>
    fc.array(fc.option(value, { freq: 4 }), { maxLength: 20 }).map((values) => ({ type, values }))
  );
  fc.assert(
    fc.property(sample, fc.nat(5), ({ type, values }, at) => {
      const fields = [field(1, "c", type)];
      const batch = sliceBatch(batchOf(fields, values.map((value) => [value])), { at, length: 99 });
      assert.deepEqual(project(batch, fields), values.slice(at).map((value) => [value]));
    }),
    { numRuns: 300 },
  );
});

Deno.test("project() reads lists of other layouts", () => {
  const fields = [
    field(1, "l", { kind: "list", elementId: 2, elementRequired: false, element: { kind: "int" } }),
  ];
  const batch = batchOf(fields, [[[1, 2]], [null], [[3]]]);
  const [list] = batch.data.children;
  const [arrowField] = batch.schema.fields;
  assert(list !== undefined && arrowField?.type instanceof List);
  // Only the name of the element differs, as in files of other writers.
  const type = new List(
    new Field("item", arrowField.type.valueType, true, arrowField.type.children[0]?.metadata),
  );
  const schema = new ArrowSchema([new Field("l", type, true, arrowField.metadata)]);
  const other = makeBatch(schema, [list.clone(type)], { length: 3 });
  assert.deepEqual(project(other, fields), [[[1, 2]], [null], [[3]]]);
});

Deno.test("project() takes partition values for columns that the file lacks, null ones too", () => {
  const batch = batchOf([field(1, "id", { kind: "int" })], [[1], [2]]);
  const region = { ...field(2, "region", { kind: "string" }), initialDefault: "default" };
  const constants = new Map<number, IcebergValue>([[2, "eu"], [1, 99]]);
  assert.deepEqual(
    project(batch, [region, field(1, "id", { kind: "int" })], { file: { constants } }),
    [
      ["eu", 1],
      ["eu", 2],
    ],
  );
  const none = new Map<number, IcebergValue>([[2, null]]);
  assert.deepEqual(project(batch, [region], { file: { constants: none } }), [[null], [null]]);
});

Deno.test("compileProjection() refuses a required column that is nowhere", () => {
  const batch = batchOf([field(1, "id", { kind: "int" })], [[1]]);
  const required = field(2, "must", { kind: "string" }, true);
  assert.throws(() => project(batch, [required]), isCorrupt("required_column_missing", /"must"/));
  const withDefault = { ...required, initialDefault: "x" };
  assert.deepEqual(project(batch, [withDefault]), [["x"]]);
  const nested = batchOf([field(1, "s", STRUCT([field(3, "a", { kind: "int" })]))], [[[1]]]);
  const deep = [field(1, "s", STRUCT([field(4, "b", { kind: "int" }, true)]))];
  assert.throws(() => project(nested, deep), isCorrupt("data_file_malformed", /"s\.b".*lacks it/));
});

Deno.test("project() refuses null in required columns, but not below a null struct", () => {
  const optional = batchOf([field(1, "id", { kind: "int" })], [[1], [null]]);
  assert.throws(
    () => project(optional, [field(1, "id", { kind: "int" }, true)]),
    isCorrupt("data_file_malformed", /"id".*null and is required/),
  );
  const member = (required: boolean) => [
    field(1, "s", STRUCT([field(2, "a", { kind: "int" }, required)])),
  ];
  assert.deepEqual(project(batchOf(member(false), [[null], [[1]]]), member(true)), [[null], [[1]]]);
  assert.throws(
    () => project(batchOf(member(false), [[[null]], [[1]]]), member(true)),
    isCorrupt("data_file_malformed", /"s\.a"/),
  );
});

Deno.test("project() names file and column where the file holds another type", () => {
  const batch = batchOf([field(1, "id", { kind: "string" })], [["x"]]);
  assert.throws(
    () => project(batch, [field(1, "id", { kind: "int" })]),
    isCorrupt("data_file_malformed", /"id" of "data\/f\.parquet": it holds Utf8, wanted int/),
  );
  assert.throws(
    () => project(batch, [field(1, "id", STRUCT([]))]),
    isCorrupt("data_file_malformed", /wanted struct/),
  );
});

/** The batch as a writer without ids would have written it. */
function withoutIds(batch: RecordBatch): RecordBatch {
  const strip = (f: Field): Field => {
    const type = f.type.children === undefined || f.type.children === null
      ? f.type
      : Object.assign(Object.create(Object.getPrototypeOf(f.type)), f.type, {
        children: f.type.children.map(strip),
      });
    return new Field(f.name, type, f.nullable);
  };
  const schema = new ArrowSchema(batch.schema.fields.map(strip));
  return makeBatch(schema, batch.data.children, { length: batch.numRows });
}

Deno.test("project() reads files without ids through a name mapping", () => {
  const fields = [
    field(1, "id", { kind: "int" }),
    field(2, "s", STRUCT([field(3, "a.b", { kind: "string" })])),
    field(4, "l", { kind: "list", elementId: 5, elementRequired: false, element: { kind: "int" } }),
    field(6, "m", {
      kind: "map",
      keyId: 7,
      key: { kind: "int" },
      valueId: 8,
      valueRequired: false,
      value: { kind: "int" },
    }),
    field(9, "unmapped", { kind: "int" }),
  ];
  const batch = withoutIds(batchOf(fields, [[1, ["x"], [2, null], [[3, 4]], 5]]));
  const nameMapping = parseNameMapping(JSON.stringify([
    { "field-id": 1, "names": ["identifier", "id"] },
    { "field-id": 2, "names": ["s"], "fields": [{ "field-id": 3, "names": ["a.b"] }] },
    { "field-id": 4, "names": ["l"], "fields": [{ "field-id": 5, "names": ["element"] }] },
    {
      "field-id": 6,
      "names": ["m"],
      "fields": [{ "field-id": 7, "names": ["key"] }, { "field-id": 8, "names": ["value"] }],
    },
  ]));
  assert.deepEqual(project(batch, fields, { nameMapping }), [[
    1,
    ["x"],
    [2, null],
    [[3, 4]],
    null,
  ]]);
  assert.throws(() => project(batch, fields), isCorrupt("field_ids_missing", /name-mapping/));
});

Deno.test("project() ignores the name mapping where the file has ids", () => {
  const batch = batchOf([field(1, "a", { kind: "int" })], [[1]]);
  const nameMapping = parseNameMapping('[{"field-id": 2, "names": ["a"]}]');
  assert.deepEqual(project(batch, [field(2, "b", { kind: "int" })], { nameMapping }), [[null]]);
});

Deno.test("project() tells file, position, spec and partition of rows", () => {
  const batch = batchOf([field(1, "id", { kind: "int" })], [[1], [2]]);
  const specs: readonly PartitionSpec[] = [
    {
      specId: 0,
      fields: [{ sourceIds: [1], fieldId: 1000, name: "id", transform: { kind: "identity" } }],
    },
    {
      specId: 1,
      fields: [{
        sourceIds: [1],
        fieldId: 1001,
        name: "b",
        transform: { kind: "bucket", numBuckets: 4 },
      }],
    },
  ];
  const schema = new Schema({
    schemaId: 0,
    fields: [field(1, "id", { kind: "int" })],
    identifierFieldIds: [],
  });
  const partition = partitionColumn(specs, schema);
  assert(partition.type.kind === "struct" && specs[1] !== undefined);
  const value = partitionColumnValue(partition.type, { spec: specs[1], partition: [3] });
  const constants = new Map<number, IcebergValue>([
    [METADATA_FIELD_IDS.specId, 1],
    [METADATA_FIELD_IDS.partition, value],
  ]);
  const rows = project(batch, [FILE_COLUMN, POSITION_COLUMN, SPEC_ID_COLUMN, partition], {
    file: { constants },
    firstPosition: 40,
  });
  assert.deepEqual(rows, [
    [FILE.location, 40n, 1, [null, 3]],
    [FILE.location, 41n, 1, [null, 3]],
  ]);
});

Deno.test("project() inherits row lineage from the file, unless the row stores its own", () => {
  const lineage = [ROW_ID_COLUMN, LAST_UPDATED_COLUMN];
  const plain = batchOf([field(1, "id", { kind: "int" })], [[1], [2]]);
  const file = { firstRowId: 1_000n, sequenceNumber: 9n };
  assert.deepEqual(project(plain, lineage, { file, firstPosition: 5 }), [[1_005n, 9n], [
    1_006n,
    9n,
  ]]);
  const stored = batchOf([field(1, "id", { kind: "int" }), ...lineage], [
    [1, 77n, 3n],
    [2, null, null],
    [3, null, 4n],
  ]);
  assert.deepEqual(project(stored, lineage, { file }), [[77n, 3n], [1_001n, 9n], [1_002n, 4n]]);
  assert.deepEqual(
    project(sliceBatch(stored, { at: 1, length: 2 }), lineage, { file, firstPosition: 1 }),
    [
      [1_001n, 9n],
      [1_002n, 4n],
    ],
  );
  // Before v3 there is no lineage, whatever a file holds.
  assert.deepEqual(project(stored, lineage), [[null, null], [null, null], [null, null]]);
});

Deno.test("filePlaces name what is read from the file, and nothing else", () => {
  const batch = batchOf([field(1, "a", { kind: "int" }), field(2, "b", { kind: "int" })], [[1, 2]]);
  const fields = [field(2, "b", { kind: "int" }), field(3, "c", { kind: "int" }), FILE_COLUMN];
  const projection = compileProjection(batch.schema, fields, { nameMapping: null, file: FILE });
  assert.deepEqual(projection.filePlaces, [1]);
});
