import assert from "node:assert/strict";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import {
  rewriteFiles,
  type RewriteOptions,
} from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import {
  dataFile,
  emptyMetadata,
  equalityDeletes,
  SCHEMA,
  shortName,
  TestTable,
} from "./_table.ts";

const A = dataFile("a");
const B = dataFile("b", { partition: ["us"] });

/** File a in region eu, b in us. */
async function twoFiles(): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(2));
  await table.run(mergeAppend({ files: [A, B] }));
  return table;
}

/** The compaction of b in its place, and of a into the spec without fields; both keep their age. */
function compaction({ head }: TestTable): RewriteOptions {
  return {
    replaced: [{ dataFile: B }],
    added: [dataFile("b2", { partition: ["us"] })],
    moved: {
      replaced: [{ dataFile: A }],
      added: [dataFile("a2", { specId: 1, partition: [] })],
    },
    startingSnapshotId: head.snapshotId,
    dataSequenceNumber: head.sequenceNumber,
  };
}

/** Files that are named in the refusal of a rewrite, with the deletes that came for each. */
async function refused(table: TestTable, options: RewriteOptions): Promise<unknown> {
  const before = await table.files();
  let context: unknown;
  await assert.rejects(table.run(rewriteFiles(options)), (error) => {
    assert(error instanceof Error && "code" in error && "context" in error);
    assert.equal(error.code, "rewrite_conflict");
    context = error.context;
    return true;
  });
  assert.deepEqual(await table.files(), before, "a refused rewrite leaves nothing behind");
  return context;
}

Deno.test("rewriteFiles() refuses equality deletes of a partition that rows move out of", async () => {
  const table = await twoFiles();
  const late = compaction(table);
  const [eu, us] = [equalityDeletes("eu"), equalityDeletes("us", { partition: ["us"] })];
  await table.run(rowDelta({ deletes: [eu, us] }));
  assert.deepEqual(await refused(table, late), {
    conflicts: [{ filePath: A.filePath, reason: "deleted", deletes: [eu.filePath] }],
  });
});

Deno.test("rewriteFiles() makes rows that move younger than deletes of where they move to", async () => {
  const table = await twoFiles();
  const action = rewriteFiles(compaction(table));
  const start = table.head.sequenceNumber;
  await table.run(rowDelta({ deletes: [equalityDeletes("us", { partition: ["us"] })] }));
  await table.run(action);
  assert.deepEqual(await table.plan(), { "a2": [], "b2": ["us"] });
  const ages = (await table.live()).filter(({ entry }) => entry.dataFile.content === "data")
    .map(({ entry }) => `${shortName(entry.dataFile)} ${entry.sequenceNumber}`);
  assert.deepEqual(ages.sort(), [`a2 ${table.head.sequenceNumber}`, `b2 ${start}`]);
});

Deno.test("rewriteFiles() takes no files of another spec for rows that stay where they are", async () => {
  const { moved, ...options } = compaction(await twoFiles());
  assert.throws(() => rewriteFiles({ ...options, ...moved }), {
    name: "TypeError",
    message: /rows that move to partition spec 1: name their files as moved$/,
  });
});

Deno.test("rewriteFiles() refuses deletes by a column that rewritten files have no more", async () => {
  const table = await twoFiles();
  const [, region] = SCHEMA.fields;
  assert(region !== undefined);
  const schema = new Schema({ schemaId: 1, identifierFieldIds: [], fields: [region] });
  table.replace({ ...table.metadata, schemas: [SCHEMA, schema], currentSchemaId: 1 });
  const { moved: _, ...late } = compaction(table);
  const byId = equalityDeletes("by-id", { partition: ["us"] });
  await table.run(rowDelta({ deletes: [byId] }));
  assert.deepEqual(await refused(table, late), {
    conflicts: [{ filePath: B.filePath, reason: "deleted", deletes: [byId.filePath] }],
  });
});
