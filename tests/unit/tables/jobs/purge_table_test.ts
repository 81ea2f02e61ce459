import assert from "node:assert/strict";
import type { TableLocation } from "../../../../lib/catalog/mod.ts";
import { AppError } from "../../../../lib/errors.ts";
import { deleteFiles } from "../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { RewriteManifests } from "../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { DropTableReceipt } from "../../../../lib/tables/contract/mod.ts";
import { purgeTable } from "../../../../lib/tables/jobs/purge_table.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import {
  BYTES_PER_ROW,
  claimedFile,
  ROW_TABLE_LOCATION,
  RowTable,
} from "../../../support/maintenance/row_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

interface Purge {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Runs instead of the catalog's own drop. */
  readonly drop?: () => Promise<void>;
}

/** Purges, and tells how often the table was dropped. */
async function purge(table: RowTable, { dryRun = false, signal, drop }: Purge = {}) {
  let drops = 0;
  const options = signal === undefined ? {} : { signal };
  const host = {
    ...testJobHost(table.store, options),
    openStorage: () => table.store.io,
    async dropTable() {
      await drop?.();
      drops++;
    },
  };
  await table.store.load();
  const { metadataLocation } = table.store.table;
  const location: TableLocation = { ...ANY_LOCATION, metadataLocation } as TableLocation;
  const receipt = await purgeTable({ location, dryRun }, host);
  return { receipt: DropTableReceipt.parse(receipt), drops, host };
}

/** Appends, deletes of both kinds, and files of no snapshot. */
async function busyTable(more: ConstructorParameters<typeof RowTable>[0] = {}) {
  const table = new RowTable(more);
  await table.append([1, 2]);
  await table.append([3], "us");
  await table.deleteRows([1]);
  await table.deleteEqual([2]);
  return table;
}

const BILL = {
  purge: true,
  deleted_data_files_count: 2,
  deleted_position_delete_files_count: 1,
  deleted_equality_delete_files_count: 1,
  deleted_manifest_files_count: 4,
  deleted_manifest_lists_count: 4,
  deleted_statistics_files_count: 0,
  deleted_metadata_files_count: 5,
  failed_deletes_count: 0,
  kept_files: [],
};

Deno.test("purgeTable() drops the table and deletes all its files", async () => {
  const table = await busyTable();
  const { receipt, drops } = await purge(table);
  const { deleted_bytes_count: bytes, ...rest } = receipt;
  assert.deepEqual(rest, BILL);
  assert(bytes > 300 + 100);
  assert.equal(drops, 1);
  assert.deepEqual(table.store.io.locations(), []);
});

Deno.test("purgeTable() bills in a dry run exactly what it then does, and changes nothing", async () => {
  const table = await busyTable();
  const before = table.store.io.locations();
  const { receipt: bill, drops } = await purge(table, { dryRun: true });
  assert.equal(drops, 0);
  assert.deepEqual(table.store.io.locations(), before);
  assert.deepEqual((await purge(table)).receipt, bill);
});

Deno.test("purgeTable() leaves files alone that the table does not refer to", async () => {
  const table = await busyTable();
  const strangers = [
    `${ROW_TABLE_LOCATION}/data/region=eu/of-nobody.parquet`,
    `${ROW_TABLE_LOCATION}/notes.txt`,
    "/warehouse/db/other/data/1.parquet",
  ];
  for (const path of strangers) await table.store.io.createIfAbsent(path, new Uint8Array([1]));
  await purge(table);
  assert.deepEqual(table.store.io.locations().toSorted(), strangers.toSorted());
});

Deno.test("purgeTable() keeps files that lie where the table does not write, and counts them", async () => {
  const table = await busyTable();
  const [imported, elsewhere] = ["/hive/old/1.parquet", "/bulk/rows/2.parquet"];
  const files = [imported, elsewhere].map((filePath) => ({
    ...claimedFile("x", ["eu"]),
    filePath,
  }));
  for (const path of [imported, elsewhere]) {
    await table.store.io.createIfAbsent(path, new Uint8Array([1]));
  }
  await table.commit(fastAppend({ files }));
  table.store.replace((metadata) => ({
    ...metadata,
    properties: { ...metadata.properties, "write.data.path": "/bulk" },
  }));
  const { receipt } = await purge(table);
  assert.deepEqual(receipt.kept_files, [{ reason: "outside_table", files: 1, bytes: 100 }]);
  assert.equal(receipt.deleted_data_files_count, 3);
  assert.deepEqual(table.store.io.locations(), [imported]);
});

Deno.test("purgeTable() counts a file once that several manifests list", async () => {
  const table = new RowTable();
  const files = ["a", "b"].map((name) => claimedFile(name, ["eu"]));
  for (const file of files) {
    await table.store.io.createIfAbsent(file.filePath, new Uint8Array([1]));
  }
  await table.commit(fastAppend({ files }));
  // Its manifest is written anew, with the other file in it as well.
  const gone = files[0]?.filePath ?? "";
  await table.commit(deleteFiles({ paths: [gone] }));
  const { receipt } = await purge(table);
  assert.equal(receipt.deleted_data_files_count, 2);
  assert.equal(receipt.deleted_manifest_files_count, 2);
  assert.deepEqual(table.store.io.locations(), []);
});

Deno.test("purgeTable() refuses a table whose files others may use", async () => {
  for (const text of ["FALSE", "no"]) {
    const table = await busyTable({ properties: { "gc.enabled": text } });
    const before = table.store.io.locations();
    for (const dryRun of [true, false]) {
      await rejectsWith(purge(table, { dryRun }), { kind: "conflict", code: "gc_disabled" });
    }
    assert.deepEqual(table.store.io.locations(), before);
  }
});

Deno.test("purgeTable() drops nothing where a file of the table cannot be read", async () => {
  const table = await busyTable();
  const manifest = table.store.io.locations().find((path) => path.endsWith("-m0.avro"));
  await table.store.io.delete(manifest ?? "");
  let drops = 0;
  const before = table.store.io.locations();
  await assert.rejects(purge(table, { drop: () => Promise.resolve(void drops++) }));
  assert.equal(drops, 0);
  assert.deepEqual(table.store.io.locations(), before);
});

Deno.test("purgeTable() deletes nothing where the table has changed and is not dropped", async () => {
  const table = await busyTable();
  const before = table.store.io.locations();
  const conflict = new AppError("conflict", "commit_conflict", "Cannot drop it");
  await rejectsWith(purge(table, { drop: () => Promise.reject(conflict) }), {
    kind: "conflict",
    code: "commit_conflict",
  });
  assert.deepEqual(table.store.io.locations(), before);
});

Deno.test("purgeTable() stops before the drop where its caller goes away, and not after it", async () => {
  const early = await busyTable();
  const before = early.store.io.locations();
  await assert.rejects(purge(early, { signal: AbortSignal.abort() }));
  assert.deepEqual(early.store.io.locations(), before);

  const late = await busyTable();
  const caller = new AbortController();
  const { receipt } = await purge(late, {
    signal: caller.signal,
    drop: () => Promise.resolve(caller.abort()),
  });
  assert.equal(receipt.deleted_data_files_count, 2);
  assert.deepEqual(late.store.io.locations(), []);
});

Deno.test("purgeTable() counts what cannot be deleted, and goes on with the rest", async () => {
  const table = await busyTable();
  // Two manifests list the file now; it is one file all the same.
  await table.commit(new RewriteManifests());
  const { io } = table.store;
  const stuck = io.locations().find((path) => path.includes("region=us")) ?? "";
  const remove = io.delete.bind(io);
  io.delete = (location) =>
    location === stuck
      ? Promise.reject(new AppError("forbidden", "denied", "Cannot delete it"))
      : remove(location);
  const { receipt: bill } = await purge(table, { dryRun: true });
  const { receipt } = await purge(table);
  assert.deepEqual(io.locations(), [stuck]);
  // What stays is not deleted, whatever the bill promised.
  assert.deepEqual(receipt, {
    ...bill,
    deleted_data_files_count: bill.deleted_data_files_count - 1,
    deleted_bytes_count: bill.deleted_bytes_count - BYTES_PER_ROW,
    failed_deletes_count: 1,
  });
});

Deno.test("purgeTable() says that the table is dropped where deleting its files breaks off", async () => {
  const table = await busyTable();
  const { io } = table.store;
  const drop = async () => {
    await io.delete(io.locations().find((path) => path.endsWith("-m0.avro")) ?? "");
  };
  const broken = await purge(table, { drop }).then(() => null, (error: unknown) => error);
  assert(broken instanceof AppError);
  assert.equal(broken.code, "purge_incomplete");
  assert.match(broken.message, /Cannot delete all files of table "db\.events", which is dropped/);
});

Deno.test("purgeTable() empties a table without snapshots", async () => {
  const table = new RowTable();
  const { receipt } = await purge(table);
  assert.equal(receipt.deleted_metadata_files_count, 1);
  assert.deepEqual(table.store.io.locations(), []);
});
