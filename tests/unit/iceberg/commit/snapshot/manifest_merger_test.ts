import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { FormatVersion } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { dataFile, emptyMetadata, equalityDeletes, shortName, TestTable } from "./_table.ts";

function emptyTable(formatVersion: FormatVersion, properties: Record<string, string>): TestTable {
  return new TestTable(emptyMetadata(formatVersion, { properties }));
}

async function fastAppends(table: TestTable, ...names: string[]): Promise<void> {
  for (const name of names) await table.run(fastAppend({ files: [dataFile(name)] }));
}

/** Files of each manifest, in order. */
async function layout(table: TestTable): Promise<string[][]> {
  const files = Map.groupBy(await table.live(), ({ manifest }) => manifest.manifestPath);
  return (await table.manifests()).map((manifest) =>
    (files.get(manifest.manifestPath) ?? []).map(({ entry }) => shortName(entry.dataFile))
  );
}

Deno.test("mergeAppend() merges the new manifest only among enough others", async () => {
  const table = emptyTable(2, { "commit.manifest.min-count-to-merge": "4" });
  await fastAppends(table, "a", "b");
  await table.run(mergeAppend({ files: [dataFile("c")] }));
  assert.deepEqual(await layout(table), [["c"], ["b"], ["a"]]);
  await table.run(mergeAppend({ files: [dataFile("d")] }));
  assert.deepEqual(await layout(table), [["d", "c", "b", "a"]]);
  const { summary } = table.head;
  assert.deepEqual(
    ["created", "kept", "replaced"].map((what) => summary[`manifests-${what}`]),
    ["1", "0", "3"],
  );
});

Deno.test("mergeAppend() waits for a hundred manifests unless the table says otherwise", async () => {
  const table = emptyTable(2, {});
  await fastAppends(table, ...Array.from({ length: 98 }, (_, i) => `f${i}`));
  await table.run(mergeAppend({ files: [dataFile("f98")] }));
  assert.equal((await table.manifests()).length, 99);
  await table.run(mergeAppend({ files: [dataFile("f99")] }));
  assert.equal((await table.manifests()).length, 1);
  assert.equal((await table.names()).length, 100);
});

Deno.test("mergeAppend() merges nothing where that is switched off", async () => {
  const table = emptyTable(2, {
    "commit.manifest.min-count-to-merge": "2",
    "commit.manifest-merge.enabled": "false",
  });
  for (const name of ["a", "b", "c"]) await table.run(mergeAppend({ files: [dataFile(name)] }));
  assert.deepEqual(await layout(table), [["c"], ["b"], ["a"]]);
});

Deno.test("mergeAppend() fills bins from the end, so that the newest one is left under-filled", async () => {
  const table = emptyTable(2, {});
  await fastAppends(table, "a", "b", "c", "d");
  const [one] = await table.manifests();
  assert(one !== undefined);
  // Room for two manifests and a half.
  const target = String(Math.floor(one.manifestLength * 2.5));
  const properties = {
    "commit.manifest.target-size-bytes": target,
    "commit.manifest.min-count-to-merge": "3",
  };
  table.replace({ ...table.metadata, properties });
  await table.run(mergeAppend({ files: [dataFile("e")] }));
  // The bin with the new manifest has too few; the older ones are merged whatever their number.
  assert.deepEqual(await layout(table), [["e"], ["d", "c"], ["b", "a"]]);
});

Deno.test("mergeAppend() merges manifests of each partition spec by itself", async () => {
  const table = emptyTable(2, { "commit.manifest.min-count-to-merge": "2" });
  for (const name of ["a", "b"]) {
    await table.run(fastAppend({ files: [dataFile(name, { specId: 1, partition: [] })] }));
  }
  await fastAppends(table, "x", "y");
  await table.run(mergeAppend({ files: [dataFile("new")] }));
  assert.deepEqual(await layout(table), [["b", "a"], ["new", "y", "x"]]);
});

Deno.test("merging drops removals by older snapshots, and keeps those by its own", async () => {
  const table = emptyTable(2, {
    "commit.manifest.min-count-to-merge": "2",
    "commit.manifest-merge.enabled": "false",
  });
  await table.run(mergeAppend({ files: ["a", "b", "c"].map((name) => dataFile(name)) }));
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("a") }] }));
  assert((await table.entries()).some((entry) => entry.status === "deleted"));
  const properties = { "commit.manifest.min-count-to-merge": "2" };
  table.replace({ ...table.metadata, properties });
  const start = table.head;
  await table.run(
    rewriteFiles({
      replaced: [{ dataFile: dataFile("b") }],
      added: [dataFile("b2")],
      startingSnapshotId: start.snapshotId,
    }),
  );
  const { snapshotId } = table.head;
  assert.deepEqual(
    (await table.entries()).map((entry) => [
      shortName(entry.dataFile),
      entry.status,
      entry.snapshotId === snapshotId,
      entry.sequenceNumber,
    ]),
    [["b2", "added", true, 3n], ["b", "deleted", true, 1n], ["c", "existing", false, 1n]],
  );
});

Deno.test("merging forgets removals that older snapshots have made", async () => {
  const table = emptyTable(2, { "commit.manifest.min-count-to-merge": "2" });
  await table.run(mergeAppend({ files: [dataFile("a"), dataFile("b")] }));
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("a") }] }));
  assert.deepEqual((await table.entries()).map((one) => one.status), ["deleted", "existing"]);
  await table.run(mergeAppend({ files: [dataFile("c")] }));
  assert.deepEqual(await layout(table), [["c", "b"]]);
  assert.deepEqual((await table.entries()).map((one) => one.status), ["added", "existing"]);
});

Deno.test("merging keeps numbers and row ids of every file, through removal and append", async () => {
  for (const formatVersion of [1, 2, 3] as const) {
    const table = emptyTable(formatVersion, { "commit.manifest.min-count-to-merge": "2" });
    const known = new Map<string, unknown>();
    const check = async () => {
      for (const { entry } of await table.live()) {
        const { sequenceNumber, fileSequenceNumber, snapshotId, dataFile: file } = entry;
        const { firstRowId } = file;
        const facts = { sequenceNumber, fileSequenceNumber, snapshotId, firstRowId };
        const before = known.get(file.filePath);
        if (before === undefined) known.set(file.filePath, facts);
        else assert.deepEqual(facts, before);
        if (formatVersion === 3) assert(firstRowId !== null);
      }
    };
    for (let i = 0; i < 6; i++) {
      await table.run(mergeAppend({ files: [dataFile(`x${i}`), dataFile(`y${i}`)] }));
      await check();
      // Rewrites a manifest, and merges it, still uncommitted, with the others.
      const startingSnapshotId = table.head.snapshotId;
      const replaced = [{ dataFile: dataFile(`x${i}`) }];
      await table.run(rewriteFiles({ replaced, added: [dataFile(`z${i}`)], startingSnapshotId }));
      await check();
    }
    assert.equal((await table.manifests()).length, 1);
    assert.equal((await table.names()).length, 12);
  }
});

Deno.test("merging gives row ids to files of before the upgrade once, and for good", async () => {
  const table = emptyTable(2, { "commit.manifest.min-count-to-merge": "3" });
  await fastAppends(table, "a", "b");
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 0n });
  const merging = mergeAppend({ files: [dataFile("c")] });
  const first = table.attempt();
  // Merges manifests that have no row ids yet; another commit then gives them some.
  await merging.apply(first);
  // Of another spec, so that the very same manifests are to be merged.
  await table.run(fastAppend({ files: [dataFile("rival", { specId: 1, partition: [] })] }));
  const ids = async () =>
    Object.fromEntries(
      (await table.live()).map((
        { entry },
      ) => [shortName(entry.dataFile), entry.dataFile.firstRowId]),
    );
  const given = await ids();
  assert.deepEqual(given, { rival: 0n, b: 10n, a: 20n });
  await table.run(merging, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.deepEqual(await layout(table), [["rival"], ["c", "b", "a"]]);
  const { c, ...others } = await ids();
  assert.deepEqual(others, given);
  assert(typeof c === "bigint" && c >= 30n, `${c}`);
});

Deno.test("merging treats delete manifests as it does data manifests, apart from them", async () => {
  const table = emptyTable(2, { "commit.manifest.min-count-to-merge": "2" });
  await table.run(mergeAppend({ files: [dataFile("a")] }));
  for (const name of ["x", "y"]) await table.run(rowDelta({ deletes: [equalityDeletes(name)] }));
  assert.deepEqual(await layout(table), [["a"], ["y", "x"]]);
  assert.deepEqual(await table.plan(), { a: ["x", "y"] });
});
