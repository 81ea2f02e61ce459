import assert from "node:assert/strict";
import { SOURCE_CHANGES } from "../../../../lib/pipelines/contract/options.ts";
import { NO_CHANGES } from "../../../../lib/pipelines/tick/plan_batch.ts";
import { after, type Batch, Flow, NO_LIMITS, START, sumOfCounts } from "./_flow.ts";

const files = (batches: readonly Batch[]) => batches.map((batch) => batch.files);
const limits = (more: Partial<typeof NO_LIMITS>) => ({ ...NO_LIMITS, ...more });

Deno.test("planBatch() has nothing to read of an empty table, nor past its head", async () => {
  const flow = new Flow();
  const empty = await flow.plan();
  assert.deepEqual(empty, {
    tasks: [],
    changes: null,
    counts: NO_CHANGES,
    more: false,
    position: START,
  });
  const head = await flow.append("a");
  const done = await flow.plan({ position: after(head) });
  assert.deepEqual([done.tasks, done.more, done.position], [[], false, after(head)]);
});

Deno.test("planBatch() takes snapshots in their order, and the last one is where it stands", async () => {
  const flow = new Flow();
  await flow.append("a", "b");
  const head = await flow.append("c");
  const batches = await flow.drain();
  assert.deepEqual(files(batches), [["a", "b", "c"]]);
  assert.deepEqual(batches[0]?.position, after(head));
});

Deno.test("planBatch() bounds files, rows and bytes, and always takes one file", async () => {
  const flow = new Flow();
  await flow.append("a:4", "b:4", "c:4");
  await flow.append("d:100", "e:1");
  assert.deepEqual(
    files(await flow.drain({ limits: limits({ files: 2 }) })),
    [["a", "b"], ["c", "d"], ["e"]],
  );
  assert.deepEqual(
    files(await flow.drain({ limits: limits({ rows: 8 }) })),
    [["a", "b"], ["c"], ["d"], ["e"]],
  );
  assert.deepEqual(
    files(await flow.drain({ limits: limits({ bytes: 79 }) })),
    [["a"], ["b"], ["c"], ["d"], ["e"]],
  );
});

Deno.test("planBatch() makes each snapshot a batch where batches must be whole", async () => {
  const flow = new Flow();
  await flow.append("a", "b", "c");
  await flow.append("d");
  const whole = { wholeSnapshots: true, limits: limits({ files: 1 }) };
  const batches = await flow.drain(whole);
  assert.deepEqual(files(batches), [["a", "b", "c"], ["d"]]);
  const head = flow.head;
  const scan = { snapshot_id: String(head.snapshotId), files_read: 0, scan_all_files: true };
  assert.deepEqual(files(await flow.drain({ ...whole, position: scan })), [["a", "b", "c", "d"]]);
});

Deno.test("planBatch() goes on in the middle of a snapshot at every file", async () => {
  const flow = new Flow();
  await flow.append("before");
  const names = ["a", "b", "c", "d", "e"];
  const { snapshotId } = await flow.append(...names);
  await flow.append("later");
  for (let read = 0; read <= names.length; read++) {
    const position = { snapshot_id: String(snapshotId), files_read: read, scan_all_files: false };
    assert.deepEqual(files(await flow.drain({ position })), [[...names.slice(read), "later"]]);
  }
});

Deno.test("planBatch() skips what compaction replaced, whatever the mode, and counts it", async () => {
  const flow = new Flow();
  await flow.append("a");
  await flow.append("b");
  await flow.overwrite({ add: ["ab"], remove: ["a", "b"] });
  const replaced = flow.relabel("replace");
  for (const sourceChanges of SOURCE_CHANGES) {
    const batches = await flow.drain({ sourceChanges });
    assert.deepEqual(files(batches), [["a", "b"]]);
    assert.deepEqual(sumOfCounts(batches), { ...NO_CHANGES, replace_skipped: 1 });
    assert.deepEqual(batches.at(-1)?.position, after(replaced));
  }
});

Deno.test("planBatch() treats overwrites and deletes as the mode says", async () => {
  const flow = new Flow();
  await flow.append("a", "b");
  const overwrite = await flow.overwrite({ add: ["c"], remove: ["a"] });
  const removal = await flow.remove("b");
  await flow.append("d");
  const skipped = await flow.drain({ sourceChanges: "skip" });
  assert.deepEqual(files(skipped), [["a", "b", "d"]]);
  assert.deepEqual(sumOfCounts(skipped), { ...NO_CHANGES, skipped: 2 });
  const added = await flow.drain({ sourceChanges: "added-files" });
  assert.deepEqual(files(added), [["a", "b", "c", "d"]]);
  assert.deepEqual(sumOfCounts(added), { ...NO_CHANGES, added_files: 2 });
  const changelog = await flow.drain({ sourceChanges: "changelog" });
  assert.deepEqual(
    changelog.map((batch) => batch.changes ?? batch.files),
    [["a", "b"], overwrite.snapshotId, removal.snapshotId, ["d"]],
  );
  assert.deepEqual(sumOfCounts(changelog), { ...NO_CHANGES, changelog: 2 });
});

Deno.test("planBatch() fails at an overwrite only once what came before has been read", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const overwrite = await flow.overwrite({ add: ["c"], remove: ["a"] });
  const plan = await flow.plan();
  assert.deepEqual([plan.tasks.length, plan.more, plan.position], [1, true, after(first)]);
  await assert.rejects(flow.plan({ position: after(first) }), (error: Error) => {
    assert.equal(Reflect.get(error, "code"), "source_snapshot_not_append");
    assert(error.message.includes(String(overwrite.snapshotId)), error.message);
    assert.match(error.message, /source_changes/);
    return true;
  });
});

Deno.test("planBatch() takes a snapshot that does not say what it is for no append", async () => {
  const flow = new Flow();
  await flow.append("a");
  flow.relabel("compact");
  await assert.rejects(flow.plan(), { code: "source_snapshot_not_append", kind: "conflict" });
  assert.deepEqual(files(await flow.drain({ sourceChanges: "added-files" })), [["a"]]);
});

Deno.test("planBatch() reads a snapshot to the end as it was begun, though the mode has changed", async () => {
  const flow = new Flow();
  await flow.append("a");
  await flow.overwrite({ add: ["b", "c"], remove: ["a"] });
  await flow.append("d");
  const begun = await flow.plan({ sourceChanges: "added-files", limits: limits({ files: 2 }) });
  assert.equal(begun.position.files_read, 1);
  for (const sourceChanges of SOURCE_CHANGES) {
    const rest = await flow.drain({ sourceChanges, position: begun.position });
    assert.deepEqual(files(rest), [["c", "d"]], sourceChanges);
    assert.deepEqual(sumOfCounts(rest), { ...NO_CHANGES, added_files: 1 });
  }
});

Deno.test("planBatch() reads on from a snapshot that has expired where its child is there", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const second = await flow.append("b");
  await flow.append("c");
  flow.expire(first);
  assert.deepEqual(files(await flow.drain({ position: after(first) })), [["b", "c"]]);
  flow.expire(second);
  const position = after(first);
  await assert.rejects(flow.plan({ position }), { code: "source_snapshots_expired" });
  await assert.rejects(flow.plan(), { code: "source_snapshots_expired", kind: "not_found" });
});

Deno.test("planBatch() does not go on in the middle of a snapshot that has expired", async () => {
  const flow = new Flow();
  const first = await flow.append("a", "b");
  await flow.append("c");
  flow.expire(first);
  const position = { ...after(first), files_read: 1 };
  await assert.rejects(flow.plan({ position }), { code: "source_snapshots_expired" });
});

Deno.test("planBatch() notices that the source was rolled back behind what was read", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const second = await flow.append("b");
  flow.rollBack(first);
  await flow.append("c");
  await assert.rejects(flow.plan({ position: after(second) }), { code: "source_rolled_back" });
  assert.deepEqual(files(await flow.drain({ position: after(first) })), [["c"]]);
});

Deno.test("planBatch() reads no further than its bound, and all where the bound is gone", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const second = await flow.append("b");
  await flow.append("c");
  const untilSnapshotId = second.snapshotId;
  assert.deepEqual(files(await flow.drain({ untilSnapshotId })), [["a", "b"]]);
  assert.deepEqual(files(await flow.drain({ untilSnapshotId, position: after(second) })), []);
  flow.rollBack(first);
  await flow.append("d");
  assert.deepEqual(files(await flow.drain({ untilSnapshotId })), [["a", "d"]]);
});

Deno.test("planBatch() does not end quietly where its bound has expired with rows unread", async () => {
  const flow = new Flow();
  const first = await flow.append("a");
  const second = await flow.append("b");
  await flow.append("c");
  flow.expire(second);
  const { snapshotId: untilSnapshotId } = second;
  const options = { untilSnapshotId, position: after(first) };
  await assert.rejects(flow.plan(options), { code: "source_snapshots_expired" });
});

Deno.test("planBatch() scans all files in the order of their age, and then goes along history", async () => {
  const flow = new Flow();
  await flow.append("z", "y");
  await flow.append("b", "a");
  const head = await flow.remove("y");
  await flow.append("later");
  const position = { snapshot_id: String(head.snapshotId), files_read: 0, scan_all_files: true };
  assert.deepEqual(
    files(await flow.drain({ position, limits: limits({ files: 2 }) })),
    [["z", "a"], ["b"], ["later"]],
  );
  flow.expire(head);
  await assert.rejects(flow.plan({ position }), { code: "source_snapshots_expired" });
});

/** Chance that repeats itself. */
function chance(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(below));
  };
}

/** A history of all kinds of snapshots; the files that appends, or appends and overwrites, added. */
async function randomHistory(below: (n: number) => number) {
  const flow = new Flow();
  const live: string[] = [];
  const appended: string[] = [];
  const added: string[] = [];
  let made = 0;
  const fresh = () =>
    Array.from({ length: 1 + below(5) }, () => `f${String(made++).padStart(3, "0")}`);
  const named = (names: readonly string[]) => names.map((name) => `${name}:${1 + below(9)}`);
  for (let i = 0; i < 8; i++) {
    const kind = live.length === 0 ? 0 : below(5);
    const names = fresh();
    if (kind <= 2) {
      await flow.append(...named(names));
      appended.push(...names);
      added.push(...names);
      live.push(...names);
    } else {
      const gone = live.splice(below(live.length), 1);
      await flow.overwrite({ add: named(names), remove: gone });
      live.push(...names);
      if (kind === 3) flow.relabel("replace");
      else added.push(...names);
    }
  }
  return { flow, appended, added, live };
}

Deno.test("batches cut at any limits come to the same files, none twice and none missing", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const below = chance(seed);
    const { flow, appended, added, live } = await randomHistory(below);
    const bounds = limits({
      files: 1 + below(6),
      rows: 1 + below(30),
      bytes: 10 * (1 + below(30)),
    });
    for (const [sourceChanges, expected] of [["skip", appended], ["added-files", added]] as const) {
      const whole = await flow.drain({ sourceChanges });
      const cut = await flow.drain({ sourceChanges, limits: bounds });
      const label = `seed ${seed}, ${sourceChanges}, ${JSON.stringify(bounds)}`;
      assert.deepEqual(files(cut).flat(), files(whole).flat(), label);
      assert.deepEqual(files(cut).flat().toSorted(), expected.toSorted(), label);
      assert.deepEqual(sumOfCounts(cut), sumOfCounts(whole), label);
      assert.deepEqual(cut.at(-1)?.position, whole.at(-1)?.position, label);
    }
    const { snapshotId } = flow.head;
    const scan = { snapshot_id: String(snapshotId), files_read: 0, scan_all_files: true };
    const scanned = files(await flow.drain({ position: scan, limits: bounds })).flat();
    assert.deepEqual(scanned.toSorted(), live.toSorted(), `seed ${seed}, scan`);
  }
});
