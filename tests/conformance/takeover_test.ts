/** Two servers over one state, one of which falls silent: the other goes on with its work. */
import assert from "node:assert/strict";
import { APPEND_ROWS, APPENDS, ask, KillBed, type KillServer, succeed } from "./_kill_bed.ts";
import { hold, strike } from "./_kill_moments.ts";
import { KILL_OPERATIONS, type KillRequest } from "./_kill_operations.ts";
import { peerTest } from "./_peers.ts";

/** A living server looks after the dead with its next heartbeat. */
const TAKEN_OVER_WITHIN_MS = 60_000;
const WRITING = { kind: "window", window: "data", newDataFiles: 1 } as const;

peerTest("a dead server's operation keeps others out until its silence is noticed", ["pyiceberg"], {
  fn: async () => {
    await withTwo("compact", async ({ bed, servers: [dying, other], request }) => {
      const place = bed.place(0);
      const before = await bed.look(place);
      const key = crypto.randomUUID();
      const given = { bed, place, request, key, aim: WRITING, deletes: Infinity };
      const hit = await strike(dying, given);
      assert.equal(hit.window, "data");
      const early = await ask(other, request.path, { body: request.body });
      assert.deepEqual([early.status, early.answer["code"]], [409, "operation_running"]);
      await bed.age();
      const [ended] = await endedOperations(other);
      assert.deepEqual([ended?.["operation"], ended?.["state"]], ["compact", "failed"]);
      await succeed(other, request.path, request.body);
      const repeat = await ask(other, request.path, { body: request.body, key });
      assert.equal(repeat.status, 200);
      const after = await bed.look(place);
      assert.deepEqual(after.table?.ids, before.table?.ids);
      assert.deepEqual(after.missing, []);
    });
  },
});

peerTest("a server that wakes up does not repeat what was done in its place", ["pyiceberg"], {
  fn: async () => {
    await withTwo("append", async ({ bed, servers: [sleeping, other], request }) => {
      const place = bed.place(0);
      const key = crypto.randomUUID();
      const given = { bed, place, request, key, aim: WRITING, deletes: Infinity };
      const held = await hold(sleeping, given);
      assert.equal(held.window, "data");
      await bed.age();
      const [ended] = await endedOperations(other);
      assert.deepEqual([ended?.["operation"], ended?.["state"]], ["append", "failed"]);
      // The client tries the other server, as it may after such an end.
      const repeat = await ask(other, request.path, { body: request.body, key });
      assert.equal(repeat.status, 200);
      sleeping.child.kill("SIGCONT");
      const late = await held.reply;
      assert.deepEqual([late.status, late.answer["code"]], [503, "operation_closed"]);
      const after = await bed.look(place);
      assert.deepEqual(after.table?.ids, [[0, (APPENDS + 1) * APPEND_ROWS]]);
      assert.deepEqual(after.missing, []);
      // What it had written for nothing, it took away.
      assert.deepEqual(after.unreachable, []);
    });
  },
});

interface Two {
  readonly bed: KillBed;
  readonly servers: readonly [KillServer, KillServer];
  readonly request: KillRequest;
}

/** A table, two servers, and a request for an operation. */
async function withTwo(name: string, test: (two: Two) => Promise<void>): Promise<void> {
  await using bed = await KillBed.open("hadoop");
  const place = bed.place(0);
  await bed.putBack(place, 2);
  const { table } = await bed.look(place);
  const operation = KILL_OPERATIONS.find((one) => one.name === name);
  assert(operation !== undefined && table !== null);
  const one = await bed.start();
  try {
    const two = await bed.startAnother();
    try {
      await test({ bed, servers: [one, two], request: operation.request(place, table) });
    } finally {
      await two.dispose();
    }
  } finally {
    await one.dispose();
  }
}

/** Operations, newest first, once none runs any more. */
async function endedOperations(server: KillServer) {
  const giveUpAt = performance.now() + TAKEN_OVER_WITHIN_MS;
  for (;;) {
    const { operations } = await succeed(server, "/operations?limit=10", undefined);
    const all = operations as readonly Record<string, unknown>[];
    if (all.every((one) => one["ended_at"] !== null)) return all;
    assert(performance.now() < giveUpAt, "nobody looks after the silent server's operation");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
