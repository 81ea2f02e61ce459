import assert from "node:assert/strict";
import { z } from "zod";
import { openState, readStoredValue, type State, writeStoredValue } from "../../lib/state/mod.ts";
import { rejectsWith } from "../support/rejects.ts";

const schema = z.strictObject({ catalog: z.string() });
const CHANGED = { kind: "conflict", code: "stored_value_changed" } as const;

async function withState(test: (state: State) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-stored-" });
  const state = await openState({ url: "file:state.db", authToken: null, dataDir });
  try {
    await test(state);
  } finally {
    await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function write(state: State, value: unknown, expectedEpoch: number): Promise<number> {
  const key = "config";
  return state.transaction((tx) =>
    writeStoredValue(tx, { key, value, expectedEpoch, owner: "one", atMs: 7 })
  );
}

Deno.test("readStoredValue() answers null where nothing was written", () =>
  withState(async (state) => {
    assert.equal(await readStoredValue(state, "config", { schema }), null);
  }));

Deno.test("writeStoredValue() raises the epoch with each write", () =>
  withState(async (state) => {
    assert.equal(await write(state, { catalog: "sql" }, 0), 1);
    assert.equal(await write(state, { catalog: "rest" }, 1), 2);
    const stored = await readStoredValue(state, "config", { schema });
    assert.deepEqual(stored, {
      value: { catalog: "rest" },
      epoch: 2,
      owner: "one",
      updatedAtMs: 7,
    });
  }));

Deno.test("writeStoredValue() refuses to overwrite what it has not read", () =>
  withState(async (state) => {
    await write(state, { catalog: "sql" }, 0);
    await rejectsWith(write(state, { catalog: "rest" }, 0), CHANGED);
    await write(state, { catalog: "rest" }, 1);
    await rejectsWith(write(state, { catalog: "hadoop" }, 1), CHANGED);
    await rejectsWith(write(state, { catalog: "hadoop" }, 7), CHANGED);
    const stored = await readStoredValue(state, "config", { schema });
    assert.equal(stored?.value.catalog, "rest");
  }));

Deno.test("writeStoredValue() refuses a document beyond its bound", () =>
  withState(async (state) => {
    const value = { catalog: "x".repeat(1024 * 1024) };
    const expected = { kind: "too_large", code: "stored_value_too_large" } as const;
    await rejectsWith(write(state, value, 0), expected);
  }));

Deno.test("readStoredValue() refuses a document that its schema does not know, without showing it", () =>
  withState(async (state) => {
    await write(state, { catalog: 7, password: "hunter2" }, 0);
    const expected = { kind: "internal", code: "stored_value_invalid" } as const;
    const error = await rejectsWith(readStoredValue(state, "config", { schema }), expected);
    assert.doesNotMatch(JSON.stringify([error.message, error.context]), /hunter2/);
  }));
