import assert from "node:assert/strict";
import { RecordBatch } from "apache-arrow";
import { arrowSchema } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import {
  encodeRowGroup,
  metricsConfig,
  openParquetFile,
  ParquetAssembler,
  writeSettings,
} from "../../../../lib/columnar/parquet/mod.ts";
import { offsetIndexCodec } from "../../../../lib/columnar/parquet/footer/offset_index.ts";
import { readFooter } from "../../../../lib/columnar/parquet/footer/read_footer.ts";
import { CompactReader } from "../../../../lib/columnar/parquet/thrift/compact_reader.ts";
import {
  decimalBytes,
  writeSchemaOf,
} from "../../../../lib/columnar/parquet/write/parquet_schema.ts";
import { AppError } from "../../../../lib/errors.ts";
import { schemaFromJson } from "../../../../lib/iceberg/spec/metadata_parts.ts";
import type { NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { parseJson } from "../../../../lib/json.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { field } from "../arrow/_columns.ts";
import {
  batchOfColumns,
  LOCATION,
  readAll,
  schemaOf,
  valuesAt,
  writeFile,
  writtenFile,
} from "./_files.ts";

await readyParquet();

const settings = writeSettings({});

function encode(batch: RecordBatch, fields: readonly NestedField[]) {
  const schema = schemaOf(...fields);
  return encodeRowGroup([batch], {
    schema,
    settings,
    metrics: metricsConfig({ schema, properties: {} }),
  });
}

/** Types with their Parquet form: physical type, length, logical type, old annotation. */
const FORMS: readonly (readonly [Type, readonly unknown[]])[] = [
  [{ kind: "boolean" }, ["BOOLEAN", null, null, null]],
  [{ kind: "int" }, ["INT32", null, null, null]],
  [{ kind: "long" }, ["INT64", null, null, null]],
  [{ kind: "date" }, ["INT32", null, { kind: "date" }, 6]],
  [{ kind: "time" }, [
    "INT64",
    null,
    { kind: "time", unit: "micros", isAdjustedToUtc: false },
    null,
  ]],
  [{ kind: "timestamp" }, [
    "INT64",
    null,
    { kind: "timestamp", unit: "micros", isAdjustedToUtc: false },
    null,
  ]],
  [{ kind: "timestamptz" }, [
    "INT64",
    null,
    { kind: "timestamp", unit: "micros", isAdjustedToUtc: true },
    10,
  ]],
  [{ kind: "timestamptz_ns" }, [
    "INT64",
    null,
    { kind: "timestamp", unit: "nanos", isAdjustedToUtc: true },
    null,
  ]],
  [{ kind: "string" }, ["BYTE_ARRAY", null, { kind: "string" }, 0]],
  [{ kind: "binary" }, ["BYTE_ARRAY", null, null, null]],
  [{ kind: "uuid" }, ["FIXED_LEN_BYTE_ARRAY", 16, { kind: "uuid" }, null]],
  [{ kind: "fixed", length: 3 }, ["FIXED_LEN_BYTE_ARRAY", 3, null, null]],
  ...([[1, "INT32", null], [9, "INT32", null], [10, "INT64", null], [18, "INT64", null], [
    19,
    "FIXED_LEN_BYTE_ARRAY",
    9,
  ], [38, "FIXED_LEN_BYTE_ARRAY", 16]] as const).map(([precision, physical, length]) =>
    [{ kind: "decimal", precision, scale: 1 }, [
      physical,
      length,
      { kind: "decimal", precision, scale: 1 },
      5,
    ]] as const
  ),
];

Deno.test("every type has the Parquet form that the specification gives it", () => {
  for (const [type, form] of FORMS) {
    const { tree } = writeSchemaOf(schemaOf(field(7, "c", type)));
    const [node] = tree.columns;
    const { physicalType, typeLength, logicalType, element } = node!;
    const found = [physicalType, typeLength, logicalType, element.convertedType];
    assert.deepEqual(found, form, type.kind);
    assert.equal(node?.fieldId, 7);
  }
});

Deno.test("decimalBytes() is the fewest bytes that hold every value", () => {
  for (let precision = 1; precision <= 38; precision++) {
    const largest = 10n ** BigInt(precision) - 1n;
    const bytes = decimalBytes(precision);
    assert.equal(BigInt.asIntN(8 * bytes, largest), largest);
    assert(bytes === 1 || BigInt.asIntN(8 * (bytes - 1), largest) !== largest);
  }
});

const LIST: Type = {
  kind: "list",
  elementId: 5,
  elementRequired: true,
  element: { kind: "int" },
};

const MAP: Type = {
  kind: "map",
  keyId: 6,
  key: { kind: "string" },
  valueId: 7,
  valueRequired: false,
  value: { kind: "struct", fields: [field(8, "a b", { kind: "int" })] },
};

Deno.test("lists and maps have three levels, ids on all but the middle one, names as Java's", () => {
  const { elements, leaves } = writeSchemaOf(schemaOf(field(1, "l-1", LIST), field(2, "m", MAP)));
  const shown = elements.map(({ name, repetition, fieldId }) => [name, repetition, fieldId]);
  assert.deepEqual(shown, [
    ["table", null, null],
    ["l_x2D1", 1, 1],
    ["list", 2, null],
    ["element", 0, 5],
    ["m", 1, 2],
    ["key_value", 2, null],
    ["key", 0, 6],
    ["value", 1, 7],
    ["a_x20b", 1, 8],
  ]);
  assert.deepEqual(leaves.map(({ name }) => name), ["l-1.element", "m.key", "m.value.a b"]);
});

Deno.test("types that no file holds are refused by name", () => {
  const refused: readonly Type[] = [
    { kind: "variant" },
    { kind: "geometry", crs: null },
    { kind: "geography", crs: null, algorithm: null },
    { kind: "struct", fields: [] },
    { kind: "struct", fields: [field(9, "x", { kind: "unknown" })] },
    { ...LIST, element: { kind: "unknown" } } as Type,
    { ...MAP, value: { kind: "unknown" } } as Type,
  ];
  for (const type of refused) {
    assert.throws(() => writeSchemaOf(schemaOf(field(1, "col", type))), (error) => {
      assert(error instanceof AppError);
      assert.deepEqual([error.kind, error.code], ["unsupported", "type_unsupported"]);
      assert.match(error.message, /"col/);
      return true;
    });
  }
});

Deno.test("columns of type unknown are left out of files, wherever they are", async () => {
  const struct: Type = {
    kind: "struct",
    fields: [field(11, "u", { kind: "unknown" }), field(12, "x", { kind: "int" })],
  };
  const list: Type = { kind: "list", elementId: 13, elementRequired: false, element: struct };
  const map: Type = {
    kind: "map",
    keyId: 14,
    key: { kind: "string" },
    valueId: 15,
    valueRequired: false,
    value: {
      kind: "struct",
      fields: [field(16, "y", { kind: "long" }), field(17, "u", { kind: "unknown" })],
    },
  };
  const schema = schemaOf(
    field(1, "u", { kind: "unknown" }),
    field(2, "s", struct),
    field(3, "l", list),
    field(4, "m", map),
  );
  const batch = batchOfColumns(schema, [
    [null, null],
    [[null, 1], null],
    [[[null, 2], null], []],
    [[["k", [5n, null]]], null],
  ]);
  const { source } = await writtenFile(batch, { schema });
  const read = await readAll(source);
  assert.deepEqual(source.schema.columns.map(({ fieldId }) => fieldId), [2, 3, 4]);
  const struct2: Type = { kind: "struct", fields: [field(12, "x", { kind: "int" })] };
  assert.deepEqual(valuesAt(read, { at: 0, type: struct2 }), [[1], null]);
  assert.deepEqual(valuesAt(read, { at: 1, type: { ...list, element: struct2 } as Type }), [
    [[2], null],
    [],
  ]);
  const value: Type = { kind: "struct", fields: [field(16, "y", { kind: "long" })] };
  assert.deepEqual(valuesAt(read, { at: 2, type: { ...map, value } as Type }), [
    [["k", [5n]]],
    null,
  ]);
});

Deno.test("a null in a required column is refused with the column's name", () => {
  const optional = [field(1, "a", { kind: "int" })];
  const batch = batchOfColumns(schemaOf(...optional), [[1, null]]);
  const required = [field(1, "a", { kind: "int" }, true)];
  const schema = arrowSchema({ fields: required });
  assert.throws(() => encode(new RecordBatch(schema, batch.data), required), {
    kind: "invalid",
    code: "null_in_required_column",
  });
});

Deno.test("rows of another schema, and no rows, are programming errors", () => {
  const batch = batchOfColumns(schemaOf(field(1, "a", { kind: "int" })), [[1]]);
  assert.throws(() => encode(batch, [field(1, "a", { kind: "long" })]), TypeError);
  assert.throws(() => encode(batch, []), TypeError);
  const empty = batchOfColumns(schemaOf(field(1, "a", { kind: "int" })), [[]]);
  assert.throws(() => encode(empty, [field(1, "a", { kind: "int" })]), RangeError);
});

Deno.test("a file says who wrote it, what its schema is, and nothing of Arrow", async () => {
  const schema = schemaOf(field(1, "a", { kind: "uuid" }), field(2, "l", LIST));
  const batch = batchOfColumns(schema, [["00000000-0000-0000-0000-000000000001"], [[1, 2]]]);
  const { source, io } = await writtenFile(batch, { schema });
  assert.match(source.createdBy ?? "", /^drls version \d/);
  assert.deepEqual([...source.keyValueMetadata.keys()], ["iceberg.schema"]);
  const written = schemaFromJson(parseJson(source.keyValueMetadata.get("iceberg.schema")!));
  assert.deepEqual(written.fields, schema.fields);
  const { sizeBytes } = (await io.stat(LOCATION))!;
  const { metaData } = await readFooter(io, { location: LOCATION, sizeBytes });
  assert.deepEqual(metaData.columnOrders, ["type", "type"]);
});

Deno.test("page indexes point at the pages of their own file", async () => {
  const schema = schemaOf(field(1, "a", { kind: "long" }), field(2, "s", { kind: "string" }));
  const rows = 50_000;
  const batch = batchOfColumns(schema, [
    Array.from({ length: rows }, (_, at) => BigInt(at)),
    Array.from({ length: rows }, (_, at) => `s${at}`),
  ]);
  const io = new MemoryFileIo();
  const file = await writeFile(io, [[batch], [batch], [batch]], { schema });
  const bytes = await io.read(LOCATION);
  const { metaData } = await readFooter(io, { location: LOCATION, sizeBytes: bytes.length });
  assert.equal(metaData.rowGroups.length, 3);
  for (const [at, group] of metaData.rowGroups.entries()) {
    assert.equal(group.fileOffset, file.splitOffsets[at]);
    for (const chunk of group.columns) {
      const offset = chunk.offsetIndexOffset!;
      const reader = new CompactReader(bytes, { location: LOCATION, offset });
      const { pageLocations } = offsetIndexCodec.read(reader);
      assert.equal(reader.position, offset + chunk.offsetIndexLength!);
      assert(pageLocations.length > 1);
      assert.equal(pageLocations[0]?.offset, chunk.metaData?.dataPageOffset);
      let end = chunk.metaData!.dataPageOffset;
      for (const page of pageLocations) {
        assert.equal(page.offset, end);
        end += page.compressedPageSize;
      }
      assert(chunk.columnIndexOffset! + chunk.columnIndexLength! <= offset);
    }
  }
});

Deno.test("a row group crosses isolates and is still what it was", async () => {
  const schema = schemaOf(field(1, "a", { kind: "string" }), field(2, "d", { kind: "double" }));
  const batch = batchOfColumns(schema, [["x".repeat(100), null], [NaN, 1]]);
  const properties = { "write.metadata.metrics.default": "full" };
  const encoded = encodeRowGroup([batch], {
    schema,
    settings,
    metrics: metricsConfig({ schema, properties }),
  });
  const sent = structuredClone(encoded, { transfer: [encoded.bytes.buffer] });
  const io = new MemoryFileIo();
  const assembler = new ParquetAssembler(await io.openWriter(LOCATION), { schema });
  await assembler.append(sent);
  assert.equal(assembler.recordCount, 2);
  const file = await assembler.finish();
  assert.equal(file.sizeBytes, (await io.stat(LOCATION))?.sizeBytes);
  assert.deepEqual(file.leafStats[0]?.upper, { value: "x".repeat(100), isExact: true });
  assert.equal(file.leafStats[1]?.nanCount, 1);
});

Deno.test("append() refuses a row group of another schema", async () => {
  const a = [field(1, "a", { kind: "int" })];
  const encoded = encode(batchOfColumns(schemaOf(...a), [[1]]), a);
  const io = new MemoryFileIo();
  for (const other of [field(2, "a", { kind: "int" }), field(1, "a", { kind: "date" })]) {
    const schema = schemaOf(other);
    const assembler = new ParquetAssembler(await io.openWriter(LOCATION), { schema });
    await assert.rejects(assembler.append(encoded), TypeError);
    await assembler.abort();
  }
  assert.equal(await io.stat(LOCATION), null);
});

Deno.test("nothing is at the location before finish(), nor after abort()", async () => {
  const a = [field(1, "a", { kind: "int" })];
  const encoded = encode(batchOfColumns(schemaOf(...a), [[1]]), a);
  const io = new MemoryFileIo();
  const assembler = new ParquetAssembler(await io.openWriter(LOCATION), { schema: schemaOf(...a) });
  await assembler.append(encoded);
  assert.equal(await io.stat(LOCATION), null);
  await assembler.abort();
  assert.equal(await io.stat(LOCATION), null);
  await writeFile(io, [], { schema: schemaOf(...a) });
  const late = new ParquetAssembler(await io.openWriter(LOCATION), { schema: schemaOf(...a) });
  await late.append(encoded);
  await rejectsWith(late.finish(), { kind: "already_exists", code: "file_already_exists" });
});

Deno.test("files of every codec and page version give back their rows", async () => {
  const schema = schemaOf(field(1, "a", { kind: "string" }), field(2, "l", LIST));
  const columns = [
    Array.from({ length: 1_000 }, (_, at) => at % 3 === 0 ? null : `text ${at}`),
    Array.from({ length: 1_000 }, (_, at) => at % 4 === 0 ? null : [at, at + 1]),
  ];
  const codecs = ["zstd", "snappy", "gzip", "brotli", "lz4", "lz4_raw", "uncompressed", "none"];
  for (const codec of codecs) {
    for (const version of ["v1", "v2"]) {
      const properties = {
        "write.parquet.compression-codec": codec,
        "write.parquet.page-version": version,
      };
      const { source } = await writtenFile(batchOfColumns(schema, columns), { schema, properties });
      const read = await readAll(source);
      for (const [at, { type }] of schema.fields.entries()) {
        assert.deepEqual(valuesAt(read, { at, type }), columns[at], `${codec} ${version}`);
      }
    }
  }
});

Deno.test("booleans are written bit by bit in pages of both versions, as all readers take them", async () => {
  const PLAIN = 0;
  const schema = schemaOf(field(1, "a b", { kind: "boolean" }));
  const column = Array.from({ length: 100 }, (_, at) => at % 3 === 0 ? null : at < 50);
  for (const version of ["v1", "v2"]) {
    const properties = { "write.parquet.page-version": version };
    const batch = batchOfColumns(schema, [column]);
    const { io, file: { sizeBytes } } = await writtenFile(batch, { schema, properties });
    const { metaData } = await readFooter(io, { location: LOCATION, sizeBytes });
    const [chunk] = metaData.rowGroups[0]!.columns;
    assert(chunk?.metaData?.encodings.includes(PLAIN), version);
  }
});

Deno.test("a column whose name files spell otherwise goes without a dictionary too", async () => {
  const schema = schemaOf(field(1, "a b", { kind: "string" }), field(2, "c", { kind: "string" }));
  const columns = [["x", "x"], ["x", "x"]];
  const properties = { "write.parquet.dict-encoding-enabled.column.a b": "false" };
  const batch = batchOfColumns(schema, columns);
  const { io, file: { sizeBytes } } = await writtenFile(batch, { schema, properties });
  const { metaData } = await readFooter(io, { location: LOCATION, sizeBytes });
  const offsets = metaData.rowGroups[0]!.columns.map((one) => one.metaData?.dictionaryPageOffset);
  assert.equal(offsets[0] ?? null, null);
  assert.notEqual(offsets[1] ?? null, null);
});

Deno.test("openParquetFile() reads what is being read after a row group was written", async () => {
  const schema = schemaOf(field(1, "a", { kind: "int" }));
  const { source, io } = await writtenFile(batchOfColumns(schema, [[1, 2]]), { schema });
  const iterator = source.readRowGroup(0, { batchSize: 1 });
  await iterator.next();
  encode(batchOfColumns(schema, [[3]]), schema.fields);
  const { value } = await iterator.next();
  assert.deepEqual(valuesAt([value!], { at: 0, type: { kind: "int" } }), [2]);
  assert.equal((await openParquetFile(io, { location: LOCATION })).rowCount, 2);
});
