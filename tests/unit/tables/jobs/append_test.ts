import assert from "node:assert/strict";
import { installedEncodeRowsTask } from "../../../../lib/columnar/mod.ts";
import { AppError } from "../../../../lib/errors.ts";
import { evolveSchemaAction } from "../../../../lib/iceberg/evolve/evolve_action.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { installedEncodeBlockTask } from "../../../../lib/tables/append/encode_block.ts";
import { type AppendFormat, AppendReceipt } from "../../../../lib/tables/contract/mod.ts";
import { append } from "../../../../lib/tables/jobs/append.ts";
import { arrowStream, bodyOf, parquetFile } from "../../../support/append_bodies.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { ParquetTable, rowSet } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { batchOfRows } from "../../../support/rows.ts";
import { field } from "../../../support/writable_tables.ts";

await readyParquet();

const FIELDS = [
  { ...field(1, "id"), required: true },
  field(2, "name", { kind: "string" }),
  field(3, "n", { kind: "int" }),
];
const schema = new Schema({ schemaId: 0, fields: FIELDS, identifierFieldIds: [] });

function newTable(more: Partial<TableMetadata> = {}): ParquetTable {
  return new ParquetTable({ schemas: [schema], ...more });
}

interface RunOptions {
  readonly dryRun?: boolean;
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
  readonly onTask?: () => void;
}

/** Runs the job on a body; blocks beyond the first are tasks. */
function run(
  table: ParquetTable,
  format: AppendFormat,
  input: ReadableStream<Uint8Array> | string | Uint8Array,
  { dryRun = false, ...more }: RunOptions = {},
) {
  const tasks = [installedEncodeBlockTask, installedEncodeRowsTask];
  const { io } = table.store;
  const host = testJobHost(table.store, { tasks, io, width: 2, ...more });
  const body = input instanceof ReadableStream ? input : bodyOf(input, 100_000);
  const params = { location: ANY_LOCATION, format, dryRun };
  return { host, receipt: append(params, { ...host, input: body }) };
}

/** Beside the metadata that the table began with. */
const files = (table: ParquetTable) =>
  table.store.io.locations().filter((one) => !one.endsWith("-first.metadata.json"));
const ROWS: readonly IcebergValue[][] = [[1n, "a", 5], [2n, null, null], [3n, 'ü,"x"\n', -7]];
const JSON_ROWS = `{"id":1,"name":"a","n":5}\n{"id":2}\n{"id":3,"name":"ü,\\"x\\"\\n","n":-7}`;
const CSV_ROWS = `n,id,name\n5,1,a\n,2,\n-7,3,"ü,""x""\n"\n`;

async function bodies(): Promise<readonly (readonly [AppendFormat, string | Uint8Array])[]> {
  const batch = batchOfRows(FIELDS, ROWS);
  return [
    ["ndjson", JSON_ROWS],
    ["csv", CSV_ROWS],
    ["arrow", arrowStream(batch)],
    ["parquet", await parquetFile(FIELDS, batch)],
  ];
}

Deno.test("append() commits the rows of every format in one snapshot, and says what it did", async () => {
  for (const [format, body] of await bodies()) {
    const table = newTable();
    const { receipt, host } = run(table, format, body);
    const done = AppendReceipt.parse(await receipt);
    assert.deepEqual(rowSet(await table.rows()), rowSet(ROWS), format);
    const [task, ...others] = await table.tasks();
    assert.deepEqual(others, []);
    assert.deepEqual(done, {
      appended_rows_count: 3,
      added_data_files_count: 1,
      added_bytes_count: task?.dataFile.fileSizeInBytes,
      snapshot_id: String(table.snapshot.snapshotId),
    });
    // Should the isolate die right after the commit, this is the answer.
    assert.deepEqual(host.announced, [done]);
    assert.equal(table.snapshot.summary["added-records"], "3");
    assert.equal(files(table).filter((one) => one.includes("upload")).length, 0);
  }
});

// A client that is told of a failure sends its rows again.
Deno.test("append() that has committed is done, though its upload cannot be removed", async () => {
  const table = newTable();
  const { io } = table.store;
  const remove = io.delete.bind(io);
  const failure = new AppError("unavailable", "storage_unavailable", "Cannot delete: try later");
  io.delete = (location) =>
    location.includes("upload-") ? Promise.reject(failure) : remove(location);
  const { receipt } = run(table, "parquet", await parquetFile(FIELDS, batchOfRows(FIELDS, ROWS)));
  assert.equal((await receipt).snapshot_id, String(table.snapshot.snapshotId));
  assert.deepEqual(rowSet(await table.rows()), rowSet(ROWS));
});

Deno.test("a dry run tells the bill of the real run, and leaves nothing", async () => {
  for (const [format, body] of await bodies()) {
    const table = newTable();
    const before = files(table);
    const dry = await run(table, format, body, { dryRun: true }).receipt;
    assert.deepEqual(files(table), before, format);
    assert.equal(table.store.commits.length, 0);
    const real = await run(table, format, body).receipt;
    assert.deepEqual(dry, { ...real, snapshot_id: null }, format);
  }
});

Deno.test("no rows are no snapshot, and their columns are looked at all the same", async () => {
  const none = batchOfRows(FIELDS, []);
  const other = [field(1, "other")];
  const empty: readonly (readonly [AppendFormat, string | Uint8Array, string | Uint8Array])[] = [
    ["ndjson", "\n \n", "{}"],
    ["csv", "id,name\n", "other\n"],
    ["arrow", arrowStream(none), arrowStream(batchOfRows(other, []))],
    ["parquet", await parquetFile(FIELDS), await parquetFile(other)],
  ];
  for (const [format, rows, wrong] of empty) {
    const table = newTable();
    const before = files(table);
    assert.deepEqual(await run(table, format, rows).receipt, {
      appended_rows_count: 0,
      added_data_files_count: 0,
      added_bytes_count: 0,
      snapshot_id: null,
    }, format);
    await assert.rejects(run(table, format, wrong).receipt, AppError, format);
    assert.deepEqual(files(table), before);
  }
});

/** Two blocks and more of the smallest job's. */
const MANY = 60_000;
const LONG = "a name of some length, so that blocks fill up".repeat(2);
const line = (i: number) => `{"id":${i},"name":"${LONG} ${i}","n":${i % 1000}}`;

Deno.test("rows of many blocks keep their order, whoever encodes them", async () => {
  const table = newTable();
  const memoryBytes = 64 * 1024 * 1024;
  let tasks = 0;
  const text = Array.from({ length: MANY }, (_, i) => line(i)).join("\n");
  const { receipt } = run(table, "ndjson", text, { memoryBytes, onTask: () => tasks++ });
  assert.equal((await receipt).appended_rows_count, MANY);
  assert.ok(tasks > 1, `${tasks} tasks`);
  const ids = (await table.rows()).map(([id]) => id);
  assert.deepEqual(ids, Array.from({ length: MANY }, (_, i) => BigInt(i)));
});

Deno.test("a bad row far down is named by its line or row, and takes all others with it", async () => {
  const memoryBytes = 64 * 1024 * 1024;
  const text = Array.from({ length: MANY }, (_, i) => i === 55_000 ? `{"id":"x"}` : line(i));
  const csv = text.map((_, i) => i === 55_000 ? "x,a" : `${i},"${LONG}"`);
  const batches = [0, 1, 2].map((part) =>
    batchOfRows(
      [field(1, "id"), field(2, "name", { kind: "string" })],
      Array.from({ length: 20_000 }, (_, i) => [
        part === 2 && i === 15_000 ? null : BigInt(i),
        LONG,
      ]),
    )
  );
  const plain = [field(1, "id"), field(2, "name", { kind: "string" })];
  const refused: readonly (readonly [AppendFormat, string | Uint8Array, string])[] = [
    ["ndjson", text.join("\n"), "lines.55001.id"],
    ["csv", `id,name\n${csv.join("\n")}`, "lines.55002.id"],
    ["arrow", arrowStream(...batches), "rows.55001.id"],
    ["parquet", await parquetFile(plain, ...batches), "rows.55001.id"],
  ];
  for (const [format, body, path] of refused) {
    const table = newTable();
    const before = files(table);
    const { receipt } = run(table, format, body, { memoryBytes });
    const error = await rejectsWith(receipt, { kind: "invalid", code: "row_invalid" });
    assert.equal(error.issues[0]?.path, path, format);
    assert.deepEqual(files(table), before, format);
    assert.equal(table.store.commits.length, 0);
  }
});

Deno.test("a body that breaks off leaves nothing behind", async () => {
  for (const [format, body] of await bodies()) {
    const table = newTable();
    const before = files(table);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    let sent = false;
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new AppError("cancelled", "body_broke_off", "gone"));
        else controller.enqueue(bytes.slice(0, bytes.length - 2));
        sent = true;
      },
    });
    const { receipt } = run(table, format, broken);
    await rejectsWith(receipt, { kind: "cancelled", code: "body_broke_off" });
    assert.deepEqual(files(table), before, format);
  }
});

Deno.test("what was cut short is refused: no format ends in the middle", async () => {
  for (const [format, body] of await bodies()) {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    // The last quote of the text, and the mark of the stream's end.
    for (const missing of format === "csv" ? [2] : format === "ndjson" ? [1, 5] : [1, 8, 40]) {
      const table = newTable();
      const before = files(table);
      const { receipt } = run(table, format, bytes.slice(0, bytes.length - missing));
      await assert.rejects(
        receipt,
        (error) =>
          error instanceof AppError && ["invalid", "malformed"].includes(error.kind) &&
          /Nothing was appended/.test(error.message),
        `${format} without ${missing} bytes`,
      );
      assert.deepEqual(files(table), before, format);
    }
  }
});

const BUCKETS: PartitionSpec = {
  specId: 0,
  fields: [{ sourceIds: [1], fieldId: 1000, name: "id", transform: { kind: "identity" } }],
};

Deno.test("rows of thousands of partitions go to their files, a few of them open at a time", async () => {
  const table = newTable({ partitionSpecs: [BUCKETS], lastPartitionId: 1000 });
  const partitions = 2_000;
  const text = Array.from(
    { length: 3 * partitions },
    (_, i) => `{"id":${i % partitions},"name":"${"n".repeat(400)}","n":${i}}`,
  ).join("\n");
  let open = 0;
  let most = 0;
  const { io } = table.store;
  const openWriter = io.openWriter.bind(io);
  io.openWriter = async (location) => {
    const writer = await openWriter(location);
    most = Math.max(most, ++open);
    const close = writer.close.bind(writer);
    return Object.assign(Object.create(writer), {
      location,
      write: writer.write.bind(writer),
      abort: writer.abort.bind(writer),
      async close() {
        open--;
        return await close();
      },
    });
  };
  const memoryBytes = 64 * 1024 * 1024;
  const done = await run(table, "ndjson", text, { memoryBytes }).receipt;
  assert.equal(done.appended_rows_count, 3 * partitions);
  assert.ok(most <= 33, `${most} files were open at a time`);
  const found = await table.rowsByFile();
  for (const [file, rows] of found) {
    const [id] = rows[0] ?? [];
    assert.match(file, new RegExp(`/id=${id}/`));
    assert.ok(rows.every((row) => row[0] === id));
  }
  const ids = new Set([...found.values()].flat().map(([id]) => id));
  assert.equal(ids.size, partitions);
});

Deno.test("rows of large partitions are encoded as tasks", async () => {
  const [id] = BUCKETS.fields;
  const transform = { kind: "bucket", numBuckets: 2 } as const;
  const halves = { ...BUCKETS, fields: [{ ...id!, transform }] };
  const table = newTable({ partitionSpecs: [halves], lastPartitionId: 1000 });
  const text = Array.from({ length: MANY }, (_, i) => line(i)).join("\n");
  let tasks = 0;
  const memoryBytes = 512 * 1024 * 1024;
  const { receipt } = run(table, "ndjson", text, { memoryBytes, onTask: () => tasks++ });
  assert.equal((await receipt).added_data_files_count, 2);
  // All rows are in one block, which is no task.
  assert.equal(tasks, 2);
  const ids = (await table.rows()).map(([id]) => Number(id)).sort((a, b) => a - b);
  assert.deepEqual(ids, Array.from({ length: MANY }, (_, i) => i));
});

Deno.test("files of many partitions are finished several at a time", async () => {
  const table = newTable({ partitionSpecs: [BUCKETS], lastPartitionId: 1000 });
  const { io } = table.store;
  const openWriter = io.openWriter.bind(io);
  const waiting: (() => void)[] = [];
  io.openWriter = async (location) => {
    const writer = await openWriter(location);
    const close = writer.close.bind(writer);
    return Object.assign(writer, {
      async close() {
        if (location.includes("/data/")) {
          // None ends before three others are as far: one after another they never would.
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            if (waiting.length === 4) { for (const go of waiting.splice(0)) go(); }
          });
        }
        return await close();
      },
    });
  };
  const text = Array.from({ length: 12 }, (_, i) => `{"id":${i}}`).join("\n");
  const done = await run(table, "ndjson", text).receipt;
  assert.equal(done.added_data_files_count, 12);
});

Deno.test("appends at once all land, and rebase on what others did meanwhile", async () => {
  const table = newTable();
  const receipts = await Promise.all(
    [0, 1, 2, 3].map((i) => run(table, "ndjson", `{"id":${i}}`).receipt),
  );
  assert.equal(new Set(receipts.map(({ snapshot_id }) => snapshot_id)).size, 4);
  assert.deepEqual((await table.rows()).map(([id]) => id).sort(), [0n, 1n, 2n, 3n]);
});

Deno.test("a column that is added between load and commit is null in the new rows", async () => {
  const table = newTable();
  let evolved: Promise<void> | null = null;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // The job has loaded the table by now: it reads rows of its schema.
      evolved ??= table.commit(evolveSchemaAction([{
        kind: "add",
        name: "late",
        type: { kind: "string" },
        required: false,
        doc: null,
        defaultValue: null,
      }]));
      await evolved;
      controller.enqueue(new TextEncoder().encode(`{"id":1,"n":2}`));
      controller.close();
    },
  }, { highWaterMark: 0 });
  await run(table, "ndjson", body).receipt;
  assert.deepEqual(await table.rows(), [[1n, null, 2, null]]);
});

Deno.test("a lost reply doubles nothing and loses nothing", async () => {
  for (const landed of [true, false]) {
    const table = newTable();
    table.store.failCommits({ kind: "lost", landed });
    const { appended_rows_count } = await run(table, "ndjson", `{"id":1}`).receipt;
    assert.equal(appended_rows_count, 1);
    assert.deepEqual(await table.rows(), [[1n, null, null]]);
  }
});

Deno.test("a commit that is refused leaves nothing behind", async () => {
  const table = newTable();
  const before = files(table);
  const error = new AppError("forbidden", "catalog_forbidden", "Cannot commit: not allowed");
  table.store.failCommits({ kind: "error", error });
  await assert.rejects(run(table, "ndjson", `{"id":1}`).receipt, error);
  assert.deepEqual(files(table), before);
});
