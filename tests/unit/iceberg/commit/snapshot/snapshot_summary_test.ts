import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { VERSION } from "../../../../../lib/version.ts";
import {
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  TestTable,
} from "./_table.ts";

Deno.test("the summary of an append counts as the Java implementation does", async () => {
  const table = new TestTable(emptyMetadata(2));
  const files = [dataFile("a"), dataFile("b", { partition: ["us"] })];
  const action = mergeAppend({ files, properties: { "pipeline.offset": "7" } });
  await table.run(action, table.attempt({ operationId: "the-operation" }));
  assert.deepEqual(table.head.summary, {
    "operation": "append",
    "pipeline.offset": "7",
    "added-data-files": "2",
    "added-records": "20",
    "added-files-size": "200",
    "changed-partition-count": "2",
    "manifests-created": "1",
    "manifests-kept": "0",
    "manifests-replaced": "0",
    "total-records": "20",
    "total-files-size": "200",
    "total-data-files": "2",
    "total-delete-files": "0",
    "total-position-deletes": "0",
    "total-equality-deletes": "0",
    "engine-name": "drls",
    "engine-version": VERSION,
    "drls.operation-id": "the-operation",
  });
});

Deno.test("the summary of a row delta counts deletes by their kind, and goes on from the parent", async () => {
  const table = new TestTable(emptyMetadata(2));
  await table.run(mergeAppend({ files: [dataFile("a"), dataFile("b")] }));
  await table.run(
    rowDelta({
      rows: [dataFile("c")],
      deletes: [positionDeletes("pos", dataFile("a")), equalityDeletes("eq")],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  const { summary } = table.head;
  const counted = Object.fromEntries(
    Object.entries(summary).filter(([name]) => /^(added|removed|deleted|total)-/.test(name)),
  );
  assert.deepEqual(counted, {
    "added-data-files": "1",
    "added-delete-files": "2",
    "added-equality-delete-files": "1",
    "added-equality-deletes": "2",
    "added-files-size": "116",
    "added-position-delete-files": "1",
    "added-position-deletes": "1",
    "added-records": "10",
    "total-data-files": "3",
    "total-delete-files": "2",
    "total-equality-deletes": "2",
    "total-files-size": "316",
    "total-position-deletes": "1",
    "total-records": "30",
  });
});

Deno.test("the summary counts a deletion vector by its blob, not by the Puffin file", async () => {
  const table = new TestTable(emptyMetadata(3));
  const [a, b] = [dataFile("a"), dataFile("b")];
  await table.run(mergeAppend({ files: [a, b] }));
  const deletes = [deletionVector("v", a, 4), deletionVector("v", b, 54)];
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  const { summary } = table.head;
  assert.equal(summary["added-dvs"], "2");
  assert.equal(summary["added-delete-files"], "2");
  assert.equal(summary["added-position-delete-files"], undefined);
  assert.equal(summary["added-files-size"], "100");
  assert.equal(summary["total-files-size"], "300");
});

Deno.test("the summary sums up partitions as long as there are not too many", async () => {
  const properties = { "write.summary.partition-limit": "2" };
  const table = new TestTable(emptyMetadata(2, { properties }));
  const inRegion = (region: string | null) => dataFile(`in-${region}`, { partition: [region] });
  await table.run(mergeAppend({ files: [inRegion("a/b c"), inRegion(null)] }));
  const { summary } = table.head;
  assert.equal(summary["partition-summaries-included"], "true");
  const one = "added-data-files=1,added-records=10,added-files-size=100";
  assert.equal(summary["partitions.region=a%2Fb+c"], one);
  assert.equal(summary["partitions.region=null"], one);
  await table.run(mergeAppend({ files: ["x", "y", "z"].map(inRegion) }));
  const names = Object.keys(table.head.summary);
  assert.equal(table.head.summary["changed-partition-count"], "3");
  assert(!names.some((name) => name.startsWith("partition")), `${names}`);
});

Deno.test("totals stay away where the parent has none, or a wrong one", async () => {
  const table = new TestTable(emptyMetadata(2));
  await table.run(mergeAppend({ files: [dataFile("a"), dataFile("b")] }));
  const { metadata, head } = table;
  const { "total-records": _, ...rest } = head.summary;
  const summary = { ...rest, "total-data-files": "0", "total-files-size": "many" };
  table.replace({ ...metadata, snapshots: [{ ...head, summary }] });
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("a") }] }));
  const totals = Object.entries(table.head.summary).filter(([name]) => name.startsWith("total-"));
  assert.deepEqual(Object.fromEntries(totals), {
    "total-delete-files": "0",
    "total-position-deletes": "0",
    "total-equality-deletes": "0",
  });
});

Deno.test("a caller's property may not say what the commit itself says", () => {
  const own = ["operation", "removed-dvs", "engine-name", "drls.operation-id", "partitions.p=1"];
  for (const name of own) {
    assert.throws(() => mergeAppend({ files: [dataFile("a")], properties: { [name]: "x" } }), {
      kind: "invalid",
      code: "snapshot_property_reserved",
    });
  }
});

Deno.test("a table property that is no count is refused by name", async () => {
  for (const text of ["", "ten", "-1", "1.5"]) {
    const properties = { "commit.manifest.target-size-bytes": text };
    const table = new TestTable(emptyMetadata(2, { properties }));
    const action = mergeAppend({ files: [dataFile("a")] });
    await assert.rejects(table.run(action), {
      code: "table_property_invalid",
      message: /commit\.manifest\.target-size-bytes/,
    });
  }
});
