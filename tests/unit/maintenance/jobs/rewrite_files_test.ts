import assert from "node:assert/strict";
import type { FileIo, FileWriter } from "../../../../lib/iceberg/ports.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { openParquetFile } from "../../../../lib/columnar/parquet/mod.ts";
import { column } from "../../../support/commit_fixture.ts";
import { ParquetTable, rowSet } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { assertSettled, columnOf, compactFiles, schemaOf, strayFiles } from "./_rewriting.ts";

await readyParquet();

const KIB = 1024;
const MIB = 1024 * KIB;
const SCHEMA = schemaOf(column(1, "id"), column(2, "noise", { kind: "string" }));

/** Numbers without a pattern that would compress. */
function* noise(seed: number): Generator<number> {
  for (let state = seed | 1;;) {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    yield (state ^ state >>> 12) >>> 0;
  }
}

/** Rows of about 40 bytes each. */
function rowsOf(file: number, count: number) {
  const random = noise(file + 1);
  const next = () => random.next().value!.toString(36);
  return Array.from({ length: count }, (_, at) => [
    BigInt(file * count + at),
    `${next()}${next()}${next()}${next()}${next()}${next()}`,
  ]);
}

async function tableOf(
  { files, rows, properties = {} }: {
    readonly files: number;
    readonly rows: number;
    readonly properties?: Readonly<Record<string, string>>;
  },
): Promise<ParquetTable> {
  const table = new ParquetTable({ schemas: [SCHEMA], properties });
  for (let file = 0; file < files; file++) await table.append(rowsOf(file, rows));
  return table;
}

const sizesOf = (files: readonly Pick<DataFile, "fileSizeInBytes">[]) =>
  files.map(({ fileSizeInBytes }) => fileSizeInBytes);

async function liveFiles(table: ParquetTable): Promise<readonly DataFile[]> {
  return (await table.tasks()).map(({ dataFile }) => dataFile);
}

for (const strategy of ["binpack", "sort"] as const) {
  Deno.test(`${strategy}: files come out near the target, and none above the cap`, async () => {
    const table = await tableOf({ files: 40, rows: 1_000 });
    const before = rowSet(await table.rows());
    const input = sizesOf(await liveFiles(table)).reduce((a, b) => a + b);
    const target = Math.round(input / 4);
    const sizes = { "target-file-size-bytes": target };
    await compactFiles(table, {
      strategy,
      ...strategy === "sort" ? { sortOrder: "noise" } : {},
      options: { ...sizes, "min-input-files": 2 },
      width: 4,
    });
    const output = sizesOf(await liveFiles(table));
    assert(output.length >= 3 && output.length <= 5, `${output}`);
    // The maximum is 1.8 times the target; files end halfway there.
    for (const bytes of output) assert(bytes <= target * 1.4, `${bytes} of ${target}`);
    assert.deepEqual(rowSet(await table.rows()), before);
    await assertSettled(table, { options: sizes });
  });
}

Deno.test("binpack shares the parts of a group out, and their rows stay in order", async () => {
  const table = await tableOf({ files: 8, rows: 60_000 });
  const before = await columnOf(table, 0);
  const tasks: string[] = [];
  await compactFiles(table, { width: 2, onTask: (name) => void tasks.push(name) });
  assert.deepEqual(tasks, ["compact.encode-part", "compact.encode-part"]);
  assert.deepEqual(await columnOf(table, 0), before);
});

Deno.test("row groups of a good size go through untouched, small ones are joined", async () => {
  const properties = { "write.parquet.row-group-size-bytes": `${16 * MIB}` };
  const table = await tableOf({ files: 1, rows: 150_000, properties });
  const [large] = await liveFiles(table);
  assert(large!.fileSizeInBytes > 4 * MIB);
  for (let file = 1; file < 4; file++) await table.append(rowsOf(1_000 + file, 100));
  const before = rowSet(await table.rows());
  const { io } = table.store;
  const open = (file: DataFile) => openParquetFile(io, { location: file.filePath });
  const [original] = (await open(large!)).rowGroups;
  await compactFiles(table);
  const [file, ...others] = await liveFiles(table);
  assert.equal(others.length, 0);
  const { rowGroups } = await open(file!);
  assert.deepEqual(rowGroups.map(({ rowCount }) => rowCount), [150_000, 300]);
  assert.equal(rowGroups[0]!.compressedBytes, original!.compressedBytes);
  const pages = (bytes: Uint8Array, from: number) => bytes.slice(from, from + 4 * MIB);
  assert.deepEqual(
    pages(await io.read(file!.filePath), rowGroups[0]!.chunks[0]!.offset),
    pages(await io.read(large!.filePath), original!.chunks[0]!.offset),
  );
  assert.deepEqual(rowSet(await table.rows()), before);
});

Deno.test("a row group of a good size is not passed on where rows of it are deleted", async () => {
  const properties = { "write.parquet.row-group-size-bytes": `${16 * MIB}` };
  const table = await tableOf({ files: 1, rows: 150_000, properties });
  await table.deleteWhere(([id]) => Number(id) % 2 === 1);
  await compactFiles(table);
  const ids = await columnOf(table, 0);
  assert.equal(ids.length, 75_000);
  assert(ids.every((id) => Number(id) % 2 === 0));
});

/** Little memory: runs of some hundred kilobytes, most of which do not stay in memory. */
const SORTING = { strategy: "sort", sortOrder: "noise", memoryBytes: 2 * MIB } as const;

const runFiles = (table: ParquetTable) =>
  table.store.io.locations().filter((location) => location.includes("-run-"));

/** A store that tells of every file it is asked to write, and may refuse. */
function watched(io: FileIo, onOpen: (location: string) => void): FileIo {
  return new Proxy(io, {
    get(target, name) {
      if (name !== "openWriter") {
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (location: string): Promise<FileWriter> => {
        onOpen(location);
        return target.openWriter(location);
      };
    },
  });
}

Deno.test("a group larger than memory is sorted in runs, which are gone afterwards", async () => {
  const table = await tableOf({ files: 10, rows: 5_000 });
  const before = await table.rows();
  const runs: string[] = [];
  const io = watched(table.store.io, (location) => {
    if (location.includes("-run-")) runs.push(location);
  });
  await compactFiles(table, { ...SORTING, io });
  assert(runs.length >= 3, `${runs.length} runs`);
  for (const run of runs) assert.match(run, /^\/warehouse\/db\/real\/metadata\/[0-9a-f-]{36}-run-/);
  assert.deepEqual(runFiles(table), []);
  const noiseColumn = await columnOf(table, 1) as string[];
  assert.deepEqual(noiseColumn, noiseColumn.toSorted((a, b) => a < b ? -1 : 1));
  assert.deepEqual(rowSet(await table.rows()), rowSet(before));
  assert.deepEqual(await strayFiles(table), []);
});

Deno.test("a sort that fails halfway leaves neither runs nor files behind", async () => {
  for (const failing of ["-run-", "/data/"]) {
    const table = await tableOf({ files: 10, rows: 5_000 });
    const versions = table.store.history.length;
    let opened = 0;
    const io = watched(table.store.io, (location) => {
      if (location.includes(failing) && ++opened > (failing === "-run-" ? 2 : 0)) {
        throw new TypeError("The disk is full");
      }
    });
    await assert.rejects(compactFiles(table, { ...SORTING, io }), /The disk is full/);
    assert.deepEqual(runFiles(table), []);
    assert.deepEqual(await strayFiles(table), []);
    assert.equal(table.store.history.length, versions);
  }
});

Deno.test("a compaction that is cancelled between two parts leaves no file behind", async () => {
  const table = await tableOf({ files: 8, rows: 60_000 });
  const stop = new AbortController();
  let tasks = 0;
  await assert.rejects(compactFiles(table, {
    width: 2,
    signal: stop.signal,
    onTask: () => {
      if (++tasks === 2) stop.abort();
    },
  }));
  assert.deepEqual(await strayFiles(table), []);
});

Deno.test("rows that do not fit into memory at once become several row groups", async () => {
  const table = await tableOf({ files: 8, rows: 20_000 });
  const before = await columnOf(table, 0);
  await compactFiles(table, { memoryBytes: 16 * MIB });
  const [file] = await liveFiles(table);
  const source = await openParquetFile(table.store.io, { location: file!.filePath });
  assert(source.rowGroups.length > 1);
  assert.deepEqual(await columnOf(table, 0), before);
});
