import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rewriteFiles } from "../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { RewriteManifests } from "../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { ref } from "../../../support/commit_fixture.ts";
import { claimedFile, RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall } from "./_compaction.ts";
import { LIVE, OLD, orphans, run, usedTable } from "./_expire.ts";

Deno.test("expire() drops old snapshots and exactly the files that only they used", async () => {
  const table = await usedTable();
  const receipt = await run(table, OLD);
  const { snapshots } = table.store.table.metadata;
  assert.equal(snapshots.length, 1);
  assert.deepEqual(await table.rows(), LIVE);
  assert.deepEqual(await orphans(table), []);
  assert.equal(receipt.expired_snapshots_count, 9);
  assert.equal(receipt.expired_snapshot_ids.length, 9);
  assert.equal(receipt.retained_snapshots_count, 1);
  assert.equal(receipt.deleted_data_files_count, 6);
  assert.equal(receipt.deleted_position_delete_files_count, 1);
  // It went on applying to nothing, but nothing has taken it out of the table.
  assert.equal(receipt.deleted_equality_delete_files_count, 0);
  assert.equal(receipt.deleted_manifest_lists_count, 9);
  assert.equal(receipt.failed_deletes_count, 0);
  assert.deepEqual(receipt.held_back, [
    { held_by: "main", type: "branch", reason: "min_snapshots_to_keep", snapshots: 1 },
  ]);
});

Deno.test("expire() in a dry run gives the same bill, to the byte, and changes nothing", async () => {
  const table = await usedTable();
  const before = table.store.io.locations();
  const versions = table.store.history.length;
  const bill = await run(table, { ...OLD, dryRun: true });
  assert.deepEqual(table.store.io.locations(), before);
  assert.equal(table.store.history.length, versions);
  const sizes = new Map<string, number>();
  for await (const stat of table.store.io.listRecursive("/warehouse")) {
    sizes.set(stat.location, stat.sizeBytes);
  }
  const receipt = await run(table, OLD);
  assert.deepEqual(receipt, bill);
  // Data files and deletes count by the size that the table records, all others by their own.
  const left = new Set(table.store.io.locations());
  const gone = before.filter((location) => !left.has(location));
  const metadataBytes = gone.filter((location) => location.includes("/metadata/"))
    .reduce((sum, location) => sum + (sizes.get(location) ?? NaN), 0);
  assert.equal(receipt.deleted_bytes_count, metadataBytes + 12 * 100 + 50);
});

Deno.test("expire() does nothing, and says what holds, where nothing is old enough", async () => {
  const table = await usedTable();
  const versions = table.store.history.length;
  const receipt = await run(table);
  assert.equal(table.store.history.length, versions);
  assert.equal(receipt.expired_snapshots_count, 0);
  assert.equal(receipt.retained_snapshots_count, 10);
  assert.deepEqual(receipt.held_back, []);
});

Deno.test("expire() goes by the table's own properties where a request says nothing", async () => {
  const properties = {
    "history.expire.max-snapshot-age-ms": "1",
    "history.expire.min-snapshots-to-keep": "4",
  };
  const table = await usedTable({ properties });
  table.runtime.advance(10);
  const receipt = await run(table);
  assert.equal(receipt.retained_snapshots_count, 4);
  assert.deepEqual(receipt.held_back.map(({ snapshots }) => snapshots), [4]);
  assert.equal((await run(table, { retainLast: 2 })).retained_snapshots_count, 2);
});

Deno.test("expire() keeps what branches and tags need, file by file", async () => {
  const table = await usedTable();
  const { snapshots } = table.store.table.metadata;
  const pinned = snapshots[2];
  const branch = snapshots[6];
  assert(pinned !== undefined && branch !== undefined);
  table.store.replace((metadata) => ({
    ...metadata,
    refs: new Map([
      ...metadata.refs,
      ["pipeline-7", ref("pipeline-7", pinned.snapshotId, { type: "tag" })],
      ["audit", ref("audit", branch.snapshotId, { minSnapshotsToKeep: 2 })],
    ]),
  }));
  const pinnedRows = await table.rows(pinned);
  const branchRows = await table.rows(branch);
  const receipt = await run(table, OLD);
  assert.equal(receipt.retained_snapshots_count, 4);
  assert.deepEqual(await table.rows(pinned), pinnedRows);
  assert.deepEqual(await table.rows(branch), branchRows);
  assert.deepEqual(await table.rows(), LIVE);
  assert.deepEqual(await orphans(table), []);
  assert.deepEqual(receipt.held_back.map(({ held_by, reason }) => [held_by, reason]), [
    ["main", "min_snapshots_to_keep"],
    ["audit", "min_snapshots_to_keep"],
    ["pipeline-7", "tag"],
  ]);
});

Deno.test("iceberg #9504, #18000, #5846: a snapshot that a pipeline has tagged outlives expiry", async () => {
  const table = await usedTable();
  const [first] = table.store.table.metadata.snapshots;
  assert(first !== undefined);
  const id = first.snapshotId;
  table.store.replace((metadata) => ({
    ...metadata,
    refs: new Map([...metadata.refs, [
      "drls.pipeline.p1",
      ref("drls.pipeline.p1", id, { type: "tag" }),
    ]]),
  }));
  await run(table, OLD);
  assert.deepEqual(await table.rows(first), [0, 1]);
  await assert.rejects(run(table, { snapshotIds: [String(id)] }), { code: "snapshot_referenced" });
});

Deno.test("expire() lets named snapshots go, and no others that are young", async () => {
  const table = await usedTable();
  const ids = table.store.table.metadata.snapshots.slice(0, 2).map((one) => String(one.snapshotId));
  const receipt = await run(table, { snapshotIds: ids, retainLast: 100 });
  assert.deepEqual(receipt.expired_snapshot_ids, ids);
  assert.deepEqual(await table.rows(), LIVE);
  assert.deepEqual(await orphans(table), []);
});

Deno.test("expire() refuses ids that the table does not have, each by its place", async () => {
  const table = await usedTable();
  const known = String(table.store.table.metadata.snapshots[0]?.snapshotId);
  const running = run(table, { snapshotIds: [known, "4711", "12"] });
  await assert.rejects(running, (error) => {
    assert(error instanceof AppError);
    assert.equal(error.code, "snapshot_not_found");
    assert.deepEqual(error.issues.map(({ path }) => path), ["snapshot_ids.1", "snapshot_ids.2"]);
    return true;
  });
});

Deno.test("expire() drops unused schemas and specs on demand", async () => {
  const table = await usedTable();
  table.store.replace((metadata) => ({
    ...metadata,
    partitionSpecs: [...metadata.partitionSpecs, { specId: 1, fields: [] }],
  }));
  assert.equal((await run(table, OLD)).removed_partition_specs_count, 0);
  const bill = await run(table, { ...OLD, cleanExpiredMetadata: true, dryRun: true });
  assert.equal(bill.removed_partition_specs_count, 1);
  assert.deepEqual(await run(table, { ...OLD, cleanExpiredMetadata: true }), bill);
  assert.deepEqual(table.store.table.metadata.partitionSpecs.map(({ specId }) => specId), [0]);
  assert.deepEqual(await table.rows(), LIVE);
});

// What an old schema alone knows may still be the value of a partition, or a key of deletes.
Deno.test("expire() keeps schemas that live files need, so that no row is lost or comes back", async () => {
  const table = new RowTable();
  await table.append([1, 2], "eu");
  await table.append([1, 3], "us");
  await table.deleteEqual([1], "eu");
  const [id] = table.store.table.metadata.schemas[0]?.fields ?? [];
  assert(id !== undefined);
  const withoutRegion = new Schema({ schemaId: 1, fields: [id], identifierFieldIds: [] });
  table.store.replace((metadata) => ({
    ...metadata,
    schemas: [...metadata.schemas, withoutRegion],
    currentSchemaId: 1,
    partitionSpecs: [...metadata.partitionSpecs, { specId: 1, fields: [] }],
    defaultSpecId: 1,
  }));
  await table.commit(mergeAppend({ files: [] }));
  const receipt = await run(table, { ...OLD, cleanExpiredMetadata: true });
  assert.equal(receipt.retained_snapshots_count, 1);
  await table.commit(new RewriteManifests({ specId: 0 }));
  await table.deleteEqual([9], "eu");
  assert.deepEqual(await table.rows(), [1, 2, 3]);
});

Deno.test("expire() counts metadata files that the table wants deleted, dry or not", async () => {
  const properties = {
    "write.metadata.previous-versions-max": "3",
    "write.metadata.delete-after-commit.enabled": "true",
  };
  const table = new RowTable({ properties });
  await appendSmall(table, 5);
  const bill = await run(table, { ...OLD, dryRun: true });
  assert.equal(bill.deleted_metadata_files_count, 1);
  assert.deepEqual(await run(table, OLD), bill);
});

Deno.test("expire() bills no metadata files where the catalog looks after them", async () => {
  const properties = {
    "write.metadata.previous-versions-max": "3",
    "write.metadata.delete-after-commit.enabled": "true",
  };
  const table = new RowTable({ properties });
  await appendSmall(table, 5);
  const store: TableStore = {
    keepsMetadataFiles: true,
    load: (signal) => table.store.load(signal),
    commit: (base, change, options) => table.store.commit(base, change, options),
  };
  const bill = await run(table, { ...OLD, store, dryRun: true });
  assert.equal(bill.deleted_metadata_files_count, 0);
  assert.deepEqual(await run(table, { ...OLD, store }), bill);
});

Deno.test("expire() deletes statistics of what expired and keeps the others'", async () => {
  const table = await usedTable();
  const { snapshots } = table.store.table.metadata;
  const file = (name: string) => `/warehouse/db/rows/metadata/${name}.stats`;
  for (const name of ["old", "new"]) await table.store.io.put(file(name), new Uint8Array(9));
  table.store.replace((metadata) => ({
    ...metadata,
    partitionStatistics: [
      {
        snapshotId: snapshots[0]?.snapshotId ?? 0n,
        statisticsPath: file("old"),
        fileSizeInBytes: 9,
      },
      {
        snapshotId: snapshots[9]?.snapshotId ?? 0n,
        statisticsPath: file("new"),
        fileSizeInBytes: 9,
      },
    ],
  }));
  const receipt = await run(table, OLD);
  assert.equal(receipt.deleted_statistics_files_count, 1);
  const left = table.store.io.locations().filter((location) => location.endsWith(".stats"));
  assert.deepEqual(left, [file("new")]);
});

Deno.test("expire() takes s3a for s3: a file that stays under another name is not deleted", async () => {
  const table = new RowTable();
  const object = "s3://bucket/f.parquet";
  await table.store.io.put(object, new Uint8Array(3));
  const spark = { ...claimedFile("f", ["eu"]), filePath: "s3a://bucket/f.parquet" };
  await table.commit(fastAppend({ files: [spark] }));
  await table.commit(rewriteFiles({
    replaced: [{ dataFile: spark }],
    added: [{ ...spark, filePath: object }],
    startingSnapshotId: table.state.snapshot.snapshotId,
  }));
  const receipt = await run(table, OLD);
  assert.equal(receipt.expired_snapshots_count, 1);
  assert.equal(receipt.deleted_data_files_count, 0);
  assert(table.store.io.locations().includes(object));
});

Deno.test("expire() refuses tables whose files others may use, or that may only be read", async () => {
  const shared = await usedTable({ properties: { "gc.enabled": "false" } });
  await assert.rejects(run(shared, OLD), { code: "gc_disabled" });
  const encrypted = new RowTable({ properties: { "encryption.key-id": "k" } });
  await assert.rejects(run(encrypted, OLD), { code: "table_encrypted" });
  const table = await usedTable();
  const readOnly: TableStore = {
    load: () => Promise.resolve({ ...table.store.table, readOnly: "it was copied here" }),
    commit: () => Promise.reject(new TypeError("It may only be read")),
  };
  await assert.rejects(run(table, { ...OLD, store: readOnly }), { code: "table_read_only" });
});
