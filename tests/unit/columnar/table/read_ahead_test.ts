import assert from "node:assert/strict";
import { readAhead } from "../../../../lib/columnar/table/read_ahead.ts";

interface Opened {
  readonly names: string[];
  readonly closed: string[];
}

/** Files of two batches each, and what was opened and closed. */
async function* listed(names: readonly string[]): AsyncGenerator<string> {
  for (const name of names) {
    await Promise.resolve();
    yield name;
  }
}

function reader(log: Opened, fails: string | null = null) {
  return async function* read(name: string): AsyncGenerator<string, void, undefined> {
    log.names.push(name);
    try {
      await Promise.resolve();
      if (name === fails) throw new Error(`Cannot read ${name}`);
      yield `${name}1`;
      yield `${name}2`;
    } finally {
      log.closed.push(name);
    }
  };
}

const small = () => 1;

Deno.test("readAhead() gives all batches in the order of the files", async () => {
  const log: Opened = { names: [], closed: [] };
  const batches = readAhead(listed(["a", "b", "c"]), { read: reader(log), bytesOf: small });
  assert.deepEqual(await Array.fromAsync(batches), ["a1", "a2", "b1", "b2", "c1", "c2"]);
  assert.deepEqual(log.closed.sort(), ["a", "b", "c"]);
});

Deno.test("readAhead() opens small files ahead, a bounded number, and large ones in their turn", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
  const log: Opened = { names: [], closed: [] };
  const few = readAhead(listed(names), { read: reader(log), bytesOf: small });
  await few.next();
  assert.ok(log.names.length > 1 && log.names.length <= 9, `${log.names.length} files`);
  await few.return();
  assert.deepEqual(log.closed.sort(), log.names.sort());
  const large: Opened = { names: [], closed: [] };
  const one = readAhead(listed(names), { read: reader(large), bytesOf: () => 2 ** 40 });
  await one.next();
  assert.equal(large.names.length, 1);
  await one.return();
});

Deno.test("readAhead() fails in the turn of the file that fails, and closes the others", async () => {
  const log: Opened = { names: [], closed: [] };
  const seen: string[] = [];
  await assert.rejects(async () => {
    const batches = readAhead(listed(["a", "b", "c"]), { read: reader(log, "b"), bytesOf: small });
    for await (const batch of batches) seen.push(batch);
  }, /Cannot read b/);
  assert.deepEqual(seen, ["a1", "a2"]);
  assert.deepEqual(log.closed.sort(), log.names.sort());
});
