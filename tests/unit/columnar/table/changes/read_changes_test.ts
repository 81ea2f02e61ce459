/** Changes of snapshots of every kind, made through real commits, against the rows of both snapshots. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readChanges } from "../../../../../lib/columnar/table/changes/read_changes.ts";
import { deleteRows } from "../../../../../lib/columnar/table/find_rows/delete_rows.ts";
import { KeyBag } from "../../../../../lib/columnar/table/keys/key_bag.ts";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { overwriteFiles } from "../../../../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { RemoveDanglingDeletes } from "../../../../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import { replacePartitions } from "../../../../../lib/iceberg/commit/snapshot/replace_partitions.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { RewriteManifests } from "../../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import { planChanges } from "../../../../../lib/iceberg/scan/plan_changes.ts";
import type { PartitionSpec } from "../../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import { snapshotOperation } from "../../../../../lib/iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../../../../lib/iceberg/spec/types.ts";
import { ParquetTable, type Row } from "../../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../../support/parquet_module.ts";
import { batchOfRows, rowsOfBatch } from "../../../../support/rows.ts";
import { field } from "../../arrow/_columns.ts";
import { exactText, ODD_COLUMNS, ODD_FIELDS, ODD_KEY_IDS, oddRow } from "../_odd_columns.ts";

await readyParquet();

const ODD = new Schema({ schemaId: 0, fields: ODD_FIELDS, identifierFieldIds: [] });
const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] };
const BY_TEXT: PartitionSpec = {
  specId: 1,
  fields: [{ sourceIds: [3], fieldId: 1000, name: "t", transform: { kind: "identity" } }],
};

const nat = fc.nat({ max: 1_000 });
const kinds = [
  "append",
  "positions",
  "equality",
  "upsert",
  "copy on write",
  "copy and delete",
  "compact",
  "drop",
  "replace partitions",
  "rewrite manifests",
  "remove dangling deletes",
  "change spec",
] as const;
const step = fc.record({
  kind: fc.constantFrom(...kinds),
  rows: fc.array(oddRow, { minLength: 1, maxLength: 6 }),
  a: nat,
  ids: fc.uniqueArray(fc.constantFrom(...ODD_KEY_IDS), { minLength: 1, maxLength: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** How often what happened, over all runs: a law about nothing proves nothing. */
const seen = new Map<string, number>();
let operations = 0;

async function take(table: ParquetTable, { kind, rows, a, ids }: Step): Promise<void> {
  const tasks = await table.tasks();
  const some = tasks.filter((_, at) => (a >> at) % 2 === 0);
  const startingSnapshotId = table.snapshot.snapshotId;
  switch (kind) {
    case "append":
      return void await table.append(rows);
    case "positions": {
      let row = 0;
      return await table.deleteWhere(() => (a + row++) % 3 === 0);
    }
    case "equality": {
      const [id = 1] = ids.filter((id) => id !== 5 && id !== 6);
      const at = ODD_COLUMNS.findIndex(([column]) => column.id === id);
      const fields = ODD_FIELDS.slice(at, at + 1);
      return await table.deleteEqual(fields, rows.slice(0, 1).map((row) => [row[at] ?? null]));
    }
    case "upsert":
      return await upsert(table, rows, ids);
    case "copy on write":
    case "copy and delete": {
      const old = await rowsOf(table, some);
      const kept = old.filter((_, at) => (a + at) % 4 !== 0);
      const news = kind === "copy on write" ? rows : [];
      const add = kept.length + news.length === 0 ? [] : await table.write([...kept, ...news]);
      return await table.commit(overwriteFiles({ remove: some, add }));
    }
    case "compact": {
      if (some.length === 0) return;
      const old = await rowsOf(table, some);
      const added = old.length === 0 ? [] : await table.write(old);
      return await table.commit(rewriteFiles({ replaced: some, added, startingSnapshotId }));
    }
    case "drop":
      return await table.commit(deleteFiles({ files: some.slice(0, 1) }));
    case "replace partitions":
      return await replace(table, rows);
    case "rewrite manifests":
      return await table.commit(new RewriteManifests());
    case "remove dangling deletes":
      return await table.commit(new RemoveDanglingDeletes());
    case "change spec":
      return table.store.replace((metadata) => ({
        ...metadata,
        defaultSpecId: metadata.partitionSpecs.at(a % metadata.partitionSpecs.length)?.specId ?? 0,
      }));
  }
}

async function rowsOf(table: ParquetTable, tasks: Awaited<ReturnType<ParquetTable["tasks"]>>) {
  const paths = new Set(tasks.map(({ dataFile }) => dataFile.filePath));
  const byFile = await table.rowsByFile();
  return [...byFile].flatMap(([path, rows]) => paths.has(path) ? rows : []);
}

async function upsert(table: ParquetTable, rows: readonly Row[], ids: readonly number[]) {
  const keys = new KeyBag({ schema: ODD, ids });
  keys.add(batchOfRows(ODD_FIELDS, rows));
  const { metadata, snapshot, store: { io } } = table;
  const manifests = manifestSource(io, metadata);
  const state = { metadata, snapshot, io, manifests };
  const prepared = await deleteRows(state, { keys, operationId: `upsert-${++operations}` });
  await table.commit(rowDelta({ rows: await table.write(rows), ...prepared.delta }));
}

/** Where files of another spec may have such rows, nothing is replaced. */
async function replace(table: ParquetTable, rows: readonly Row[]) {
  try {
    await table.commit(replacePartitions({ files: await table.write(rows) }));
  } catch (error) {
    assert.equal((error as { code?: string }).code, "partition_spec_mismatch");
  }
}

interface Changes {
  readonly deleted: readonly string[];
  readonly inserted: readonly string[];
}

async function changesOf(table: ParquetTable, snapshotId: bigint, maxBytes?: number) {
  const { metadata, store: { io } } = table;
  const snapshot = metadata.snapshots.find((one) => one.snapshotId === snapshotId);
  assert(snapshot !== undefined);
  const plan = await planChanges({ metadata, snapshot, manifests: manifestSource(io, metadata) });
  const found = { delete: [] as string[], insert: [] as string[] };
  const { schema } = table;
  const bound = maxBytes === undefined ? {} : { maxBytes };
  for await (const { kind, batch } of readChanges(plan, { io, metadata, schema, ...bound })) {
    assert(batch.numRows > 0);
    found[kind].push(...rowsOfBatch(batch, schema.fields).map((row) => exactText(row)));
  }
  return { plan, deleted: found.delete.sort(), inserted: found.insert.sort() };
}

/** What is left of one multiset without another. */
function minus(rows: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const one of others) left.set(one, (left.get(one) ?? 0) + 1);
  return rows.filter((row) => {
    const count = left.get(row) ?? 0;
    if (count > 0) left.set(row, count - 1);
    return count === 0;
  }).sort();
}

async function expected(table: ParquetTable, snapshotId: bigint): Promise<Changes> {
  const { metadata: { snapshots }, schema: { fields } } = table;
  const parent = snapshots.find((one) => one.snapshotId === snapshotId)?.parentSnapshotId ?? null;
  const texts = async (id: bigint) => (await table.read(fields, id)).map((row) => exactText(row));
  const before = parent === null ? [] : await texts(parent);
  const after = await texts(snapshotId);
  return { deleted: minus(before, after), inserted: minus(after, before) };
}

for (
  const [name, more] of [
    ["v1", { formatVersion: 1 }],
    ["v2, unpartitioned", { formatVersion: 2 }],
    ["v2, partitioned", {
      formatVersion: 2,
      partitionSpecs: [UNPARTITIONED, BY_TEXT],
      defaultSpecId: 1,
    }],
    ["v3, unpartitioned", { formatVersion: 3 }],
    ["v3, partitioned", {
      formatVersion: 3,
      partitionSpecs: [UNPARTITIONED, BY_TEXT],
      defaultSpecId: 1,
    }],
  ] as const satisfies readonly (readonly [string, Partial<TableMetadata>])[]
) {
  Deno.test(`readChanges() gives what turns the parent's rows into the snapshot's: ${name}`, async () => {
    const withoutDeletes = ["positions", "equality", "upsert", "remove dangling deletes"];
    const steps = fc.array(step, { minLength: 2, maxLength: 7 });
    const property = fc.asyncProperty(
      fc.array(oddRow, { minLength: 1 }),
      steps,
      async (rows, steps) => {
        const properties = { "commit.manifest.min-count-to-merge": "4" };
        const table = new ParquetTable({ schemas: [ODD], ...more, properties });
        await table.append(rows);
        for (const one of steps) {
          if (more.formatVersion === 1 && withoutDeletes.includes(one.kind)) continue;
          await take(table, one);
        }
        for (const snapshot of table.metadata.snapshots) {
          const { deleted, inserted, plan } = await changesOf(table, snapshot.snapshotId);
          assert.deepEqual({ deleted, inserted }, await expected(table, snapshot.snapshotId));
          seen.set(snapshotOperation(snapshot) ?? "", deleted.length + inserted.length);
          if (plan.changed.length > 0) seen.set(`changed v${more.formatVersion}`, 1);
          assert(plan.manifests.read <= plan.manifests.total);
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
}

Deno.test("changes of every operation were read, and of files that stayed", () => {
  const wanted = ["append", "overwrite", "delete", "replace", "changed v2", "changed v3"];
  assert.deepEqual(wanted.filter((what) => !seen.has(what)), [], JSON.stringify([...seen]));
});

const PAIRS = new Schema({
  schemaId: 0,
  fields: [field(1, "k", { kind: "long" }), field(2, "v", { kind: "string" })],
  identifierFieldIds: [],
});

function pairs(from: number, count: number): [bigint, IcebergValue][] {
  return Array.from({ length: count }, (_, at) => [BigInt(from + at), `x${from + at}`]);
}

Deno.test("readChanges() takes the little memory that the digests of rewritten rows take", async () => {
  const table = new ParquetTable({ schemas: [PAIRS] });
  await table.append(pairs(0, 2_000).map(([key]) => [key, "long text ".repeat(50)]));
  const add = await table.write([
    ...pairs(1, 1_999).map(([key]) => [key, "long text ".repeat(50)]),
    [0n, "new"],
  ]);
  await table.commit(overwriteFiles({ remove: await table.tasks(), add }));
  const { snapshotId } = table.snapshot;
  const found = await changesOf(table, snapshotId, 2_000 * 36);
  assert.equal(found.deleted.length, 1);
  assert.deepEqual(found.inserted, [exactText([0n, "new"])]);
  await assert.rejects(changesOf(table, snapshotId, 1_999 * 36), {
    kind: "too_large",
    code: "changes_too_large",
    message: /source_changes "skip" or "added-files"$/,
  });
});

Deno.test("readChanges() compares each partition by itself", async () => {
  const table = new ParquetTable({
    schemas: [PAIRS],
    partitionSpecs: [{
      ...BY_TEXT,
      specId: 0,
      fields: [{ ...BY_TEXT.fields[0]!, sourceIds: [2] }],
    }],
  });
  const rows = [0, 1, 2, 3].flatMap((part) =>
    pairs(100 * part, 100).map(([key]) => [key, `p${part}`])
  );
  await table.append(rows);
  const add = await table.write(rows.slice(0, -1));
  await table.commit(overwriteFiles({ remove: await table.tasks(), add }));
  const found = await changesOf(table, table.snapshot.snapshotId, 100 * 36);
  assert.deepEqual(found.deleted, [exactText([399n, "p3"])]);
  assert.deepEqual(found.inserted, []);
});

Deno.test("planChanges() reads no manifest that both snapshots share, unless deletes may reach into it", async () => {
  const byKey: PartitionSpec = {
    specId: 0,
    fields: [{ sourceIds: [1], fieldId: 1000, name: "k", transform: { kind: "identity" } }],
  };
  for (const formatVersion of [2, 3] as const) {
    const table = new ParquetTable({ schemas: [PAIRS], partitionSpecs: [byKey], formatVersion });
    for (let key = 0; key < 8; key++) await table.append([[BigInt(key), "a"], [BigInt(key), "b"]]);
    const appended = await changesOf(table, table.snapshot.snapshotId);
    assert.deepEqual(appended.plan.manifests, { read: 1, total: 8 });
    await table.deleteWhere(([key, text]) => key === 3n && text === "b");
    const deleted = await changesOf(table, table.snapshot.snapshotId);
    assert.deepEqual(deleted.deleted, [exactText([3n, "b"])]);
    assert.deepEqual(deleted.plan.manifests, { read: 2, total: 9 });
    const [first] = await table.tasks();
    await table.commit(deleteFiles({ files: first === undefined ? [] : [first] }));
    const dropped = await changesOf(table, table.snapshot.snapshotId);
    assert.equal(dropped.deleted.length, 2);
    // The manifest as it was; what is left of it lists nothing any more.
    assert.equal(dropped.plan.manifests.read, 1);
  }
});

Deno.test("readChanges() gives rows that come back with the end of their deletes as inserts", async () => {
  for (const formatVersion of [2, 3] as const) {
    const table = new ParquetTable({ schemas: [PAIRS], formatVersion });
    await table.append(pairs(0, 4));
    await table.deleteWhere(([key]) => key === 1n || key === 2n);
    const [task] = await table.tasks();
    const startingSnapshotId = table.snapshot.snapshotId;
    await table.commit(rowDelta({ removedDeletes: task?.deletes ?? [], startingSnapshotId }));
    const found = await changesOf(table, table.snapshot.snapshotId);
    assert.deepEqual(found.inserted, [exactText([1n, "x1"]), exactText([2n, "x2"])]);
    assert.deepEqual(found.deleted, []);
  }
});

Deno.test("readChanges() opens a file that got deletes, and of its row groups those with such rows", async () => {
  const table = new ParquetTable({
    schemas: [PAIRS],
    formatVersion: 3,
    properties: { "write.parquet.row-group-size-bytes": "500000" },
  });
  // Long values that do not compress: readers take what lies beside a footer along with it.
  let state = 1;
  const noise = () => String.fromCharCode(33 + (state = state * 48_271 % 2_147_483_647) % 90);
  await table.append(
    pairs(0, 400).map(([key]) => [key, Array.from({ length: 10_000 }, noise).join("")]),
  );
  await table.deleteWhere(([key]) => key === 1n);
  await table.deleteWhere(([key]) => key === 399n);
  const [task] = await table.tasks();
  const { io } = table.store;
  const read = io.read.bind(io);
  let bytes = 0;
  io.read = (location, options) => {
    if (location === task?.dataFile.filePath) bytes += options?.range?.length ?? 0;
    return read(location, options);
  };
  const bytesOf = async (work: () => Promise<unknown>) => {
    bytes = 0;
    await work();
    return bytes;
  };
  const all = await bytesOf(() => table.rows());
  const few = await bytesOf(async () => {
    const found = await changesOf(table, table.snapshot.snapshotId);
    assert.equal(found.deleted.length, 1);
    assert.equal(found.plan.changed.length, 1);
  });
  assert(few < all / 2, `${few} of ${all} bytes`);
});

Deno.test("planChanges() says that the snapshot before has expired, and takes a first one as it is", async () => {
  const table = new ParquetTable({ schemas: [PAIRS] });
  await table.append(pairs(0, 2));
  const { snapshotId: first } = table.snapshot;
  assert.equal((await changesOf(table, first)).inserted.length, 2);
  await table.append(pairs(2, 1));
  table.store.replace((metadata) => ({
    ...metadata,
    snapshots: metadata.snapshots.filter(({ snapshotId }) => snapshotId !== first),
    snapshotLog: metadata.snapshotLog.filter(({ snapshotId }) => snapshotId !== first),
  }));
  await assert.rejects(changesOf(table, table.snapshot.snapshotId), {
    kind: "not_found",
    code: "snapshot_expired",
  });
});
