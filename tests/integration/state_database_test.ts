import assert from "node:assert/strict";
import { z } from "zod";
import { openState, sql, type State } from "../../lib/state/mod.ts";
import { rejectsWith } from "../support/rejects.ts";

const Epoch = z.object({ epoch: z.int() });

async function withState(
  test: (state: State, dataDir: string) => Promise<void>,
  options: { readonly transactionTimeoutMs?: number } = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-state-" });
  const state = await openState({ url: "file:state.db", authToken: null, dataDir, ...options });
  try {
    await test(state, dataDir);
  } finally {
    await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function put(key: string, epoch: number) {
  return sql`INSERT INTO settings (key, value, owner, epoch, updated_at)
    VALUES (${key}, '1', 'test', ${epoch}, 0)`;
}

async function epochOf(state: State, key: string): Promise<number | null> {
  const [row] = await state.read(Epoch, sql`SELECT epoch FROM settings WHERE key = ${key}`);
  return row?.epoch ?? null;
}

Deno.test("transaction() commits what it wrote when it resolves", () =>
  withState(async (state) => {
    const result = await state.transaction(async (tx) => {
      assert.equal(await tx.run(put("a", 1)), 1);
      assert.deepEqual(await tx.read(Epoch, sql`SELECT epoch FROM settings`), [{ epoch: 1 }]);
      assert.equal(await epochOfOutside(state), null);
      return "done";
    });
    assert.equal(result, "done");
    assert.equal(await epochOf(state, "a"), 1);
  }));

/** Reading through the state inside a transaction is refused, which is what this shows. */
async function epochOfOutside(state: State): Promise<null> {
  await assert.rejects(epochOf(state, "a"), TypeError);
  return null;
}

Deno.test("transaction() rolls back when it rejects", () =>
  withState(async (state) => {
    const failing = state.transaction(async (tx) => {
      await tx.run(put("a", 1));
      throw new RangeError("second thoughts");
    });
    await assert.rejects(failing, RangeError);
    assert.equal(await epochOf(state, "a"), null);
    await state.transaction((tx) => tx.run(put("a", 2)));
    assert.equal(await epochOf(state, "a"), 2);
  }));

Deno.test("transaction() refuses another one inside it instead of waiting for itself", () =>
  withState(async (state) => {
    const nested = state.transaction(() => state.transaction((tx) => tx.run(put("a", 1))));
    await assert.rejects(nested, TypeError);
    await state.transaction((tx) => tx.run(put("b", 1)));
  }));

Deno.test("transaction() refuses statements after its end", () =>
  withState(async (state) => {
    const escaped = await state.transaction((tx) => Promise.resolve({ tx }));
    await assert.rejects(escaped.tx.run(put("a", 1)), TypeError);
    assert.equal(await epochOf(state, "a"), null);
  }));

Deno.test("transaction() serialises a hundred concurrent writers without one failure", () =>
  withState(async (state) => {
    await state.transaction((tx) => tx.run(put("n", 0)));
    await Promise.all(Array.from({ length: 100 }, () =>
      state.transaction(async (tx) => {
        const [row] = await tx.read(Epoch, sql`SELECT epoch FROM settings WHERE key = 'n'`);
        await new Promise((resolve) => setTimeout(resolve, 0));
        await tx.run(sql`UPDATE settings SET epoch = ${(row?.epoch ?? 0) + 1} WHERE key = 'n'`);
      })));
    assert.equal(await epochOf(state, "n"), 100);
  }));

Deno.test("read() does not wait for, nor see, an open transaction", () =>
  withState(async (state) => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const writing = state.transaction(async (tx) => {
      await tx.run(put("a", 1));
      open();
      await mayEnd;
    });
    await opened;
    assert.equal(await epochOf(state, "a"), null);
    end();
    await writing;
    assert.equal(await epochOf(state, "a"), 1);
  }));

Deno.test("transaction() ends one that takes too long, and the next one runs", () =>
  withState(async (state) => {
    const { promise: never } = Promise.withResolvers<void>();
    const stuck = state.transaction(async (tx) => {
      await tx.run(put("a", 1));
      await never;
    });
    const expected = { kind: "deadline_exceeded", code: "state_transaction_timeout" } as const;
    await rejectsWith(stuck, expected);
    await state.transaction((tx) => tx.run(put("b", 1)));
    assert.equal(await epochOf(state, "a"), null);
    assert.equal(await epochOf(state, "b"), 1);
  }, { transactionTimeoutMs: 100 }));

Deno.test("transaction() reports a broken constraint as a conflict", () =>
  withState(async (state) => {
    await state.transaction((tx) => tx.run(put("a", 1)));
    const expected = { kind: "conflict", code: "state_conflict" } as const;
    const error = await rejectsWith(state.transaction((tx) => tx.run(put("a", 2))), expected);
    assert.equal(error.context["sqlCode"], "SQLITE_CONSTRAINT_PRIMARYKEY");
    assert.doesNotMatch(error.message, /settings|insert/i);
  }));

Deno.test("transaction() enforces foreign keys", () =>
  withState(async (state) => {
    const orphan = sql`INSERT INTO tokens
      (id, user_id, prefix, secret_hash, created_at, created_by)
      VALUES ('tok_1', 'usr_nobody', '', ${"0".repeat(64)}, 0, 'test')`;
    const expected = { kind: "conflict", code: "state_conflict" } as const;
    await rejectsWith(state.transaction((tx) => tx.run(orphan)), expected);
  }));

Deno.test("read() cannot write", () =>
  withState(async (state) => {
    const expected = { kind: "unavailable", code: "state_unusable" } as const;
    await rejectsWith(state.read(Epoch, sql`DELETE FROM settings RETURNING epoch`), expected);
  }));

Deno.test("read() refuses a row of another form without showing its values", () =>
  withState(async (state) => {
    const expected = { kind: "internal", code: "state_row_invalid" } as const;
    const reading = state.read(Epoch, sql`SELECT 'hash-of-a-secret' AS epoch`);
    const error = await rejectsWith(reading, expected);
    assert.doesNotMatch(JSON.stringify([error.message, error.context]), /hash-of-a-secret/);
  }));

Deno.test("read() refuses an integer that a number cannot hold", () =>
  withState(async (state) => {
    const Value = z.object({ value: z.number() });
    const largest = await state.read(Value, sql`SELECT ${2n ** 53n - 1n} AS value`);
    assert.deepEqual(largest, [{ value: Number.MAX_SAFE_INTEGER }]);
    await assert.rejects(state.read(Value, sql`SELECT ${2n ** 53n + 1n} AS value`), RangeError);
  }));

Deno.test("read() reports a wrong statement as ours, without its text", () =>
  withState(async (state) => {
    const expected = { kind: "internal", code: "state_failed" } as const;
    const error = await rejectsWith(state.read(Epoch, sql`SELECT epoch FROM nowhere`), expected);
    assert.doesNotMatch(error.message, /nowhere/);
  }));

Deno.test("close() lets the running transaction end and refuses what comes after", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-state-" });
  const options = { url: "file:state.db", authToken: null, dataDir };
  const state = await openState(options);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const writing = state.transaction(async (tx) => {
    open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await tx.run(put("a", 1));
  });
  await opened;
  await Promise.all([writing, state.close()]);
  const expected = { kind: "unavailable", code: "state_closed" } as const;
  await rejectsWith(state.transaction((tx) => tx.run(put("b", 1))), expected);
  const again = await openState(options);
  assert.equal(await epochOf(again, "a"), 1);
  await again.close();
  await Deno.remove(dataDir, { recursive: true });
});
