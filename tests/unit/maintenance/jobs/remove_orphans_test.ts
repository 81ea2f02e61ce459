import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import type { RemoveOrphansParams } from "../../../../lib/maintenance/contract/mod.ts";
import { removeOrphans } from "../../../../lib/maintenance/jobs/mod.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { ROW_TABLE_LOCATION, RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact, range } from "./_compaction.ts";

/** Later than everything that the tests write. */
const FUTURE_MS = Date.now() + 3_600_000;

function run(
  store: TableStore,
  more: Partial<RemoveOrphansParams> = {},
  signal?: AbortSignal,
) {
  const params = {
    location: ANY_LOCATION,
    dryRun: false,
    olderThanMs: FUTURE_MS,
    folder: null,
    equalSchemes: {},
    equalAuthorities: {},
    prefixMismatchMode: "ERROR",
    ...more,
  } as const;
  return removeOrphans(params, testJobHost(store, signal === undefined ? {} : { signal }));
}

const at = (path: string) => `${ROW_TABLE_LOCATION}/${path}`;

/** A table with history: appends, deletes, a compaction, and every file in use. */
async function usedTable(): Promise<RowTable> {
  const table = new RowTable({ properties: { "write.metadata.previous-versions-max": "100" } });
  await appendSmall(table, 6);
  await table.deleteRows([0]);
  await table.deleteEqual([3]);
  await compact(table);
  await table.append([50]);
  return table;
}

async function addOrphans(table: RowTable, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) await table.store.io.put(at(path), new Uint8Array(7));
}

Deno.test("removeOrphans() finds nothing in a table that is whole, whatever its history", async () => {
  const table = await usedTable();
  const before = table.store.io.locations();
  const receipt = await run(table.store);
  assert.equal(receipt.orphan_files_count, 0);
  assert.deepEqual(receipt.kept_files, []);
  assert.deepEqual(table.store.io.locations(), before);
});

Deno.test("removeOrphans() deletes what nothing refers to, and says what", async () => {
  const table = await usedTable();
  const before = table.store.io.locations();
  await addOrphans(table, "data/lost.parquet", "metadata/lost-m0.avro", "data/.drls-tmp-1");
  const receipt = await run(table.store);
  assert.deepEqual(receipt, {
    orphan_file_location: [
      at("data/.drls-tmp-1"),
      at("data/lost.parquet"),
      at("metadata/lost-m0.avro"),
    ],
    orphan_files_count: 3,
    orphan_bytes_count: 21,
    deleted_files_count: 3,
    deleted_bytes_count: 21,
    failed_deletes_count: 0,
    kept_files: [],
    nested_tables: [],
    older_than: new Date(FUTURE_MS).toISOString(),
    not_listed: [],
  });
  assert.deepEqual(table.store.io.locations(), before);
  for (const snapshot of table.store.table.metadata.snapshots) await table.rows(snapshot);
});

Deno.test("removeOrphans() in a dry run gives the same bill and deletes nothing", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/lost.parquet", "other/lost");
  const before = table.store.io.locations();
  const bill = await run(table.store, { dryRun: true });
  assert.deepEqual(table.store.io.locations(), before);
  assert.equal(table.store.io.calls.some(({ operation }) => operation === "delete"), false);
  assert.deepEqual(await run(table.store), bill);
});

Deno.test("removeOrphans() keeps what is not older than its bound", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/lost.parquet");
  const receipt = await run(table.store, { olderThanMs: Date.now() - 60_000 });
  assert.equal(receipt.orphan_files_count, 0);
  assert.deepEqual(receipt.kept_files, [{ reason: "younger_than_bound", files: 1, bytes: 7 }]);
});

Deno.test("removeOrphans() deletes metadata files that left the log", async () => {
  const table = new RowTable({ properties: { "write.metadata.previous-versions-max": "2" } });
  await appendSmall(table, 6);
  const versions = table.store.history.length;
  const receipt = await run(table.store);
  assert.equal(receipt.deleted_files_count, versions - 3);
  assert(receipt.orphan_file_location.every((path) => path.endsWith(".metadata.json")));
  assert.deepEqual(await table.rows(), range(0, 12));
});

Deno.test("removeOrphans() keeps statistics, also those of snapshots that are gone", async () => {
  const table = await usedTable();
  await addOrphans(table, "metadata/stats.puffin", "metadata/partitions.parquet");
  const { snapshotId } = table.state.snapshot;
  table.store.replace((metadata) => ({
    ...metadata,
    statistics: [{
      snapshotId,
      statisticsPath: at("metadata/stats.puffin"),
      fileSizeInBytes: 7,
      fileFooterSizeInBytes: 3,
      keyMetadata: null,
      blobMetadata: [],
    }],
    partitionStatistics: [{
      snapshotId: 4711n,
      statisticsPath: at("metadata/partitions.parquet"),
      fileSizeInBytes: 7,
    }],
  }));
  assert.equal((await run(table.store)).orphan_files_count, 0);
});

Deno.test("removeOrphans() leaves a table alone whose folder lies inside this one's", async () => {
  const table = await usedTable();
  await addOrphans(table, "inner/metadata/v1.metadata.json", "inner/data/a.parquet", "data/lost");
  const receipt = await run(table.store);
  assert.deepEqual(receipt.orphan_file_location, [at("data/lost")]);
  assert.deepEqual(receipt.nested_tables, ["inner"]);
});

Deno.test("removeOrphans() counts what it cannot delete and goes on", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/stuck", "data/lost");
  table.store.io.injectFault({
    operation: "delete",
    when: "before",
    error: () => new AppError("forbidden", "store_refuses", "Cannot delete"),
    matches: (location) => location.endsWith("stuck"),
  });
  const receipt = await run(table.store);
  assert.equal(receipt.orphan_files_count, 2);
  assert.equal(receipt.deleted_files_count, 1);
  assert.equal(receipt.failed_deletes_count, 1);
  assert.equal((await run(table.store)).deleted_files_count, 1);
});

Deno.test("removeOrphans() spares a file that a commit takes in while it is looking", async () => {
  const table = await usedTable();
  // Written long ago, by a writer that commits only now.
  await addOrphans(table, "data/lost");
  const { store } = table;
  const late = await table.append([77]);
  const rolledBack = store.history.at(-2)?.metadata;
  const appended = store.table.metadata;
  assert(rolledBack !== undefined);
  store.replace(() => rolledBack);
  let loads = 0;
  const receipt = await run({
    load(signal) {
      // The first load plans; before the second, the writer has committed.
      if (++loads === 2) store.replace(() => appended);
      return store.load(signal);
    },
    commit: () => Promise.reject(new TypeError("Orphans are no commit")),
  });
  assert.equal(receipt.orphan_file_location.includes(late.filePath), false);
  assert(receipt.orphan_file_location.includes(at("data/lost")));
  assert((await table.rows()).includes(77));
});

Deno.test("removeOrphans() stops where the table was dropped and made anew", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/lost");
  const { store } = table;
  let loads = 0;
  const running = run({
    load(signal) {
      if (++loads === 2) {
        store.replace((metadata) => ({
          ...metadata,
          tableUuid: "00000000-0000-4000-8000-000000000000",
        }));
      }
      return store.load(signal);
    },
    commit: () => Promise.reject(new TypeError("Orphans are no commit")),
  });
  await assert.rejects(running, { kind: "conflict", code: "table_replaced" });
  assert(store.io.locations().includes(at("data/lost")));
});

Deno.test("removeOrphans() deletes nothing where a manifest cannot be read", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/lost");
  table.store.io.injectFault({
    operation: "read",
    when: "before",
    error: () => new AppError("unavailable", "store_down", "Cannot reach the store"),
    matches: (location) => location.endsWith("-m0.avro"),
  });
  await assert.rejects(run(table.store), { code: "store_down" });
  assert(table.store.io.locations().includes(at("data/lost")));
});

Deno.test("removeOrphans() refuses tables whose files may be others', or cannot be told", async () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ "gc.enabled": "false" }, "gc_disabled"],
    [{ "gc.enabled": "FALSE" }, "gc_disabled"],
    // Java takes everything but true for false: who wrote it meant to keep files.
    [{ "gc.enabled": "no" }, "gc_disabled"],
    [{ "encryption.key-id": "k1" }, "table_encrypted"],
  ];
  for (const [properties, code] of cases) {
    const table = new RowTable({ properties });
    await table.append([1]);
    await assert.rejects(run(table.store), { code });
    await assert.rejects(run(table.store, { dryRun: true }), { code });
  }
  const table = new RowTable();
  const readOnly: TableStore = {
    load: () => Promise.resolve({ ...table.store.table, readOnly: "it was copied here" }),
    commit: () => Promise.reject(new TypeError("Orphans are no commit")),
  };
  await assert.rejects(run(readOnly), { code: "table_read_only" });
});

Deno.test("removeOrphans() looks into one folder of the table, and into no other's", async () => {
  const table = await usedTable();
  await addOrphans(table, "data/lost", "metadata/lost");
  const receipt = await run(table.store, { folder: at("data") });
  assert.deepEqual(receipt.orphan_file_location, [at("data/lost")]);
  for (const folder of ["/warehouse/db", "/warehouse/db/rows2", "/", "s3://bucket/db/rows"]) {
    const running = run(table.store, { folder });
    await assert.rejects(running, { kind: "invalid", code: "location_not_of_table" });
  }
});

Deno.test("removeOrphans() lists a write path elsewhere only where it is named", async () => {
  const elsewhere = "/shared/data";
  const table = new RowTable({ properties: { "write.data.path": `${elsewhere}/` } });
  await table.append([1]);
  await table.store.io.put(`${elsewhere}/others.parquet`, new Uint8Array(1));
  const receipt = await run(table.store);
  assert.equal(receipt.orphan_files_count, 0);
  assert.deepEqual(receipt.not_listed, [elsewhere]);
  const named = await run(table.store, { folder: elsewhere });
  assert.deepEqual(named.orphan_file_location, [`${elsewhere}/others.parquet`]);
});

Deno.test("removeOrphans() takes s3a for s3, and refuses where names contradict each other", async () => {
  const table = new RowTable({ location: "s3://bucket/rows" });
  await table.append([1]);
  const { io } = table.store;
  const [data] = await table.tasks();
  // The same key, listed under the bucket's other name.
  const path = data?.dataFile.filePath ?? "";
  assert.equal(path.startsWith("/warehouse"), true);
  await io.put("s3a://bucket/rows/data/mine", new Uint8Array(1));
  await io.put("s3://bucket/rows/data/theirs", new Uint8Array(1));
  table.store.replace((metadata) => ({
    ...metadata,
    metadataLog: [
      ...metadata.metadataLog,
      { timestampMs: 1, metadataFile: "s3n://bucket/rows/data/mine" },
      { timestampMs: 2, metadataFile: "s3://alias/rows/data/theirs" },
    ],
  }));
  await assert.rejects(run(table.store), { kind: "conflict", code: "prefix_mismatch" });
  const ignoring = await run(table.store, { prefixMismatchMode: "IGNORE", dryRun: true });
  assert.equal(ignoring.orphan_files_count, 0);
  assert.deepEqual(ignoring.kept_files, [{ reason: "prefix_mismatch", files: 1, bytes: 1 }]);
  const equal = await run(table.store, { equalAuthorities: { alias: "bucket" }, dryRun: true });
  assert.deepEqual(equal.kept_files, []);
  const deleting = await run(table.store, { prefixMismatchMode: "DELETE" });
  assert.deepEqual(deleting.orphan_file_location, ["s3://bucket/rows/data/theirs"]);
});

Deno.test("removeOrphans() is cancelled between batches", async () => {
  const table = await usedTable();
  await addOrphans(table, ...range(0, 1_500).map((i) => `data/lost-${i}`));
  const controller = new AbortController();
  const { store } = table;
  let loads = 0;
  const running = run(
    {
      load(signal) {
        if (++loads === 3) controller.abort();
        return store.load(signal);
      },
      commit: () => Promise.reject(new TypeError("Orphans are no commit")),
    },
    {},
    controller.signal,
  );
  await assert.rejects(running);
  const left = store.io.locations().filter((path) => path.includes("/lost-"));
  assert.equal(left.length, 500);
});

Deno.test("removeOrphans() names the first thousand of many", async () => {
  const table = await usedTable();
  await addOrphans(table, ...range(0, 1_001).map((i) => `data/lost-${i}`));
  const receipt = await run(table.store);
  assert.equal(receipt.orphan_files_count, 1_001);
  assert.equal(receipt.orphan_file_location.length, 1_000);
});
