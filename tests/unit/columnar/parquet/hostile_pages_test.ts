import assert from "node:assert/strict";
import fc from "fast-check";
import { openParquetFile } from "../../../../lib/columnar/parquet/mod.ts";
import {
  countInstances,
  ParquetWasmError,
  wasmMemoryBytes,
  withParquetWasm,
} from "../../../../lib/columnar/parquet/wasm/instance.ts";
import { AppError } from "../../../../lib/errors.ts";
import type { IcebergValue, Type } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field } from "../arrow/_columns.ts";
import { batchOfColumns, LOCATION, readAll, schemaOf, valuesAt, writeFile } from "./_files.ts";

await readyParquet();

const LIST: Type = {
  kind: "list",
  elementId: 6,
  elementRequired: false,
  element: { kind: "string" },
};

const schema = schemaOf(
  field(1, "n", { kind: "long" }),
  field(2, "s", { kind: "string" }),
  field(3, "d", { kind: "decimal", precision: 25, scale: 2 }),
  field(4, "b", { kind: "boolean" }),
  field(5, "l", LIST),
);

const ROWS = 2_000;

const columns: readonly (readonly IcebergValue[])[] = [
  Array.from({ length: ROWS }, (_, at) => BigInt(at * at)),
  Array.from({ length: ROWS }, (_, at) => at % 7 === 0 ? null : `text ${at % 50}`),
  Array.from({ length: ROWS }, (_, at) => BigInt(at) ** 6n),
  Array.from({ length: ROWS }, (_, at) => at % 3 === 0),
  Array.from({ length: ROWS }, (_, at) => at % 5 === 0 ? null : [`a${at}`, null]),
];

/** A file with the properties; its bytes, and where its pages end. */
async function bytesOf(properties: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const io = new MemoryFileIo();
  await writeFile(io, [[batchOfColumns(schema, columns)]], { schema, properties });
  return await io.read(LOCATION);
}

async function readBytes(bytes: Uint8Array) {
  const io = new MemoryFileIo();
  await io.put(LOCATION, bytes);
  return await readAll(await openParquetFile(io, { location: LOCATION }));
}

Deno.test("damaged pages are read or refused, and the next file is read as ever", async () => {
  const before = countInstances();
  for (const codec of ["uncompressed", "zstd", "snappy"]) {
    const bytes = await bytesOf({ "write.parquet.compression-codec": codec });
    const pagesEnd = bytes.length - 2_000;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(pagesEnd - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        async (edits) => {
          const damaged = bytes.slice();
          for (const [offset, byte] of edits) damaged[offset] = byte;
          try {
            await readBytes(damaged);
          } catch (error) {
            assert(error instanceof AppError, String(error));
            assert.match(error.kind, /corrupt_data|unsupported/);
          }
        },
      ),
      { numRuns: 250 },
    );
    const read = await readBytes(bytes);
    for (const [at, { type }] of schema.fields.entries()) {
      assert.deepEqual(valuesAt(read, { at, type }), columns[at]);
    }
  }
  // Whatever traps there were, memory is that of the instance in use.
  assert(wasmMemoryBytes() < 64 * 1024 * 1024, `${wasmMemoryBytes()} bytes`);
  assert(countInstances() >= before);
});

Deno.test("a trap costs the instance, and not the isolate", async () => {
  const bytes = await bytesOf({});
  const table = withParquetWasm((wasm, own) => own(wasm.readParquet(bytes)).numBatches);
  assert.equal(table, 2);
  const instances = countInstances();
  assert.throws(
    () =>
      withParquetWasm((wasm, own) => {
        const owned = own(wasm.readParquet(bytes));
        own(new wasm.WriterPropertiesBuilder());
        // A pointer that is none: the way every panic of the Rust code ends.
        Object.assign(owned, { __wbg_ptr: 0xffff_fff0 });
        return owned.numBatches;
      }),
    (error) => error instanceof ParquetWasmError && error.trapped,
  );
  assert.equal(withParquetWasm((wasm, own) => own(wasm.readParquet(bytes)).numBatches), 2);
  assert.equal(countInstances(), instances + 1);
});

Deno.test("an error of the decoder keeps the instance", () => {
  withParquetWasm((wasm) => wasm.wasmMemory());
  const instances = countInstances();
  for (let count = 0; count < 100; count++) {
    assert.throws(
      () => withParquetWasm((wasm) => wasm.readParquet(new Uint8Array(100))),
      (error) => error instanceof ParquetWasmError && !error.trapped,
    );
  }
  assert.equal(countInstances(), instances);
});

Deno.test("reading a file a thousand times takes no more memory than reading it once", async () => {
  const bytes = await bytesOf({});
  await readBytes(bytes);
  const before = wasmMemoryBytes();
  const instances = countInstances();
  for (let count = 0; count < 1_000; count++) await readBytes(bytes);
  assert.equal(countInstances(), instances);
  assert(wasmMemoryBytes() - before < 4 * 1024 * 1024, `${wasmMemoryBytes() - before} bytes more`);
});

Deno.test("steps between 32-bit integers that have more bits are unsupported, by name", async () => {
  const narrow = schemaOf(field(1, "i", { kind: "int" }));
  const io = new MemoryFileIo();
  await writeFile(io, [[batchOfColumns(narrow, [[0, -(2 ** 31)]])]], {
    schema: narrow,
    properties: {
      "write.parquet.page-version": "v2",
      "write.parquet.compression-codec": "uncompressed",
      "write.parquet.dict-encoding-enabled.column.i": "false",
    },
  });
  const bytes = await io.read(LOCATION);
  const hex = bytes.toHex();
  // Block of 128 values in four parts, two values from 0 on, and the step between them.
  const step = "80010402" + "00" + "ffffffff";
  assert.equal(hex.split(step + "0f").length, 2);
  assert.deepEqual(
    valuesAt(await readBytes(bytes), { at: 0, type: { kind: "int" } }),
    [0, -(2 ** 31)],
  );
  await assert.rejects(
    readBytes(Uint8Array.fromHex(hex.replace(step + "0f", step + "7f"))),
    (error) => {
      assert(error instanceof AppError, String(error));
      assert.deepEqual([error.kind, error.code], ["unsupported", "parquet_unsupported"]);
      assert.match(error.message, /file\.parquet".*DELTA_BINARY_PACKED/);
      return true;
    },
  );
});
