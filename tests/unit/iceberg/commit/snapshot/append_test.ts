import assert from "node:assert/strict";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { dataFile, emptyMetadata, isManifest, isManifestList, TestTable } from "./_table.ts";

for (const formatVersion of [1, 2, 3] as const) {
  Deno.test(`fastAppend() makes a first and a second snapshot of a v${formatVersion} table`, async () => {
    const table = new TestTable(emptyMetadata(formatVersion));
    await table.run(fastAppend({ files: [dataFile("a"), dataFile("b")] }));
    const first = table.head;
    await table.run(fastAppend({ files: [dataFile("c", { partition: ["us"] })] }));
    const second = table.head;
    assert.deepEqual(await table.names(first), ["a", "b"]);
    assert.deepEqual(await table.names(second), ["a", "b", "c"]);
    assert.equal(second.parentSnapshotId, first.snapshotId);
    const numbers = formatVersion === 1 ? [0n, 0n] : [1n, 2n];
    assert.deepEqual([first.sequenceNumber, second.sequenceNumber], numbers);
    const entries = await table.entries();
    assert.deepEqual(
      entries.map(({ status, sequenceNumber, fileSequenceNumber, snapshotId }) => ({
        status,
        sequenceNumber,
        fileSequenceNumber,
        snapshotId,
      })),
      [second, first, first].map((snapshot) => ({
        status: "added",
        sequenceNumber: snapshot.sequenceNumber,
        fileSequenceNumber: snapshot.sequenceNumber,
        snapshotId: snapshot.snapshotId,
      })),
    );
    assert.equal(table.io.countUploads(isManifest), 2);
    assert.equal(table.io.countUploads(isManifestList), 2);
  });
}

Deno.test("fastAppend() gives v3 rows consecutive ids", async () => {
  const table = new TestTable(emptyMetadata(3));
  await table.run(fastAppend({ files: [dataFile("a"), dataFile("b", { recordCount: 5 })] }));
  assert.deepEqual([table.head.firstRowId, table.head.addedRows], [0n, 15n]);
  await table.run(fastAppend({ files: [dataFile("c", { firstRowId: 7n })] }));
  assert.deepEqual([table.head.firstRowId, table.head.addedRows], [15n, 10n]);
  assert.equal(table.metadata.nextRowId, 25n);
  const ids = (await table.live()).map(({ entry }) => entry.dataFile.firstRowId);
  assert.deepEqual(ids, [15n, 0n, 10n]);
});

Deno.test("mergeAppend() merges once there are enough small manifests", async () => {
  const properties = { "commit.manifest.min-count-to-merge": "3" };
  const table = new TestTable(emptyMetadata(2, { properties }));
  for (const name of ["a", "b", "c", "d"]) {
    await table.run(mergeAppend({ files: [dataFile(name)] }));
  }
  assert.deepEqual(await table.names(), ["a", "b", "c", "d"]);
  assert.equal((await table.manifests()).length, 2);
});
