import assert from "node:assert/strict";
import { valueReader } from "../../../../lib/columnar/mod.ts";
import { AppError } from "../../../../lib/errors.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { Upload } from "../../../../lib/tables/append/parquet_upload.ts";
import { blockBatches, rowBlocks } from "../../../../lib/tables/append/row_blocks.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";

let nextId = 1;
function field(name: string, type: Type, required = false): NestedField {
  const nothing = { doc: null, initialDefault: undefined, writeDefault: undefined };
  return { id: nextId++, name, type, required, ...nothing };
}

const list = (element: Type): Type => ({
  kind: "list",
  elementId: nextId++,
  elementRequired: false,
  element,
});

const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    field("id", { kind: "long" }, true),
    field("flag", { kind: "boolean" }),
    field("n", { kind: "int" }),
    field("f", { kind: "double" }),
    field("price", { kind: "decimal", precision: 38, scale: 4 }),
    field("day", { kind: "date" }),
    field("at", { kind: "timestamptz" }),
    field("local", { kind: "timestamp_ns" }),
    field("clock", { kind: "time" }),
    field("name", { kind: "string" }),
    field("key", { kind: "uuid" }),
    field("raw", { kind: "binary" }),
    field("tags", list({ kind: "string" })),
    field("place", { kind: "struct", fields: [field("x", { kind: "int" }, true)] }),
  ],
});

/** The text as a body that arrives in pieces of `size` bytes. */
function body(text: string, size = 7): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
  });
}

const signal = new AbortController().signal;
const io = new MemoryFileIo();

/** All batches of a body that is cut into blocks of `blockBytes`. */
async function* batchesOf(
  format: "ndjson" | "csv",
  input: ReadableStream<Uint8Array>,
  { schema = SCHEMA, blockBytes = 1 << 20 } = {},
) {
  const upload = new Upload({ io, location: "memory://upload", signal });
  for await (const block of rowBlocks(input, { format, schema, blockBytes, upload })) {
    yield* blockBatches(block, { schema, io, signal, count: { lines: 0 } });
  }
}

const ndjsonBatches = (input: ReadableStream<Uint8Array>) => batchesOf("ndjson", input);
const csvBatches = (input: ReadableStream<Uint8Array>) => batchesOf("csv", input);

async function rowsOf(
  batches: ReturnType<typeof batchesOf>,
): Promise<readonly Readonly<Record<string, IcebergValue>>[]> {
  const rows: Record<string, IcebergValue>[] = [];
  for await (const batch of batches) {
    const readers = SCHEMA.fields.map((one, i) => valueReader(batch.data.children[i]!, one.type));
    for (let row = 0; row < batch.numRows; row++) {
      rows.push(
        Object.fromEntries(SCHEMA.fields.map((one, i) => [one.name, readers[i]!(row)])),
      );
    }
  }
  return rows;
}

const FULL = {
  id: 9_007_199_254_740_993n,
  flag: true,
  n: -5,
  f: 1.5,
  price: 12_345_678_901_234_567_890_123_456_789_012_345_678n,
  day: 19_782,
  at: 1_709_164_800_000_001n,
  local: 1_709_208_000_123_456_789n,
  clock: 43_200_000_001n,
  name: 'ü,"\n',
  key: "00112233-4455-6677-8899-aabbccddeeff",
  raw: new Uint8Array([0, 255]),
  tags: ["a", null],
  place: [7],
};
const LINE = `{"id":9007199254740993,"flag":true,"n":-5,"f":1.5,` +
  `"price":"1234567890123456789012345678901234.5678","day":"2024-02-29",` +
  `"at":"2024-02-29T02:00:00.000001+02:00","local":"2024-02-29 12:00:00.123456789",` +
  `"clock":"12:00:00.000001","name":"ü,\\"\\n","key":"00112233-4455-6677-8899-AABBCCDDEEFF",` +
  `"raw":"AP8=","tags":["a",null],"place":{"x":7}}`;

Deno.test("lines of JSON become rows of every type, exactly", async () => {
  const rows = await rowsOf(ndjsonBatches(body(`${LINE}\r\n\n{"id":"1"}`)));
  assert.deepEqual(rows[0], FULL);
  assert.equal(rows[1]?.["id"], 1n);
  assert.equal(rows[1]?.["tags"], null);
  assert.equal(rows.length, 2);
});

Deno.test("CSV becomes rows of every type, exactly", async () => {
  const text = "place,id,flag,n,f,price,day,at,local,clock,name,key,raw,tags\r\n" +
    `"{""x"":7}",9007199254740993,TRUE,-5,1.5,1234567890123456789012345678901234.5678,2024-02-29,` +
    `2024-02-29T02:00:00.000001+02:00,2024-02-29 12:00:00.123456789,12:00:00.000001,"ü,""\n",` +
    `00112233-4455-6677-8899-aabbccddeeff,AP8=,"[""a"",null]"\r\n`;
  assert.deepEqual(await rowsOf(csvBatches(body(`\ufeff${text}`))), [FULL]);
});

Deno.test("an empty CSV field is null, a quoted one an empty string", async () => {
  const rows = await rowsOf(csvBatches(body(`id,name\n1,\n2,""\n`)));
  assert.deepEqual(rows.map(({ name }) => name), [null, ""]);
});

Deno.test("many rows come in several batches, none lost between pieces", async () => {
  const lines = Array.from({ length: 150_000 }, (_, i) => `{"id":${i},"name":"n${i}"}`).join("\n");
  const rows = await rowsOf(ndjsonBatches(body(lines, 100_003)));
  assert.equal(rows.length, 150_000);
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: 150_000 }, (_, i) => BigInt(i)));
});

/** What is sent, the place that the error names, and a part of its message. */
const REFUSED: readonly (readonly ["json" | "csv", string, string, RegExp])[] = [
  ["json", `{"id":1}\n{"n":2}`, "lines.2.id", /required/],
  ["json", `{"id":null}`, "lines.1.id", /required/],
  ["json", `{"id":1,"place":{}}`, "lines.1.place.x", /required|null/],
  ["json", `{"id":1,"extra":2}`, "lines.1.extra", /no such column/],
  ["json", `{"id":1,"place":{"x":1,"y":2}}`, "lines.1.place.y", /no such column/],
  ["json", `{"id":1.5}`, "lines.1.id", /whole number/],
  ["json", `{"id":9223372036854775808}`, "lines.1.id", /64 bits/],
  ["json", `{"id":1,"n":2147483648}`, "lines.1.n", /32 bits/],
  ["json", `{"id":1,"flag":1}`, "lines.1.flag", /boolean/],
  ["json", `{"id":1,"price":"0.00001"}`, "lines.1.price", /digits/],
  ["json", `{"id":1,"price":"12345678901234567890123456789012345"}`, "lines.1.price", /digits/],
  ["json", `{"id":1,"day":"2023-02-29"}`, "lines.1.day", /date/],
  ["json", `{"id":1,"local":"2024-02-29T00:00:00Z"}`, "lines.1.local", /without an offset/],
  ["json", `{"id":1,"name":5}`, "lines.1.name", /string/],
  ["json", `{"id":1,"key":"zz"}`, "lines.1.key", /uuid/],
  ["json", `{"id":1,"raw":"%"}`, "lines.1.raw", /base64/],
  ["json", `{"id":1,"tags":"a"}`, "lines.1.tags", /no list/],
  ["json", `{"id":1}\n[1]`, "lines.2", /no object/],
  ["json", `{"id":1}\n{"id":`, "lines.2", /no JSON/],
  ["json", `{"id":1,"id":2}`, "lines.1.id", /twice/],
  ["json", `{"id":1,"place":{"x":1,"x":2}}`, "lines.1.place", /twice/],
  ["json", `{"id":01}`, "lines.1.id", /zero/],
  ["json", `{"id":1} {"id":2}`, "lines.1", /unexpected text/],
  ["json", `{"id":1,}`, "lines.1", /quoted key/],
  ["json", `{"id":1,"name":"a\u0001"}`, "lines.1", /control/],
  ["json", `{"id":1,"at":"2024-02-30T00:00:00Z"}`, "lines.1.at", /timestamp/],
  ["json", `{"id":1,"at":"2024-02-29T24:00:00Z"}`, "lines.1.at", /timestamp/],
  ["json", `{"id":1,"at":"2024-02-29T00:00:00.0000001Z"}`, "lines.1.at", /timestamp/],
  ["json", `{"id":1,"day":"20240229"}`, "lines.1.day", /date/],
  ["json", `{"id":1,"f":1e999}`, "lines.1.f", /./],
  ["csv", "id,nope\n1,2", "lines.1.nope", /no such column/],
  ["csv", "id,id\n1,2", "lines.1.id", /twice/],
  ["csv", "id,n\n1,2\n3", "lines.3", /1 fields/],
  ["csv", "id,n\n1,x", "lines.2.n", /int/],
  ["csv", "n\n1", "lines.1.id", /required/],
  ["csv", "id,tags\n1,[", "lines.2.tags", /JSON/],
  ["csv", 'id,name\n1,"open', "lines.2", /no CSV/],
  ["csv", 'id,name\n1,a"b', "lines.2", /no CSV/],
  ["csv", 'id,name\n1,"a"b', "lines.2", /no CSV/],
  ["csv", 'id,name\n1,"a\nb"\n2', "lines.4", /1 fields/],
  ["csv", "id,n\n1,+-2", "lines.2.n", /int/],
];

for (const [format, text, path, problem] of REFUSED) {
  Deno.test(`${format} is refused at ${path}: ${JSON.stringify(text)}`, async () => {
    const batches = format === "json" ? ndjsonBatches : csvBatches;
    await assert.rejects(rowsOf(batches(body(text))), (error) => {
      assert.ok(error instanceof AppError, String(error));
      assert.equal(error.code, "row_invalid");
      assert.equal(error.issues[0]?.path, path);
      assert.match(error.message, problem);
      assert.match(error.message, /Nothing was appended/);
      return true;
    });
  });
}

Deno.test("a body that breaks off breaks the append", async () => {
  for (const batches of [ndjsonBatches, csvBatches]) {
    let sent = false;
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new AppError("cancelled", "cancelled", "gone"));
        else controller.enqueue(new TextEncoder().encode("id\n1\n"));
        sent = true;
      },
    });
    await assert.rejects(rowsOf(batches(broken)), AppError);
  }
});

Deno.test("blocks end with rows, wherever the body is cut", async () => {
  const lines = Array.from({ length: 500 }, (_, i) => `{"id":${i},"name":"n\\n${i}"}`).join("\n");
  const records = Array.from({ length: 500 }, (_, i) => `${i},"a ""quoted""\nname ${i}"\r\n`);
  for (const size of [1, 3, 64, 1_000]) {
    const json = await rowsOf(batchesOf("ndjson", body(lines, size), { blockBytes: 100 }));
    assert.deepEqual(json.map(({ name }) => name), json.map((_, i) => `n\n${i}`));
    const text = `id,name\n${records.join("")}`;
    const csv = await rowsOf(batchesOf("csv", body(text, size), { blockBytes: 100 }));
    assert.deepEqual(csv.map(({ name }) => name), csv.map((_, i) => `a "quoted"\nname ${i}`));
    assert.deepEqual([json.length, csv.length], [500, 500]);
  }
});

Deno.test("a field that a row does not name has its default; one that is null is null", async () => {
  const fields = SCHEMA.fields.map((one) => one.name === "n" ? { ...one, writeDefault: 7 } : one);
  const schema = new Schema({ schemaId: 0, identifierFieldIds: [], fields });
  const json = body(`{"id":1}\n{"id":2,"n":null}\n{"id":3,"n":3}`);
  const rows = await rowsOf(batchesOf("ndjson", json, { schema }));
  assert.deepEqual(rows.map(({ n }) => n), [7, null, 3]);
  assert.deepEqual(
    (await rowsOf(batchesOf("csv", body("id\n1\n"), { schema }))).map(({ n }) => n),
    [7],
  );
});

Deno.test("text that is not UTF-8 is refused with its line", async () => {
  const bytes = new Uint8Array([...new TextEncoder().encode('{"id":1}\n{"id":2,"name":"'), 0xff]);
  const sent = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array([...bytes, ...new TextEncoder().encode('"}')]));
      controller.close();
    },
  });
  await assert.rejects(rowsOf(ndjsonBatches(sent)), (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.issues[0]?.path, "lines.2");
    return /UTF-8/.test(error.message);
  });
});
