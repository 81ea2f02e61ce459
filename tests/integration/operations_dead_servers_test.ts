import assert from "node:assert/strict";
import type { TableLocation } from "../../lib/catalog/mod.ts";
import type { RunJobOptions } from "../../lib/jobs/mod.ts";
import type { DirectOperation } from "../../lib/operations/mod.ts";
import { sql } from "../../lib/state/mod.ts";
import {
  auditRows,
  ctx,
  gate,
  keyed,
  NOTE,
  tidy,
  withWorld,
  type Work,
} from "../support/operations_world.ts";
import { rejectsWith } from "../support/rejects.ts";

Deno.test("what a dead server left is closed; what a living one runs is left alone", async () => {
  const { work, open } = gate();
  await withWorld(work, async ({ operations, state, now, another }) => {
    const running = await operations.run(ctx, tidy());
    const row = sql`INSERT INTO operations (id, kind, table_name, state, dry_run, exclusive, input,
        principal_id, principal_name, instance, created_at, commit_note)
      VALUES ('dead1', 'tidy', 'db.t', 'running', 0, 0, '{}', 'p', 'p', 'gone', 1, NULL),
        ('dead2', 'tidy', 'db.t', 'running', 0, 0, '{}', 'p', 'p', 'gone', 1, '{}')`;
    await state.transaction(async (tx) => void await tx.run(row));
    now.ms += 10_000;
    const other = await another("b", () => Promise.resolve({ files: 0 }));
    const stateOf = async (id: string) => (await other.get(ctx, id)).state;
    assert.equal(await stateOf("dead1"), "failed");
    assert.equal(await stateOf("dead2"), "unknown");
    assert.equal(await stateOf(running.id), "running");
    open(1);
    await running.result;
  });
});

Deno.test("of two servers that get one request at once, one does it; the other answers as it did", async () => {
  let runs = 0;
  const work = () => Promise.resolve({ files: ++runs });
  await withWorld(work, async ({ operations, another }) => {
    const other = await another("b", work);
    // Both have looked for the key, and found nothing, before either has recorded anything.
    const meet = Promise.withResolvers<void>();
    let waiting = 0;
    const together = tidy({
      prepare: async () => {
        if (++waiting === 2) meet.resolve();
        await meet.promise;
        return { table: "db.t", params: { n: 1 } };
      },
    });
    const detached = { ...keyed("k"), detached: true };
    const [a, b] = await Promise.all([
      operations.run(detached, together),
      other.run(detached, together),
    ]);
    assert.equal(a.id, b.id);
    assert.deepEqual([a.replayed, b.replayed].sort(), [false, true]);
    await Promise.all([a.result, b.result].map((result) => result.catch(() => null)));
    assert.equal(runs, 1);
  });
});

Deno.test("a server that was taken for dead may not commit what others have closed", async () => {
  const { work: held, open } = gate();
  const work: Work = async (options) => {
    const result = await held(options);
    await options.onCommit?.(NOTE);
    return result;
  };
  await withWorld(work, async ({ operations, now, another }) => {
    const { id, result } = await operations.run(keyed("k"), tidy());
    now.ms += 31_000;
    const other = await another("b", () => Promise.resolve({ files: 7 }));
    assert.equal((await other.get(ctx, id)).error?.code, "server_stopped");
    // The client tries anew, as it may: the first try must not come through beside this one.
    const again = await (await other.run(keyed("k"), tidy())).result;
    open(1);
    await rejectsWith(result, { kind: "unavailable", code: "operation_closed" });
    assert.equal(JSON.parse(again.details_json).files, 7);
    assert.equal((await other.get(ctx, id)).state, "failed");
  });
});

Deno.test("how it ended counts, where a server that was taken for dead comes to say it", async () => {
  const { work: held, open } = gate();
  const noted = Promise.withResolvers<void>();
  const work: Work = async (options) => {
    await options.onCommit?.(NOTE);
    noted.resolve();
    return await held(options);
  };
  await withWorld(work, async ({ operations, state, now, another }) => {
    const { id, result } = await operations.run(ctx, tidy());
    await noted.promise;
    now.ms += 31_000;
    const other = await another("b", () => Promise.resolve({ files: 0 }));
    assert.equal((await other.get(ctx, id)).state, "unknown");
    open(3);
    await result;
    assert.equal((await other.get(ctx, id)).state, "succeeded");
    assert.equal((await auditRows(state)).length, 1);
  });
});

Deno.test("what a dead server had asked the catalog for may have come through", async () => {
  const { work: held, open } = gate();
  const drops: Work = async (options) => {
    await options.gateway.drop({} as TableLocation);
    return await held(options);
  };
  await withWorld(drops, async ({ operations, now, another, dropped }) => {
    const { job: _, ...facts } = tidy();
    const creation: DirectOperation<{ n: number }, { files: number }> = {
      ...facts,
      perform: async (_, { signal }) => await held({ signal } as RunJobOptions),
    };
    const create = await operations.run(ctx, creation);
    const dryRun = await operations.run(ctx, { ...creation, dryRun: true });
    const drop = await operations.run(ctx, tidy());
    await dropped;
    now.ms += 31_000;
    const other = await another("b", () => Promise.resolve({ files: 0 }));
    assert.equal((await other.get(ctx, create.id)).state, "unknown");
    assert.equal((await other.get(ctx, drop.id)).state, "unknown");
    assert.equal((await other.get(ctx, dryRun.id)).state, "failed");
    open(1);
    await Promise.all([create.result, dryRun.result, drop.result]);
  });
});
