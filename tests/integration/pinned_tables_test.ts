/** What pins keep operations from, through the verbs, with pins taken at every moment of a job. */
import assert from "node:assert/strict";
import { ExpireRequest } from "../../lib/maintenance/contract/mod.ts";
import { isChangeUnderWay } from "../../lib/operations/mod.ts";
import { ctx, type PinnedWorld, withPinnedWorld } from "../support/pinned_world.ts";
import { rejectsWith } from "../support/rejects.ts";

const TABLE = "db.events";

/** Asks for an expiry of all that is old, which everything is. */
async function expire(
  { maintenance }: PinnedWorld,
  more: Record<string, unknown> = {},
  context = ctx,
) {
  const request = ExpireRequest.parse({ table: TABLE, older_than: "2200-01-01", ...more });
  const { result } = await maintenance.expire(context, request);
  return JSON.parse((await result).details_json);
}

async function fill({ table }: PinnedWorld, snapshots = 6): Promise<void> {
  for (let i = 0; i < snapshots; i++) await table.append([i]);
}

Deno.test("an expiry keeps what a pipeline reads and says for whom, in the dry run as in the receipt", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    await world.pin(2);
    await world.pin(4, { holder: "pipeline 2", name: "" });
    const ids = world.snapshotIds();
    const { dry_run: dryRun, ...bill } = await expire(world, { dry_run: true });
    assert.equal(dryRun, true);
    assert.deepEqual(world.snapshotIds(), ids);
    assert.deepEqual(await expire(world), bill);
    assert.deepEqual(world.snapshotIds(), ids.slice(2));
    assert.deepEqual(bill.pinned_snapshots, [
      { snapshot_id: ids[2], held_by: ["pipeline 1 (events to lake)"] },
      { snapshot_id: ids[3], held_by: ["pipeline 1 (events to lake)"] },
      { snapshot_id: ids[4], held_by: ["pipeline 1 (events to lake)", "pipeline 2"] },
    ]);
    await world.release();
    await expire(world);
    assert.deepEqual(world.snapshotIds(), ids.slice(4));
  }));

Deno.test("an expiry is not held by sinks, pins that have ended, or another table of the name", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    const atMs = world.table.runtime.clock.now();
    await world.pin(null);
    await world.pin(0, { holder: "pipeline 2", untilMs: atMs, atMs: atMs - 1 });
    await world.pin(0, { holder: "pipeline 3", tableUuid: crypto.randomUUID() });
    await world.pin(0, { holder: "pipeline 4", table: "db.other" });
    const receipt = await expire(world);
    assert.equal(receipt.pinned_snapshots_count, 0);
    assert.equal(world.snapshotIds().length, 1);
  }));

Deno.test("an expiry that is given ids which a pipeline reads is refused with the pipeline's name", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    await world.pin(1);
    const ids = world.snapshotIds();
    const named = { older_than: null, snapshot_ids: [ids[3]] };
    const expected = { kind: "conflict", code: "snapshot_held" } as const;
    const error = await rejectsWith(expire(world, named), expected);
    assert.match(error.message, /held by pipeline 1 \(events to lake\); wait until/);
    await rejectsWith(expire(world, { ...named, dry_run: true }), expected);
    await expire(world, { older_than: null, snapshot_ids: [ids[0]] });
    assert.deepEqual(world.snapshotIds(), ids.slice(1));
  }));

Deno.test("an expiry gets no leave where a pipeline began to read meanwhile; a repeat is a new try", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    const ids = world.snapshotIds();
    world.hooks.beforeLeave = () => world.pin(1);
    const keyed = {
      ...ctx,
      idempotency: { key: "k", scope: "POST /api/expire", fingerprint: "f" },
    };
    const error = await rejectsWith(expire(world, {}, keyed), {
      kind: "conflict",
      code: "pins_changed",
    });
    assert.match(error.message, /pipeline 1 \(events to lake\) began to read it meanwhile/);
    assert.deepEqual(world.snapshotIds(), ids);
    const rows = world.table.store.table.metadata.snapshots.map((one) => world.table.rows(one));
    assert.deepEqual((await Promise.all(rows)).map(({ length }) => length), [1, 2, 3, 4, 5, 6]);
    const receipt = await expire(world, {}, keyed);
    assert.equal(receipt.pinned_snapshots_count, 4);
    assert.deepEqual(world.snapshotIds(), ids.slice(1));
  }));

Deno.test("an expiry does not mind pipelines that move on, end or begin to write meanwhile", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    const ids = world.snapshotIds();
    await world.pin(1);
    await world.pin(3, { holder: "pipeline 2" });
    world.hooks.beforeLeave = async () => {
      await world.pin(4);
      await world.release("pipeline 2");
      await world.pin(null, { holder: "pipeline 3" });
    };
    await expire(world);
    assert.deepEqual(world.snapshotIds(), ids.slice(1));
  }));

Deno.test("an expiry gets no leave where a pin was let go and taken again: it may have gone back", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    const ids = world.snapshotIds();
    await world.pin(4);
    world.hooks.beforeLeave = async () => {
      await world.release();
      await world.pin(0);
    };
    await rejectsWith(expire(world), { kind: "conflict", code: "pins_changed" });
    assert.deepEqual(world.snapshotIds(), ids);
  }));

Deno.test("an expiry gets no leave where a pin that named no snapshot has come to name one", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    await world.pin(null);
    world.hooks.beforeLeave = () => world.pin(0);
    await rejectsWith(expire(world), { kind: "conflict", code: "pins_changed" });
  }));

Deno.test("who takes a pin after leave was given finds the expiry under way, until it has ended", () =>
  withPinnedWorld(async (world) => {
    await fill(world);
    const asked = { table: TABLE, kinds: ["expire"] };
    const seen: boolean[] = [];
    const look = async () => void seen.push(await isChangeUnderWay(world.state, asked));
    world.hooks.beforeLeave = look;
    world.hooks.afterLeave = async () => {
      await look();
      // Within the transaction that takes the pin, as a pipeline asks.
      await world.state.transaction(async (tx) => {
        seen.push(await isChangeUnderWay(tx, asked));
        seen.push(await isChangeUnderWay(tx, { table: TABLE, kinds: ["compact"] }));
        seen.push(await isChangeUnderWay(tx, { table: "db.other", kinds: ["expire"] }));
      });
    };
    await expire(world);
    await look();
    assert.deepEqual(seen, [false, true, true, false, false, false]);
  }));

const IN_USE = { kind: "conflict", code: "table_in_use" } as const;

/** What changes a table beneath its readers, dry or not. */
function changes({ changes: verbs }: PinnedWorld, dry_run: boolean) {
  return [
    () => verbs.drop(ctx, { table: TABLE, purge: false, dry_run }),
    () => verbs.drop(ctx, { table: TABLE, purge: true, dry_run }),
    () => verbs.rollback(ctx, { table: TABLE, snapshot_id: "1", dry_run }),
  ];
}

Deno.test("a table that a running pipeline reads or writes is not dropped, purged or rolled back", () =>
  withPinnedWorld(async (world) => {
    await fill(world, 1);
    for (const place of [0, null]) {
      await world.release();
      await world.pin(place);
      for (const change of [...changes(world, true), ...changes(world, false)]) {
        const error = await rejectsWith(change(), IN_USE);
        assert.match(
          error.message,
          /^Cannot (drop|roll back) table "db\.events": it is used by pipeline 1 \(events to lake\); stop/,
        );
      }
    }
    const { operations } = await world.operations.list(ctx, {
      filter: {},
      limit: 10,
      cursor: null,
    });
    assert.deepEqual(operations, []);
    assert.deepEqual(world.dropped, []);
  }));

Deno.test("a pipeline that does not run keeps nobody from dropping its table", () =>
  withPinnedWorld(async (world) => {
    await fill(world, 1);
    await world.pin(0, { untilMs: world.table.runtime.clock.now() + 1_000_000 });
    const [drop] = changes(world, false);
    assert(drop !== undefined);
    await (await drop()).result;
    assert.deepEqual(world.dropped, ["events"]);
  }));

Deno.test("a purge and a rollback get no leave where a pipeline was started meanwhile", () =>
  withPinnedWorld(async (world) => {
    await fill(world, 1);
    const [, purge, rollback] = changes(world, false);
    for (const change of [purge, rollback]) {
      assert(change !== undefined);
      await world.release();
      world.hooks.beforeLeave = () => world.pin(0);
      await rejectsWith((await change()).result, IN_USE);
    }
    assert.deepEqual(world.dropped, []);
  }));
