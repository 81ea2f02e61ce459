import assert from "node:assert/strict";
import type { RecordBatch } from "apache-arrow";
import {
  encodeRowGroup,
  metricsConfig,
  writeSettings,
} from "../../../../lib/columnar/parquet/mod.ts";
import { DataFileWriter } from "../../../../lib/columnar/table/data_file_writer.ts";
import { readTask } from "../../../../lib/columnar/table/read_task.ts";
import { AppError } from "../../../../lib/errors.ts";
import { alwaysTrue } from "../../../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { batchOfRows, rowsOfBatch } from "../../../support/rows.ts";
import { field } from "../arrow/_columns.ts";

await readyParquet();

const FIELDS = [field(1, "id", { kind: "long" }, true), field(2, "text", { kind: "string" })];
const schema = new Schema({ schemaId: 0, fields: FIELDS, identifierFieldIds: [] });
const properties = { "write.parquet.row-group-size-bytes": "20000" };
const TARGET = 100_000;

function batches(count: number): readonly RecordBatch[] {
  return Array.from({ length: count }, (_, at) => {
    const rows = Array.from({ length: 500 }, (_, i): IcebergValue[] => {
      const id = at * 500 + i;
      return [BigInt(id), `${Math.imul(id, 2654435761) >>> 0}`];
    });
    return batchOfRows(FIELDS, rows);
  });
}

/** Encodes when it is told to, the newest first. */
class Encoder {
  most = 0;
  readonly #waiting: (() => void)[] = [];

  readonly encode = async (rows: readonly RecordBatch[]) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.most = Math.max(this.most, this.#waiting.length);
    // All that are asked for before the next turn are under way together.
    setTimeout(() => this.#waiting.pop()?.(), 0);
    await promise;
    const settings = writeSettings(properties);
    return encodeRowGroup(rows, {
      schema,
      settings,
      metrics: metricsConfig({ schema, properties }),
    });
  };
}

function writerOf(io: MemoryFileIo, encode: Encoder["encode"], encodesAtATime: number) {
  return new DataFileWriter({
    io,
    metadata: { location: "/w/t", properties },
    schema,
    spec: { specId: 0, fields: [] },
    operationId: "0197f9d0-0000-7000-8000-000000000001",
    targetFileSizeBytes: TARGET,
    encode,
    encodesAtATime,
  });
}

async function idsOf(io: MemoryFileIo, files: readonly DataFile[]): Promise<readonly number[]> {
  const ids: number[] = [];
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
      schemas: [schema],
      currentSchemaId: 0,
      properties: {},
      formatVersion: 2,
    } as const;
    for await (const batch of readTask(task, { io, metadata, schema })) {
      ids.push(...rowsOfBatch(batch, FIELDS).map(([id]) => Number(id)));
    }
  }
  return ids;
}

for (const width of [1, 3]) {
  Deno.test(`rows stay in order and files near their size with ${width} row groups encoded at a time`, async () => {
    const io = new MemoryFileIo();
    const encoder = new Encoder();
    const writer = writerOf(io, encoder.encode, width);
    for (const batch of batches(60)) await writer.write(batch);
    const files = await writer.finish();
    assert.equal(encoder.most, width);
    assert.deepEqual(await idsOf(io, files), Array.from({ length: 30_000 }, (_, at) => at));
    assert(files.length > 2, `${files.length} files`);
    for (const { fileSizeInBytes, splitOffsets } of files.slice(0, -1)) {
      assert(Math.abs(fileSizeInBytes - TARGET) < TARGET * 0.2, `${fileSizeInBytes} bytes`);
      assert((splitOffsets?.length ?? 0) < 10, `${splitOffsets?.length} row groups`);
    }
  });
}

Deno.test("a row group that cannot be encoded ends the writing, and nothing is left", async () => {
  const io = new MemoryFileIo();
  const { encode } = new Encoder();
  let groups = 0;
  const broken = new AppError("unavailable", "isolate_lost", "Cannot encode");
  const writer = writerOf(io, (rows) => ++groups === 4 ? Promise.reject(broken) : encode(rows), 3);
  await rejectsWith(
    (async () => {
      for (const batch of batches(60)) await writer.write(batch);
    })(),
    { kind: "unavailable", code: "isolate_lost" },
  );
  await writer.abort();
  assert.deepEqual(io.locations(), []);
});
