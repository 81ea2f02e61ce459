import assert from "node:assert/strict";
import { type RecordBatch } from "apache-arrow";
import { sliceBatch } from "../../../../lib/columnar/arrow/batch.ts";
import {
  DataFileWriter,
  type DataFileWriterOptions,
} from "../../../../lib/columnar/table/data_file_writer.ts";
import { readTask } from "../../../../lib/columnar/table/read_task.ts";
import { AppError } from "../../../../lib/errors.ts";
import { alwaysTrue } from "../../../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { Transform } from "../../../../lib/iceberg/spec/transform.ts";
import { applyTransform } from "../../../../lib/iceberg/spec/apply_transform.ts";
import { decodeValue } from "../../../../lib/iceberg/spec/values.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { batchOfRows, rowsOfBatch } from "../../../support/rows.ts";
import { field } from "../arrow/_columns.ts";

await readyParquet();

const OPERATION = "0197f9d0-0000-7000-8000-000000000001";
const FIELDS = [
  field(1, "id", { kind: "long" }, true),
  field(2, "region", { kind: "string" }),
  field(3, "ts", { kind: "timestamp" }),
  field(4, "s", { kind: "struct", fields: [field(5, "x", { kind: "double" })] }),
];
const SCHEMA = new Schema({ schemaId: 0, fields: FIELDS, identifierFieldIds: [] });

function specOf(...fields: readonly (readonly [number, string, Transform])[]): PartitionSpec {
  return {
    specId: 3,
    fields: fields.map(([sourceId, name, transform], at) => ({
      sourceIds: [sourceId],
      fieldId: 1000 + at,
      name,
      transform,
    })),
  };
}

const HOUR = 3_600_000_000n;

function rows(count: number, regions = 3): IcebergValue[][] {
  return Array.from({ length: count }, (_, i) => [
    BigInt(i),
    i % 11 === 0 ? null : `region ${i % regions}`,
    i % 13 === 0 ? null : BigInt(i) * HOUR,
    i % 7 === 0 ? null : [i / 4],
  ]);
}

interface WriteTestOptions extends Partial<DataFileWriterOptions> {
  readonly properties?: Record<string, string>;
  readonly io?: MemoryFileIo;
}

function writerOf(options: WriteTestOptions): DataFileWriter {
  const { properties = {}, ...rest } = options;
  return new DataFileWriter({
    io: new MemoryFileIo(),
    metadata: { location: "/w/db/t", properties },
    schema: SCHEMA,
    spec: { specId: 0, fields: [] },
    operationId: OPERATION,
    ...rest,
  });
}

async function write(
  io: MemoryFileIo,
  batches: readonly RecordBatch[],
  options: WriteTestOptions = {},
): Promise<readonly DataFile[]> {
  const writer = writerOf({ ...options, io });
  for (const batch of batches) await writer.write(batch);
  return await writer.finish();
}

/** The rows of files, read back with the partition values set aside. */
async function readBack(
  io: MemoryFileIo,
  files: readonly DataFile[],
  fields = FIELDS,
): Promise<IcebergValue[][]> {
  const found: IcebergValue[][] = [];
  for (const dataFile of files) {
    const task = {
      dataFile,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      snapshotId: 1n,
      deletes: [],
      residual: alwaysTrue,
      spec: { specId: 0, fields: [] },
    };
    const metadata = {
      schemas: [SCHEMA],
      currentSchemaId: 0,
      properties: {},
      formatVersion: 2,
    } as const;
    const schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
    for await (
      const batch of readTask(task, { io, metadata, schema })
    ) {
      found.push(...rowsOfBatch(batch, fields));
    }
  }
  return found;
}

function byId(a: readonly IcebergValue[], b: readonly IcebergValue[]): number {
  return Number(a[0]) - Number(b[0]);
}

async function filesIn(io: MemoryFileIo): Promise<string[]> {
  const found: string[] = [];
  for await (const { location } of io.listRecursive("/w")) found.push(location);
  return found.sort();
}

Deno.test("rows come back as they were written, and the file says what it holds", async () => {
  const io = new MemoryFileIo();
  const all = rows(1000);
  const batch = batchOfRows(FIELDS, all);
  const files = await write(io, [
    sliceBatch(batch, { at: 0, length: 300 }),
    sliceBatch(batch, { at: 300, length: 700 }),
  ]);
  assert.deepEqual(await readBack(io, files), all);
  const [file, ...others] = files;
  assert(file !== undefined && others.length === 0);
  assert.equal(file.filePath, `/w/db/t/data/00000-${OPERATION}-00001.parquet`);
  assert.equal(file.recordCount, 1000);
  assert.equal(file.fileSizeInBytes, (await io.stat(file.filePath))?.sizeBytes);
  assert.deepEqual([file.specId, file.partition, file.content, file.fileFormat], [
    0,
    [],
    "data",
    "parquet",
  ]);
  assert.deepEqual(file.splitOffsets, [4]);
  assert.equal(file.valueCounts?.get(2), 1000);
  assert.equal(file.nullValueCounts?.get(2), all.filter((row) => row[1] === null).length);
  const bound = (id: number, kind: "long" | "timestamp") =>
    [file.lowerBounds, file.upperBounds].map((bounds) => {
      const bytes = bounds?.get(id);
      assert(bytes !== undefined);
      return decodeValue({ kind }, bytes);
    });
  assert.deepEqual(bound(1, "long"), [0n, 999n]);
  assert.deepEqual(bound(3, "timestamp"), [HOUR, 999n * HOUR]);
});

Deno.test("every row goes to the partition that its transforms give, in a folder of that name", async () => {
  const transforms: readonly (readonly [number, string, Transform])[] = [
    [2, "region", { kind: "identity" }],
    [3, "ts_day", { kind: "day" }],
    [1, "id_bucket", { kind: "bucket", numBuckets: 4 }],
    [5, "x trunc", { kind: "void" }],
  ];
  const io = new MemoryFileIo();
  const all = rows(400);
  const batch = batchOfRows(FIELDS, all);
  const batches = [0, 100, 200, 300].map((at) => sliceBatch(batch, { at, length: 100 }));
  const files = await write(io, batches, { spec: specOf(...transforms), maxOpenFiles: 1000 });
  const expected = new Map<string, IcebergValue[][]>();
  const tuples = new Map<string, IcebergValue[]>();
  for (const row of all) {
    const [id = null, region = null, ts = null] = row;
    const tuple = [
      region,
      applyTransform({ kind: "day" }, { kind: "timestamp" }, ts),
      applyTransform({ kind: "bucket", numBuckets: 4 }, { kind: "long" }, id),
      null,
    ];
    const key = tuple.map(String).join("|");
    tuples.set(key, tuple);
    expected.set(key, [...expected.get(key) ?? [], row]);
  }
  assert.equal(files.length, expected.size);
  for (const file of files) {
    const key = file.partition.map(String).join("|");
    assert.deepEqual(file.partition, tuples.get(key));
    assert.deepEqual(await readBack(io, [file]), expected.get(key));
    assert.equal(file.specId, 3);
  }
  const [first] = files;
  assert.match(
    first?.filePath ?? "",
    /\/data\/region=null\/ts_day=null\/id_bucket=\d\/x\+trunc=null\/00000-/,
  );
  assert.equal(new Set(files.map(({ filePath }) => filePath)).size, files.length);
});

Deno.test("files roll over near the target size, and row groups are cut to theirs", async () => {
  const io = new MemoryFileIo();
  const random = Array.from({ length: 60_000 }, (_, i): IcebergValue[] => [
    BigInt(i),
    `${Math.imul(i, 2654435761) >>> 0}`,
    BigInt(Math.imul(i, 40503)),
    [Math.sin(i)],
  ]);
  const batch = batchOfRows(FIELDS, random);
  const target = 400_000;
  const batches = Array.from(
    { length: 20 },
    (_, i) => sliceBatch(batch, { at: 3000 * i, length: 3000 }),
  );
  const files = await write(io, batches, {
    properties: { "write.parquet.row-group-size-bytes": "100000" },
    targetFileSizeBytes: target,
  });
  assert(files.length > 2, `${files.length} files`);
  for (const file of files.slice(0, -1)) {
    assert(
      Math.abs(file.fileSizeInBytes - target) < target * 0.15,
      `${file.fileSizeInBytes} bytes`,
    );
    const offsets = file.splitOffsets ?? [];
    assert(offsets.length >= 3, `${offsets.length} row groups`);
    offsets.slice(1).forEach((offset, i) => assert(offset - (offsets[i] ?? 0) < 130_000));
  }
  assert.deepEqual(await readBack(io, files), random);
  files.forEach(({ filePath }, i) => assert(filePath.endsWith(`-0000${i + 1}.parquet`), filePath));
});

Deno.test("the table's properties set the target size and the folder", async () => {
  const io = new MemoryFileIo();
  const files = await write(io, [batchOfRows(FIELDS, rows(5000))], {
    properties: { "write.target-file-size-bytes": "20000", "write.data.path": "/w/elsewhere/" },
    taskId: 7,
  });
  assert(files.length > 1);
  for (const { filePath } of files) {
    assert.match(filePath, new RegExp(`^/w/elsewhere/00007-${OPERATION}-0000\\d\\.parquet$`));
  }
});

Deno.test("never more files are open than allowed, and no row is lost for it", async () => {
  const io = new MemoryFileIo();
  let open = 0;
  let most = 0;
  const counted = new Proxy(io, {
    get(target, key) {
      if (key !== "openWriter") return Reflect.get(target, key).bind(target);
      return async (location: string) => {
        const writer = await target.openWriter(location);
        most = Math.max(most, ++open);
        const done = async <T>(work: Promise<T>) => {
          const result = await work;
          open--;
          return result;
        };
        return {
          location,
          write: (chunk: Uint8Array) => writer.write(chunk),
          close: () => done(writer.close()),
          abort: () => done(writer.abort()),
        };
      };
    },
  });
  const all = rows(3000, 40);
  const batch = batchOfRows(FIELDS, all);
  const batches = Array.from(
    { length: 30 },
    (_, i) => sliceBatch(batch, { at: 100 * i, length: 100 }),
  );
  const files = await write(counted, batches, {
    spec: specOf([2, "region", { kind: "identity" }]),
    maxOpenFiles: 5,
    memoryBytes: 20_000,
  });
  // One more while its predecessor is being closed.
  assert(most <= 6, `${most} open`);
  assert.equal(open, 0);
  assert(files.length > 41, `${files.length} files`);
  assert.deepEqual((await readBack(io, files)).sort(byId), all);
});

Deno.test("abort() removes finished files and open ones", async () => {
  const io = new MemoryFileIo();
  const writer = writerOf({
    io,
    targetFileSizeBytes: 5_000,
    memoryBytes: 50_000,
    spec: specOf([2, "region", { kind: "identity" }]),
  });
  for (let i = 0; i < 5; i++) await writer.write(batchOfRows(FIELDS, rows(2000)));
  assert((await filesIn(io)).length > 0, "nothing was finished before the abort");
  await writer.abort();
  assert.deepEqual(await filesIn(io), []);
});

Deno.test("a failing store fails the write, and abort() cleans up behind it", async () => {
  const io = new MemoryFileIo();
  const failing = new Proxy(io, {
    get(target, key) {
      if (key !== "openWriter") return Reflect.get(target, key).bind(target);
      return async (location: string) => {
        if (location.includes("00003")) throw new AppError("unavailable", "down", "Store is down");
        return await target.openWriter(location);
      };
    },
  });
  const writer = writerOf({ io: failing, targetFileSizeBytes: 5_000 });
  await assert.rejects(async () => {
    for (let i = 0; i < 20; i++) await writer.write(batchOfRows(FIELDS, rows(2000)));
    await writer.finish();
  }, /Store is down/);
  await writer.abort();
  assert.deepEqual(await filesIn(io), []);
});

Deno.test("write() refuses null in a required column, naming it", async () => {
  const optional = [field(1, "id", { kind: "long" }), ...FIELDS.slice(1)];
  const batch = batchOfRows(optional, [[null, "a", null, null]]);
  await assert.rejects(
    async () => {
      await write(new MemoryFileIo(), [batch]);
    },
    (error) => error instanceof AppError && error.kind === "invalid" && /"id"/.test(error.message),
  );
});

Deno.test("write() stops when its signal fires", async () => {
  const controller = new AbortController();
  const writer = writerOf({ signal: controller.signal });
  await writer.write(batchOfRows(FIELDS, rows(10)));
  controller.abort();
  await assert.rejects(writer.write(batchOfRows(FIELDS, rows(10))), /cancelled/);
  await assert.rejects(writer.finish(), /cancelled/);
  await writer.abort();
});

Deno.test("a spec that cannot be written is refused at once", () => {
  const unknown = specOf([1, "z", { kind: "unknown", text: "zorder[2]" }]);
  assert.throws(() => writerOf({ spec: unknown }), /"z".*zorder\[2\]/);
  const gone = specOf([99, "gone", { kind: "identity" }]);
  assert.throws(() => writerOf({ spec: gone }), /"gone"/);
  const voided = specOf([99, "gone", { kind: "void" }]);
  assert.doesNotThrow(() => writerOf({ spec: voided }));
});

Deno.test("equality deletes have metrics of the columns that they compare, and of no others", async () => {
  const writer = writerOf({ equalityIds: [1] });
  await writer.write(batchOfRows(FIELDS, rows(20)));
  const [file] = await writer.finish();
  assert(file !== undefined);
  const { columnSizes, valueCounts, nullValueCounts, lowerBounds, upperBounds } = file;
  for (const metrics of [columnSizes, valueCounts, nullValueCounts, lowerBounds, upperBounds]) {
    assert.deepEqual([...metrics?.keys() ?? []], [1]);
  }
});

Deno.test("a folder of a long partition value has a name that file systems take", async () => {
  const spec = specOf([2, "region", { kind: "identity" }]);
  const writer = writerOf({ spec });
  const values = ["ü".repeat(300), `${"ü".repeat(300)}!`];
  await writer.write(batchOfRows(FIELDS, values.map((value) => [1n, value, null, null])));
  const files = await writer.finish();
  assert.deepEqual(files.map(({ partition }) => partition[0]), values);
  assert.equal(new Set(files.map(({ filePath }) => filePath)).size, 2);
  for (const { filePath } of files) {
    const folder = filePath.split("/").at(-2) ?? "";
    assert(folder.startsWith("region=%C3%BC") && folder.length <= 200, folder);
    assert.equal(decodeURIComponent(folder).replaceAll("ü", ""), "region=");
  }
});

Deno.test("without rows there are no files", async () => {
  const io = new MemoryFileIo();
  assert.deepEqual(await write(io, []), []);
  assert.deepEqual(
    await write(io, [sliceBatch(batchOfRows(FIELDS, rows(3)), { at: 0, length: 0 })]),
    [],
  );
  assert.deepEqual(await filesIn(io), []);
});
