/** Offsets in commits: each is moved on once, whoever tries, however often. */
import assert from "node:assert/strict";
import type { CommitAction } from "../../../../lib/iceberg/commit/commit_action.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { commitTransaction } from "../../../../lib/iceberg/commit/transaction.ts";
import type { LoadedTable } from "../../../../lib/iceberg/ports.ts";
import {
  NO_TOTALS,
  offsetProperty,
  type StreamOffset,
} from "../../../../lib/pipelines/contract/offset.ts";
import {
  formatOffset,
  offsetAction,
  readOffset,
} from "../../../../lib/pipelines/tick/offset_action.ts";
import { uuidV7 } from "../../../../lib/uuid_v7.ts";
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
  return [
    offsetAction({ key: KEY, expected, next }),
    fastAppend({ files, properties: { [NAME]: formatOffset(next) } }),
  ];
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
  assert.equal(table.store.table.metadata.properties[NAME], formatOffset(offsetOf(2)));
});

Deno.test("streams of one sink move on without each other", async () => {
  const table = new RowTable();
  const other = "fedcba9876543210fedcba98";
  await commit(table, batch(null, offsetOf(1, { epoch: 9 })));
  const next = offsetOf(1, { checkpoint: "/other" });
  await commit(table, [
    offsetAction({ key: other, expected: null, next }),
    fastAppend({
      files: [claimedFile("other", ["eu"])],
      properties: { [offsetProperty(other)]: formatOffset(next) },
    }),
  ]);
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
