import assert from "node:assert/strict";
import { startPosition } from "../../../../lib/pipelines/tick/start_position.ts";
import { after, Flow, START } from "./_flow.ts";

const at = ({ snapshotId }: { readonly snapshotId: bigint }) => ({
  snapshot_id: String(snapshotId),
  files_read: 0,
  scan_all_files: false,
});
const time = (ms: number) => ({ timestamp: new Date(ms).toISOString() });

Deno.test("startPosition() begins before everything where the table is empty", () => {
  const { metadata } = new Flow();
  for (const from of ["beginning", "latest", time(0)] as const) {
    assert.deepEqual(startPosition(metadata, from), START);
  }
});

Deno.test("startPosition() takes the history from its beginning where it only ever grew", async () => {
  const flow = new Flow();
  await flow.append("a");
  await flow.append("b");
  assert.deepEqual(startPosition(flow.metadata, "beginning"), START);
  await flow.overwrite({ add: ["ab"], remove: ["a", "b"] });
  const head = flow.relabel("replace");
  assert.deepEqual(startPosition(flow.metadata, "beginning"), START);
  assert.deepEqual(startPosition(flow.metadata, "latest"), after(head));
});

Deno.test("startPosition() takes what is there now where rows were overwritten or history is gone", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  await flow.append("b");
  const scan = () => ({
    snapshot_id: String(flow.head.snapshotId),
    files_read: 0,
    scan_all_files: true,
  });
  await flow.overwrite({ add: ["c"], remove: ["a"] });
  assert.deepEqual(startPosition(flow.metadata, "beginning"), scan());
  const other = new Flow();
  const gone = await other.append("a");
  await other.append("b");
  other.expire(gone);
  assert.equal(startPosition(other.metadata, "beginning").scan_all_files, true);
  flow.rollBack(first);
  assert.deepEqual(startPosition(flow.metadata, "beginning"), START);
});

Deno.test("startPosition() begins with the snapshot that is named, if it is on the line", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const second = await flow.append("b");
  const from = (id: bigint) => ({ snapshot_id: String(id) });
  assert.deepEqual(startPosition(flow.metadata, from(first.snapshotId)), at(first));
  assert.throws(() => startPosition(flow.metadata, from(1n)), {
    kind: "not_found",
    code: "snapshot_not_found",
  });
  flow.rollBack(first);
  assert.throws(() => startPosition(flow.metadata, from(second.snapshotId)), {
    kind: "invalid",
    code: "snapshot_not_ancestor",
  });
  assert.throws(() => startPosition(new Flow().metadata, from(1n)), { code: "snapshot_not_found" });
});

Deno.test("startPosition() begins with the first snapshot that is not older than a time", async () => {
  const flow = new Flow();
  const snapshots = [await flow.append("a"), await flow.append("b"), await flow.append("c")];
  const [first, second, third] = snapshots;
  assert(first !== undefined && second !== undefined && third !== undefined);
  const cases = [
    [0, at(first)],
    [first.timestampMs, at(first)],
    [first.timestampMs + 1, at(second)],
    [third.timestampMs, at(third)],
    [third.timestampMs + 1, after(third)],
  ] as const;
  for (const [ms, expected] of cases) {
    assert.deepEqual(startPosition(flow.metadata, time(ms)), expected, String(ms));
  }
  flow.expire(first);
  assert.deepEqual(startPosition(flow.metadata, time(second.timestampMs)), at(second));
  assert.throws(() => startPosition(flow.metadata, time(second.timestampMs - 1)), {
    kind: "not_found",
    code: "source_snapshots_expired",
  });
});
