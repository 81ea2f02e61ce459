/** Offsets in commits: each is moved on once, whoever tries, however often. */
import assert from "node:assert/strict";
import type { CommitAction } from "../../../../lib/iceberg/commit/commit_action.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import type { TableUpdate } from "../../../../lib/iceberg/commit/table_update.ts";
import { commitTransaction } from "../../../../lib/iceberg/commit/transaction.ts";
import type { LoadedTable } from "../../../../lib/iceberg/ports.ts";
import { currentSnapshot } from "../../../../lib/iceberg/spec/table_metadata.ts";
import {
  NO_TOTALS,
  OffsetProperty,
  offsetProperty,
  type StreamOffset,
} from "../../../../lib/pipelines/contract/offset.ts";
import {
  formatOffset,
  readOffset,
  withOffset,
} from "../../../../lib/pipelines/tick/offset_action.ts";
import { uuidV7 } from "../../../../lib/uuid_v7.ts";
import { ref, updating } from "../../../support/commit_fixture.ts";
import { claimedFile, RowTable } from "../../../support/maintenance/row_table.ts";

const KEY = "0123456789abcdef01234567";
const NAME = offsetProperty(KEY);

function offsetOf(batchId: number, more: Partial<StreamOffset> = {}): StreamOffset {
  return {
    version: 1,
    checkpoint: "/checkpoint",
    source: "db.source",
    source_uuid: null,
    source_schema_id: 0,
    rows: "",
    position: { snapshot_id: String(100 + batchId), files_read: null, scan_all_files: false },
    batch_id: batchId,
    epoch: 1,
    totals: NO_TOTALS,
    ...more,
  };
}

/** A batch of one file, from one offset to the next. */
function batch(expected: StreamOffset | null, next: StreamOffset): readonly CommitAction[] {
  const files = [claimedFile(`batch-${next.batch_id}-${next.epoch}`, ["eu"])];
  const snapshot = fastAppend({ files, properties: { [NAME]: formatOffset(next) } });
  return withOffset(snapshot, { key: KEY, expected, next });
}

async function commit(
  { store, runtime }: RowTable,
  actions: readonly CommitAction[],
  base?: LoadedTable,
): Promise<void> {
  runtime.advance(1);
  const options = { operationId: uuidV7(runtime.clock.now()), runtime };
  await commitTransaction(store, actions, base === undefined ? options : { ...options, base });
}

const codeOf = (error: unknown) => Reflect.get(Object(error), "code");

Deno.test("rows and their offset are there together, as a property and in the summary", async () => {
  const table = new RowTable();
  await commit(table, batch(null, offsetOf(1)));
  await commit(table, batch(offsetOf(1), offsetOf(2)));
  const { metadata } = table.store.table;
  assert.deepEqual(readOffset(metadata, KEY), offsetOf(2));
  assert.deepEqual(
    metadata.snapshots.map(({ summary }) => summary[NAME]),
    [formatOffset(offsetOf(1)), formatOffset(offsetOf(2))],
  );
  assert.equal((await table.tasks()).length, 2);
});

Deno.test("a commit made for an older table goes on from the newest one", async () => {
  const table = new RowTable();
  await commit(table, batch(null, offsetOf(1)));
  const base = table.store.table;
  await table.append([1, 2, 3]);
  await commit(table, batch(offsetOf(1), offsetOf(2)), base);
  assert.equal((await table.tasks()).length, 3);
});

Deno.test("of two commits of one batch the second changes nothing, whatever it was made for", async () => {
  const table = new RowTable();
  await commit(table, batch(null, offsetOf(1)));
  const base = table.store.table;
  await commit(table, batch(offsetOf(1), offsetOf(2)));
  for (const known of [base, table.store.table]) {
    const again = commit(table, batch(offsetOf(1), offsetOf(2)), known);
    assert.equal(codeOf(await again.catch((error: unknown) => error)), "stream_moved");
  }
  const first = commit(table, batch(null, offsetOf(1)), table.store.table);
  assert.equal(codeOf(await first.catch((error: unknown) => error)), "stream_moved");
  assert.equal((await table.tasks()).length, 2);
});

Deno.test("a zombie's commit is refused once its successor has committed", async () => {
  const table = new RowTable();
  await commit(table, batch(null, offsetOf(1)));
  const base = table.store.table;
  await commit(table, batch(offsetOf(1), offsetOf(2, { epoch: 2 })));
  for (const expected of [offsetOf(1), offsetOf(2, { epoch: 2 })]) {
    const late = commit(table, batch(expected, offsetOf(expected.batch_id + 1)), base);
    assert.equal(codeOf(await late.catch((error: unknown) => error)), "stream_fenced");
  }
  assert.equal((await table.tasks()).length, 2);
  assert.equal(readOffset(table.store.table.metadata, KEY)?.epoch, 2);
});

Deno.test("a commit whose reply is lost is found again, and made once", async () => {
  for (const landed of [true, false]) {
    const table = new RowTable();
    await commit(table, batch(null, offsetOf(1)));
    table.store.failCommits({ kind: "lost", landed });
    await commit(table, batch(offsetOf(1), offsetOf(2)));
    assert.equal((await table.tasks()).length, 2, `landed: ${landed}`);
    assert.deepEqual(readOffset(table.store.table.metadata, KEY), offsetOf(2));
  }
});

Deno.test("a commit goes on from the summary where the property was removed meanwhile", async () => {
  const table = new RowTable();
  await commit(table, batch(null, offsetOf(1)));
  table.store.replace((metadata) => ({ ...metadata, properties: {} }));
  await commit(table, batch(offsetOf(1), offsetOf(2)));
  const { properties: { [NAME]: property = "" } } = table.store.table.metadata;
  assert.equal(OffsetProperty.parse(JSON.parse(property)).batch_id, 2);
});

Deno.test("streams of one sink move on without each other", async () => {
  const table = new RowTable();
  const other = "fedcba9876543210fedcba98";
  await commit(table, batch(null, offsetOf(1, { epoch: 9 })));
  const next = offsetOf(1, { checkpoint: "/other" });
  const snapshot = fastAppend({
    files: [claimedFile("other", ["eu"])],
    properties: { [offsetProperty(other)]: formatOffset(next) },
  });
  await commit(table, withOffset(snapshot, { key: other, expected: null, next }));
  const { metadata } = table.store.table;
  assert.equal(readOffset(metadata, KEY)?.epoch, 9);
  assert.equal(readOffset(metadata, other)?.checkpoint, "/other");
});

Deno.test("an offset that cannot be read stops the stream, wherever it stands", async () => {
  const texts = [
    "",
    "{}",
    "null",
    "[1]",
    formatOffset(offsetOf(1)).replace('"version":1', '"version":2'),
    // One more would be no number that can be counted on.
    formatOffset(offsetOf(1)).replace('"epoch":1', `"epoch":${Number.MAX_SAFE_INTEGER}`),
  ];
  for (const text of texts) {
    const table = new RowTable();
    await commit(table, batch(null, offsetOf(1)));
    table.store.replace((metadata) => ({ ...metadata, properties: { [NAME]: text } }));
    const expected = { kind: "corrupt_data", code: "stream_offset_invalid" };
    assert.throws(() => readOffset(table.store.table.metadata, KEY), expected, text);
    await assert.rejects(commit(table, batch(offsetOf(1), offsetOf(2))), expected, text);
    assert.equal((await table.tasks()).length, 1);
  }
});

/** What the property says of the snapshot that has the batch. */
function snapshotOf({ store }: RowTable) {
  const { [NAME]: property = "" } = store.table.metadata.properties;
  return OffsetProperty.parse(JSON.parse(property)).sink_snapshot;
}

Deno.test("the property names the snapshot of its batch, whichever attempt made it", async () => {
  for (const [formatVersion, number] of [[1, 0n], [2, 4n], [3, 4n]] as const) {
    const table = new RowTable({ formatVersion });
    await commit(table, batch(null, offsetOf(1)));
    const base = table.store.table;
    await table.append([1]);
    await table.append([2]);
    await commit(table, batch(offsetOf(1), offsetOf(2)), base);
    const { metadata } = table.store.table;
    const head = currentSnapshot(metadata);
    assert.deepEqual(snapshotOf(table), {
      table_uuid: metadata.tableUuid,
      snapshot_id: String(head?.snapshotId),
      sequence_number: String(number),
    });
    // Snapshots do not name themselves.
    assert.equal(head?.summary[NAME], formatOffset(offsetOf(2)));
  }
});

Deno.test("an offset is not moved without a snapshot, which orders commits among each other", async () => {
  const table = new RowTable();
  const options = { key: KEY, expected: null, next: offsetOf(1) };
  await assert.rejects(commit(table, withOffset(fastAppend({ files: [] }), options)), TypeError);
  assert.equal(readOffset(table.store.table.metadata, KEY), null);
});

Deno.test("a sink that was rolled back is known by the numbers of what is left", async () => {
  for (const formatVersion of [1, 2, 3] as const) {
    const table = new RowTable({ formatVersion });
    await table.append([1]);
    const { snapshotId: own } = table.state.snapshot;
    await commit(table, batch(null, offsetOf(1)));
    await commit(table, batch(offsetOf(1), offsetOf(2)));
    const gone = table.store.table.metadata.snapshots.slice(1).map((one) => one.snapshotId);
    await table.commit(updating(setMain(own)));
    await table.commit(updating({ action: "remove-snapshots", snapshotIds: gone }));
    const name = `v${formatVersion}`;
    const refused = { kind: "conflict", code: "sink_rolled_back" };
    assert.throws(() => readOffset(table.store.table.metadata, KEY), refused, name);
    // Nor do rows that come afterwards hide it.
    await table.append([2]);
    assert.throws(() => readOffset(table.store.table.metadata, KEY), refused, name);
    await assert.rejects(commit(table, batch(offsetOf(2), offsetOf(3))), refused, name);
    assert.deepEqual((await table.tasks()).length, 2);
  }
});

Deno.test("the expiry of batches is no rollback, whichever snapshots are kept", async () => {
  for (const formatVersion of [1, 2, 3] as const) {
    const table = new RowTable({ formatVersion });
    await table.append([1]);
    await commit(table, batch(null, offsetOf(1)));
    await commit(table, batch(offsetOf(1), offsetOf(2)));
    await table.append([2]);
    await table.append([3]);
    const { metadata } = table.store.table;
    const [own, , last, later, head] = metadata.snapshots.map((one) => one.snapshotId);
    for (const kept of [[later, head], [head], [own, later, head], [own, last, later, head]]) {
      const snapshots = metadata.snapshots.filter((one) => kept.includes(one.snapshotId));
      assert.equal(readOffset({ ...metadata, snapshots }, KEY)?.batch_id, 2, String(kept));
    }
  }
});

Deno.test("a copy of a sink goes on with the property that was copied, whatever its numbers are", async () => {
  const table = new RowTable();
  for (const row of [1, 2, 3]) await table.append([row]);
  await commit(table, batch(null, offsetOf(1)));
  const { [NAME]: property = "" } = table.store.table.metadata.properties;
  const copy = new RowTable({ tableUuid: crypto.randomUUID(), properties: { [NAME]: property } });
  await copy.append([1, 2, 3]);
  await commit(copy, batch(offsetOf(1), offsetOf(2)));
  assert.equal(readOffset(copy.store.table.metadata, KEY)?.batch_id, 2);
});

function setMain(snapshotId: bigint): TableUpdate {
  return { action: "set-snapshot-ref", ref: ref("main", snapshotId) };
}
