import assert from "node:assert/strict";
import { openParquetFile, type ParquetNode } from "../../../../lib/columnar/parquet/mod.ts";
import { MAX_GAP_BYTES } from "../../../../lib/columnar/parquet/read/fetch_chunks.ts";
import type { ReadOptions } from "../../../../lib/iceberg/ports.ts";
import type { IcebergValue, Type } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { field } from "../arrow/_columns.ts";
import { batchOfColumns, LOCATION, readAll, schemaOf, valuesAt, writeFile } from "./_files.ts";

await readyParquet();

/** Records the ranges that are read. */
class RecordingIo extends MemoryFileIo {
  readonly ranges: { readonly offset: number; readonly length: number }[] = [];

  override async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    if (options.range !== undefined) this.ranges.push(options.range);
    return await super.read(location, options);
  }
}

const ROWS = 40_000;

/** A file too large to be read whole: incompressible columns around a small one. */
async function largeFile(): Promise<RecordingIo> {
  const schema = schemaOf(
    field(1, "a", { kind: "uuid" }),
    field(2, "b", { kind: "int" }),
    field(3, "c", { kind: "uuid" }),
    field(4, "d", { kind: "int" }),
  );
  const uuid = () => crypto.randomUUID();
  const batch = batchOfColumns(schema, [
    Array.from({ length: ROWS }, uuid),
    Array.from({ length: ROWS }, (_, at) => at),
    Array.from({ length: ROWS }, uuid),
    Array.from({ length: ROWS }, (_, at) => -at),
  ]);
  const io = new RecordingIo();
  await writeFile(io, [[batch], [batch]], { schema });
  return io;
}

Deno.test("readRowGroup() fetches the chunks of the wanted columns and nothing else", async () => {
  const io = await largeFile();
  const source = await openParquetFile(io, { location: LOCATION });
  assert.equal(io.ranges.length, 1);
  io.ranges.length = 0;
  const [a, b, , d] = source.schema.columns;
  const chunk = (group: number, leaf: number) => source.rowGroups[group]!.chunks[leaf]!;
  const batches = [];
  for await (const batch of source.readRowGroup(1, { columns: [d!, b!] })) batches.push(batch);
  assert.deepEqual(batches[0]?.schema.fields.map(({ name }) => name), ["b", "d"]);
  assert.equal(valuesAt(batches, { at: 1, type: { kind: "int" } })[7], -7);
  assert(chunk(1, 3).offset - chunk(1, 1).offset > MAX_GAP_BYTES);
  assert.deepEqual(
    io.ranges,
    [1, 3].map((leaf) => {
      const { offset, length } = chunk(1, leaf);
      return { offset, length };
    }),
  );
  io.ranges.length = 0;
  for await (const _ of source.readRowGroup(0, { columns: [a!, b!] }));
  assert.equal(io.ranges.length, 1, "neighbours come with one read");
});

Deno.test("readRowGroup() of no columns counts rows and reads nothing", async () => {
  const io = await largeFile();
  const source = await openParquetFile(io, { location: LOCATION });
  io.ranges.length = 0;
  let rows = 0;
  for await (const batch of source.readRowGroup(0, { columns: [], batchSize: 15_000 })) {
    assert.equal(batch.schema.fields.length, 0);
    assert(batch.numRows <= 15_000);
    rows += batch.numRows;
  }
  assert.equal(rows, ROWS);
  assert.deepEqual(io.ranges, []);
});

Deno.test("a row group that is decoded in steps gives the rows of one that is not", async () => {
  const list: Type = {
    kind: "list",
    elementId: 9,
    elementRequired: false,
    element: { kind: "string" },
  };
  const schema = schemaOf(
    field(1, "n", { kind: "long" }),
    field(2, "s", { kind: "string" }),
    field(3, "l", list),
  );
  const columns: IcebergValue[][] = [
    Array.from({ length: 5_000 }, (_, at) => at % 11 === 0 ? null : BigInt(at)),
    Array.from({ length: 5_000 }, (_, at) => at % 7 === 0 ? null : "x".repeat(at % 100)),
    Array.from({ length: 5_000 }, (_, at) => at % 5 === 0 ? null : new Array(at % 4).fill(`${at}`)),
  ];
  const io = new MemoryFileIo();
  await writeFile(io, [[batchOfColumns(schema, columns)]], { schema });
  const source = await openParquetFile(io, { location: LOCATION });
  for (const windowBytes of [1, 50_000, 200_000]) {
    const batches = [];
    const read = source.readRowGroup(0, { windowBytes: windowBytes === 1 ? 20_000 : windowBytes });
    for await (const batch of read) batches.push(batch);
    assert(batches.length > 1, "several steps");
    for (const [at, { type }] of schema.fields.entries()) {
      assert.deepEqual(valuesAt(batches, { at, type }), columns[at]);
    }
  }
});

const NESTED: Type = {
  kind: "struct",
  fields: [
    field(11, "x", { kind: "int" }),
    field(12, "l", {
      kind: "list",
      elementId: 13,
      elementRequired: false,
      element: {
        kind: "struct",
        fields: [field(14, "p", { kind: "string" }), field(15, "q", { kind: "long" })],
      },
    }),
    field(16, "m", {
      kind: "map",
      keyId: 17,
      key: { kind: "string" },
      valueId: 18,
      valueRequired: false,
      value: { kind: "struct", fields: [field(19, "v", { kind: "int" })] },
    }),
  ],
};

function nodeWithId(columns: readonly ParquetNode[], id: number): ParquetNode {
  for (const node of columns) {
    if (node.fieldId === id) return node;
    if (node.children.length === 0) continue;
    try {
      return nodeWithId(node.children, id);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new RangeError(`Cannot find field ${id}`);
}

Deno.test("readRowGroup() takes parts of structs and lists, and maps whole", async () => {
  const schema = schemaOf(field(1, "s", NESTED), field(2, "z", { kind: "int" }));
  const rows: IcebergValue[] = [
    [1, [["a", 1n], null], [["k", [5]]]],
    null,
    [null, null, [["k", null]]],
  ];
  const io = new MemoryFileIo();
  await writeFile(io, [[batchOfColumns(schema, [rows, [7, 8, 9]])]], { schema });
  const source = await openParquetFile(io, { location: LOCATION });
  const read = async (...ids: number[]) => {
    const columns = ids.map((id) => nodeWithId(source.schema.columns, id));
    const batches = await readAll(source, { columns });
    return JSON.parse(JSON.stringify(
      batches.flatMap((batch) => batch.toArray().map((row) => row.toJSON())),
      (_, value) => typeof value === "bigint" ? `${value}n` : value,
    ));
  };
  assert.deepEqual(await read(11), [{ s: { x: 1 } }, { s: null }, { s: { x: null } }]);
  assert.deepEqual(await read(2, 15), [
    { s: { l: [{ q: "1n" }, null] }, z: 7 },
    { s: null, z: 8 },
    { s: { l: null }, z: 9 },
  ]);
  assert.deepEqual(await read(17), await read(16));
  assert.deepEqual(await read(19), [
    { s: { m: { k: { v: 5 } } } },
    { s: null },
    { s: { m: { k: null } } },
  ]);
});

Deno.test("opening what is not there, or reading a row group that is not, fails by name", async () => {
  const io = new MemoryFileIo();
  const missing = { kind: "not_found", code: "file_not_found" } as const;
  await rejectsWith(openParquetFile(io, { location: LOCATION }), missing);
  await rejectsWith(openParquetFile(io, { location: LOCATION, sizeBytes: 100 }), missing);
  const schema = schemaOf(field(1, "a", { kind: "int" }));
  await writeFile(io, [[batchOfColumns(schema, [[1]])]], { schema });
  const source = await openParquetFile(io, { location: LOCATION });
  await assert.rejects(source.readRowGroup(1).next(), RangeError);
});

Deno.test("reading stops when it is cancelled", async () => {
  const schema = schemaOf(field(1, "a", { kind: "int" }));
  const io = new MemoryFileIo();
  await writeFile(io, [[batchOfColumns(schema, [[1, 2, 3]])]], { schema });
  const source = await openParquetFile(io, { location: LOCATION });
  const signal = AbortSignal.abort();
  await rejectsWith(source.readRowGroup(0, { signal }).next(), {
    kind: "cancelled",
    code: "cancelled",
  });
});

Deno.test("a batch is a copy: it outlives whatever is decoded after it", async () => {
  const schema = schemaOf(field(1, "a", { kind: "string" }));
  const io = new MemoryFileIo();
  const values = Array.from({ length: 1_000 }, (_, at) => `value ${at}`);
  await writeFile(io, [[batchOfColumns(schema, [values])]], { schema });
  const source = await openParquetFile(io, { location: LOCATION });
  const first = await readAll(source);
  for (let count = 0; count < 50; count++) await readAll(source);
  assert.deepEqual(valuesAt(first, { at: 0, type: { kind: "string" } }), values);
});
