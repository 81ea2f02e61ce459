import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import {
  planManifestRewrite,
  RewriteManifests,
} from "../../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import type { FormatVersion } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import {
  dataFile,
  emptyMetadata,
  equalityDeletes,
  isManifest,
  shortName,
  TestTable,
} from "./_table.ts";

const REGIONS = ["us", "eu", "ap", null];

/** Appends one file a region, `times` times over. */
async function scattered(
  formatVersion: FormatVersion,
  times: number,
  properties: Record<string, string> = {},
): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion, { properties }));
  for (let i = 0; i < times; i++) {
    const files = REGIONS.map((region) => dataFile(`${region}-${i}`, { partition: [region] }));
    await table.run(fastAppend({ files }));
  }
  return table;
}

function plan(table: TestTable) {
  const { io, metadata, head: snapshot } = table;
  return table.load().then((loaded) =>
    planManifestRewrite({ table: loaded, manifests: manifestSource(io, metadata), snapshot })
  );
}

for (const formatVersion of [1, 2, 3] as const) {
  Deno.test(`RewriteManifests sorts entries of a v${formatVersion} table by partition, and no second time`, async () => {
    const table = await scattered(formatVersion, 5);
    const before = await table.live();
    const bill = await plan(table);
    const action = new RewriteManifests();
    await table.run(action);
    assert.deepEqual(action.result, { rewrittenManifestsCount: 5, addedManifestsCount: 1 });
    assert.deepEqual(action.result, bill);
    const after = await table.live();
    const byPath = (files: typeof before) =>
      files.map(({ entry }) => ({ ...entry, status: "existing" }))
        .sort((a, b) => a.dataFile.filePath < b.dataFile.filePath ? -1 : 1);
    assert.deepEqual(byPath(after), byPath(before));
    assert.deepEqual(
      after.map(({ entry }) => entry.dataFile.partition[0]),
      [null, "ap", "eu", "us"].flatMap((region) => Array.from({ length: 5 }, () => region)),
    );
    assert(after.every(({ entry }) => entry.status === "existing"));
    const { head } = table;
    assert.equal(head.summary["operation"], "replace");
    assert.equal(head.summary["manifests-created"], "1");
    assert.equal(head.summary["manifests-replaced"], "5");
    assert.equal(head.summary["manifests-kept"], "0");
    assert.equal(head.summary["entries-processed"], "20");
    assert.equal(head.summary["total-data-files"], "20");
    const again = new RewriteManifests();
    await table.run(again);
    assert.deepEqual(again.result, { rewrittenManifestsCount: 0, addedManifestsCount: 0 });
    assert.equal(again.snapshot, null);
    assert.equal(table.head, head);
  });
}

Deno.test("RewriteManifests splits by the target size, evenly, whatever fits into memory", async () => {
  const properties = { "commit.manifest.target-size-bytes": "2500" };
  const table = new TestTable(emptyMetadata(2, { properties }));
  const regions = Array.from({ length: 60 }, (_, i) => `r${String(i * 7 % 60).padStart(2, "0")}`);
  for (let i = 0; i < 4; i++) {
    const files = regions.map((region) => dataFile(`${region}-${i}`, { partition: [region] }));
    await table.run(fastAppend({ files }));
  }
  const names = await table.names();
  const bill = await plan(table);
  const action = new RewriteManifests({ maxBufferedBytes: 1 });
  await table.run(action);
  assert.deepEqual(action.result, bill);
  assert(bill.addedManifestsCount > 1, `${bill.addedManifestsCount}`);
  assert.deepEqual(await table.names(), names);
  const manifests = await table.manifests();
  assert.equal(manifests.length, bill.addedManifestsCount);
  const counts = manifests.map((manifest) => manifest.existingFilesCount ?? 0);
  assert(Math.max(...counts) - Math.min(...counts.slice(0, -1)) === 0, `${counts}`);
  const order = (await table.live()).map(({ entry }) => entry.dataFile.partition[0]);
  assert.deepEqual(order, order.toSorted());
  assert.deepEqual(await plan(table), { rewrittenManifestsCount: 0, addedManifestsCount: 0 });
});

Deno.test("RewriteManifests leaves manifests of other specs alone", async () => {
  const table = await scattered(2, 2);
  const other = [1, 2].map((i) => dataFile(`other-${i}`, { specId: 1, partition: [] }));
  for (const file of other) await table.run(fastAppend({ files: [file] }));
  const action = new RewriteManifests();
  await table.run(action);
  assert.deepEqual(action.result, { rewrittenManifestsCount: 2, addedManifestsCount: 1 });
  assert.deepEqual((await table.manifests()).map((one) => one.partitionSpecId), [0, 1, 1]);
  const byId = new RewriteManifests({ specId: 1 });
  await table.run(byId);
  assert.deepEqual(byId.result, { rewrittenManifestsCount: 2, addedManifestsCount: 1 });
  assert.equal((await table.names()).length, 10);
});

Deno.test("RewriteManifests merges delete manifests, too, and keeps what they apply to", async () => {
  const table = await scattered(2, 2);
  for (const name of ["x", "y", "z"]) {
    await table.run(rowDelta({ deletes: [equalityDeletes(name)] }));
  }
  const before = await table.plan();
  const action = new RewriteManifests();
  await table.run(action);
  assert.deepEqual(action.result, { rewrittenManifestsCount: 5, addedManifestsCount: 2 });
  assert.deepEqual((await table.manifests()).map((one) => one.content), ["data", "deletes"]);
  assert.deepEqual(await table.plan(), before);
});

Deno.test("RewriteManifests drops manifests in which nothing lives, and history of removals", async () => {
  const table = await scattered(2, 2);
  const gone = REGIONS.map((region) => `${region}-0`);
  await table.run(
    deleteFiles({ paths: gone.map((name) => dataFile(name).filePath) }),
  );
  const dead = (await table.manifests()).filter((one) =>
    one.existingFilesCount === 0 && one.addedFilesCount === 0
  );
  assert.equal(dead.length, 1);
  const action = new RewriteManifests();
  await table.run(action);
  assert.deepEqual(action.result, { rewrittenManifestsCount: 2, addedManifestsCount: 1 });
  assert.deepEqual((await table.entries()).map((entry) => entry.status), Array(4).fill("existing"));
});

Deno.test("RewriteManifests writes nothing anew where an append came first", async () => {
  const table = await scattered(2, 3);
  const action = new RewriteManifests();
  const first = table.attempt();
  await action.apply(first);
  await table.run(fastAppend({ files: [dataFile("late")] }));
  const uploads = table.io.countUploads(isManifest);
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.equal(table.io.countUploads(isManifest), uploads);
  assert.deepEqual(action.result, { rewrittenManifestsCount: 3, addedManifestsCount: 1 });
  assert.equal((await table.manifests()).length, 2);
  assert.equal((await table.names()).length, 13);
});

Deno.test("RewriteManifests starts over where a manifest has gone, and clears up behind itself", async () => {
  const table = await scattered(2, 3);
  const action = new RewriteManifests();
  const first = table.attempt();
  await action.apply(first);
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("eu-1") }] }));
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.equal((await table.names()).length, 11);
  assert(!(await table.names()).includes("eu-1"));
  const own = (await table.files()).filter((location) => location.includes(first.operationId));
  const [manifest] = await table.manifests();
  assert.deepEqual(own, [manifest?.manifestPath, table.head.manifestList].sort());
});

Deno.test("RewriteManifests keeps row ids, also of files that were never given any", async () => {
  const table = await scattered(2, 2);
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 0n });
  await table.run(fastAppend({ files: [dataFile("new")] }));
  const ids = async () =>
    new Map((await table.live()).map(({ entry: { dataFile: file } }) => [
      shortName(file),
      file.firstRowId,
    ]));
  const before = await ids();
  assert(![...before.values()].includes(null));
  await table.run(new RewriteManifests());
  assert.deepEqual(await ids(), before);
});
