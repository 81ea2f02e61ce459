import assert from "node:assert/strict";
import { LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { Operations } from "../../lib/operations/mod.ts";
import {
  auditRows,
  ctx,
  gate,
  keyed,
  tidy,
  withWorld,
  type Work,
} from "../support/operations_world.ts";
import { rejectsWith } from "../support/rejects.ts";

Deno.test("an operation is recorded with its result, and audited once", async () => {
  await withWorld(() => Promise.resolve({ files: 3 }), async ({ operations, state }) => {
    const started = await operations.run(ctx, tidy());
    const result = await started.result;
    assert.deepEqual(JSON.parse(result.details_json), { files: 3, id: "9007199254740993" });
    const shown = await operations.get(ctx, started.id);
    assert.equal(shown.state, "succeeded");
    assert.deepEqual(shown.result, result);
    const audit = await auditRows(state);
    assert.equal(audit.length, 1);
    assert.deepEqual(JSON.parse(audit[0]?.after ?? "").operation_id, started.id);
  });
});

Deno.test("a dry run says so and leaves no audit row", async () => {
  await withWorld(() => Promise.resolve({ files: 3 }), async ({ operations, state }) => {
    const { result } = await operations.run(ctx, tidy({ dryRun: true }));
    assert.equal(JSON.parse((await result).details_json).dry_run, true);
    assert.deepEqual(await auditRows(state), []);
  });
});

Deno.test("a failure is recorded with its code, and is the caller's error", async () => {
  const failure = new AppError("conflict", "commit_conflict", "Cannot commit: too busy");
  await withWorld(() => Promise.reject(failure), async ({ operations, state }) => {
    const started = await operations.run(ctx, tidy());
    await assert.rejects(started.result, failure);
    const shown = await operations.get(ctx, started.id);
    assert.deepEqual([shown.state, shown.error?.code], ["failed", "commit_conflict"]);
    assert.deepEqual(await auditRows(state), []);
  });
});

Deno.test("what prepare refuses leaves no operation behind", async () => {
  await withWorld(() => Promise.resolve({ files: 0 }), async ({ operations }) => {
    const refused = new AppError("not_found", "table_not_found", "Cannot find table");
    await assert.rejects(
      operations.run(ctx, tidy({ prepare: () => Promise.reject(refused) })),
      refused,
    );
    const list = await operations.list(ctx, { filter: {}, limit: 10, cursor: null });
    assert.deepEqual(list.operations, []);
  });
});

Deno.test("an exclusive operation is refused while one runs, and names it", async () => {
  const { work, open } = gate();
  await withWorld(work, async ({ operations }) => {
    const first = await operations.run(ctx, tidy({ exclusive: true }));
    const error = await rejectsWith(operations.run(ctx, tidy({ exclusive: true })), {
      kind: "conflict",
      code: "operation_running",
    });
    assert.ok(error.message.includes(first.id));
    open(1);
    await first.result;
    await (await operations.run(ctx, tidy({ exclusive: true }))).result;
  });
});

Deno.test("a cancelled operation ends as cancelled; one that has ended cannot be", async () => {
  const { work } = gate();
  await withWorld(work, async ({ operations }) => {
    const started = await operations.run(ctx, tidy());
    const shown = await operations.cancel(ctx, started.id);
    assert.equal(shown.state, "cancelled");
    await rejectsWith(started.result, { kind: "cancelled", code: "operation_cancelled" });
    assert.equal((await operations.cancel(ctx, started.id)).state, "cancelled");
    await rejectsWith(operations.get(ctx, "nope"), {
      kind: "not_found",
      code: "operation_not_found",
    });
  });
});

Deno.test("who leaves cancels the operation, unless it is detached", async () => {
  const { work, open } = gate();
  await withWorld(work, async ({ operations }) => {
    const aborter = new AbortController();
    const leaving = { ...ctx, signal: aborter.signal };
    const waited = await operations.run(leaving, tidy());
    const detached = await operations.run({ ...leaving, detached: true }, tidy());
    aborter.abort(new AppError("cancelled", "cancelled", "gone"));
    await rejectsWith(waited.result, { kind: "cancelled", code: "cancelled" });
    open(5);
    assert.equal(JSON.parse((await detached.result).details_json).files, 5);
  });
});

Deno.test("a repeat with the same key gets the first answer, and does nothing", async () => {
  let runs = 0;
  const work = () => Promise.resolve({ files: ++runs });
  await withWorld(work, async ({ operations, now }) => {
    const first = await (await operations.run(keyed("k"), tidy())).result;
    const again = await operations.run(keyed("k"), tidy());
    assert.equal(again.replayed, true);
    assert.deepEqual(await again.result, first);
    await rejectsWith(operations.run(keyed("k", "other"), tidy()), {
      kind: "invalid",
      code: "idempotency_key_reused",
    });
    now.ms += 24 * 3_600_000 + 1;
    assert.equal((await operations.run(keyed("k"), tidy())).replayed, false);
    assert.equal(runs, 2);
  });
});

Deno.test("a repeat of a passing failure is a new try, of a lasting one the same answer", async () => {
  const errors = [
    new AppError("unavailable", "jobs_busy", "Busy"),
    new AppError("conflict", "commit_conflict", "Rivals came first"),
    new AppError("invalid", "row_invalid", "Bad"),
  ];
  const work = () => Promise.reject(errors.shift() ?? new Error("ran once too often"));
  await withWorld(work, async ({ operations }) => {
    const busy = await operations.run(keyed("k"), tidy());
    await rejectsWith(busy.result, { kind: "unavailable", code: "jobs_busy" });
    const beaten = await operations.run(keyed("k"), tidy());
    await rejectsWith(beaten.result, { kind: "conflict", code: "commit_conflict" });
    const bad = { kind: "invalid", code: "row_invalid" } as const;
    await rejectsWith((await operations.run(keyed("k"), tidy())).result, bad);
    const again = await operations.run(keyed("k"), tidy());
    assert.equal(again.replayed, true);
    await rejectsWith(again.result, bad);
  });
});

Deno.test("a repeat while the first is under way is told to wait", async () => {
  const { work, open } = gate();
  await withWorld(work, async ({ operations }) => {
    const first = await operations.run(keyed("k"), tidy());
    await rejectsWith(operations.run(keyed("k"), tidy()), {
      kind: "conflict",
      code: "idempotency_key_in_use",
    });
    open(1);
    await first.result;
  });
});

Deno.test("progress is watched until the end; who has seen the end gets nothing", async () => {
  let report = (_: number) => {};
  const { work: wait, open } = gate();
  const work: Work = (options) => {
    report = (done) => options.onProgress?.({ phase: "rewriting", done, total: 9, unit: "files" });
    return wait(options);
  };
  await withWorld(work, async ({ operations }) => {
    const { id, result } = await operations.run(ctx, tidy());
    const seen: (number | undefined)[] = [];
    let last = "";
    for await (const event of await operations.watch(ctx, { id, lastEventId: null }) ?? []) {
      seen.push(event.operation.progress?.done);
      last = event.id;
      if (event.type === "end") break;
      if (seen.length === 1) report(4);
      else open(2);
    }
    await result;
    assert.deepEqual(seen.slice(0, 2), [undefined, 4]);
    assert.equal(await operations.watch(ctx, { id, lastEventId: last }), null);
  });
});

Deno.test("operations are listed newest first, page by page, by table and state", async () => {
  await withWorld(() => Promise.resolve({ files: 1 }), async ({ operations }) => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const started = await operations.run(ctx, tidy());
      await started.result;
      ids.push(started.id);
    }
    const seen: string[] = [];
    for (let cursor: string | null = null;;) {
      const input = { filter: { table: "db.t", state: "succeeded" }, limit: 2, cursor } as const;
      const page: Awaited<ReturnType<Operations["list"]>> = await operations.list(ctx, input);
      seen.push(...page.operations.map(({ id }) => id));
      if (page.next_cursor === undefined) break;
      cursor = page.next_cursor;
    }
    assert.deepEqual(seen, ids.reverse());
  });
});

Deno.test("run() rejects a read-only principal", async () => {
  await withWorld(() => Promise.resolve({ files: 1 }), async ({ operations }) => {
    const auditor = { ...ctx, principal: { ...LOCAL_PRINCIPAL, role: "Auditor" } } as const;
    await rejectsWith(operations.run(auditor, tidy()), {
      kind: "forbidden",
      code: "role_required",
    });
  });
});
