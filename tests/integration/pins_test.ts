import assert from "node:assert/strict";
import { describeHolder, hold, pinsOf, type PinToHold, release } from "../../lib/pins/mod.ts";
import { openState, type State } from "../../lib/state/mod.ts";

const UUID = "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10";

/** Opens a new state file, twice: as two servers do. */
async function withStates(test: (state: State, other: State) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-pins-" });
  const open = () => openState({ url: `file:${dataDir}/state.db`, authToken: null, dataDir });
  const states = [await open(), await open()] as const;
  try {
    await test(...states);
  } finally {
    for (const state of states) await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function pin(more: Partial<PinToHold> = {}): PinToHold {
  return {
    holder: "pipeline 1",
    name: "db.events to db.lake",
    table: "db.events",
    tableUuid: UUID,
    snapshotId: 9_007_199_254_740_993n,
    untilMs: null,
    atMs: 1_000,
    ...more,
  };
}

const take = (state: State, more: Partial<PinToHold> = {}) =>
  state.transaction((tx) => hold(tx, pin(more)));
const events = (state: State, nowMs = 2_000) => pinsOf(state, { table: "db.events", nowMs });

Deno.test("a pin is seen by every server over the state, to the last digit of its snapshot", () =>
  withStates(async (state, other) => {
    await take(state);
    const [held, ...more] = await events(other);
    assert.deepEqual(more, []);
    assert.deepEqual(held, {
      id: held?.id,
      holder: "pipeline 1",
      name: "db.events to db.lake",
      table: "db.events",
      tableUuid: UUID,
      snapshotId: 9_007_199_254_740_993n,
      sinceMs: 1_000,
      pinnedAtMs: 1_000,
      untilMs: null,
    });
    assert.deepEqual(await pinsOf(state, { table: "db.other", nowMs: 0 }), []);
  }));

Deno.test("a pin that moves stays the same one; one that was let go and taken again does not", () =>
  withStates(async (state) => {
    await take(state);
    const [first] = await events(state);
    await take(state, { snapshotId: 2n ** 63n - 1n, name: "renamed", atMs: 1_500 });
    const [moved] = await events(state);
    assert.deepEqual(moved, {
      ...first,
      name: "renamed",
      snapshotId: 2n ** 63n - 1n,
      pinnedAtMs: 1_500,
    });
    await state.transaction((tx) => release(tx, "pipeline 1"));
    assert.deepEqual(await events(state), []);
    await take(state);
    const [again] = await events(state);
    assert.notEqual(again?.id, first?.id);
  }));

Deno.test("a pin that is rolled back with its transaction was never taken", () =>
  withStates(async (state) => {
    const failing = state.transaction(async (tx) => {
      await hold(tx, pin());
      assert.equal((await pinsOf(tx, { table: "db.events", nowMs: 0 })).length, 1);
      throw new RangeError("no progress");
    });
    await assert.rejects(failing, RangeError);
    assert.deepEqual(await events(state), []);
  }));

Deno.test("a pin with an end counts until then, and is another one when it is taken up too late", () =>
  withStates(async (state) => {
    await take(state, { untilMs: 3_000 });
    const [first] = await events(state, 2_999);
    assert.equal(first?.untilMs, 3_000);
    assert.deepEqual(await events(state, 3_000), []);
    // In time it is prolonged, also for ever.
    await take(state, { untilMs: null, atMs: 2_999 });
    assert.equal((await events(state, 9_000))[0]?.id, first?.id);
    await take(state, { untilMs: 10_000, atMs: 9_000 });
    await take(state, { untilMs: null, atMs: 10_000 });
    assert.notEqual((await events(state, 10_000))[0]?.id, first?.id);
  }));

Deno.test("pins that have ended are removed when anybody takes one", () =>
  withStates(async (state) => {
    await take(state, { untilMs: 3_000 });
    await take(state, { holder: "pipeline 2", table: "db.other", atMs: 3_000 });
    // Its clock is behind, and it would see the first one were that there.
    assert.deepEqual(await events(state, 0), []);
  }));

Deno.test("a holder has a pin of each table that it uses, and lets go of all", () =>
  withStates(async (state) => {
    await take(state);
    await take(state, { table: "db.lake", snapshotId: null, tableUuid: null });
    await take(state, { holder: "pipeline 2" });
    const [sink] = await pinsOf(state, { table: "db.lake", nowMs: 0 });
    assert.deepEqual([sink?.snapshotId, sink?.tableUuid], [null, null]);
    await state.transaction((tx) => release(tx, "pipeline 1"));
    assert.deepEqual(await pinsOf(state, { table: "db.lake", nowMs: 0 }), []);
    assert.deepEqual((await events(state)).map(({ holder }) => holder), ["pipeline 2"]);
  }));

Deno.test("a pin of another table under the same name takes the place of the old one", () =>
  withStates(async (state) => {
    await take(state);
    const [first] = await events(state);
    const tableUuid = crypto.randomUUID();
    await take(state, { tableUuid, snapshotId: 1n });
    const [second, ...more] = await events(state);
    assert.deepEqual(more, []);
    assert.equal(second?.tableUuid, tableUuid);
    assert.notEqual(second?.id, first?.id);
  }));

Deno.test("describeHolder() names the holder, and what people call it", () => {
  assert.equal(describeHolder({ holder: "pipeline 1", name: "a to b" }), "pipeline 1 (a to b)");
  assert.equal(describeHolder({ holder: "pipeline 1", name: "" }), "pipeline 1");
  assert.equal(describeHolder({ holder: "pipeline 1", name: "pipeline 1" }), "pipeline 1");
  assert.equal(describeHolder({ holder: "p", name: "x".repeat(5_000) }).length, 104);
});
