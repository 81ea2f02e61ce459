import assert from "node:assert/strict";
import { createClient, type ResultSet } from "@libsql/client";
import { join } from "node:path";
import { z } from "zod";
import { BUSY_TIMEOUT_MS, openClients } from "../../lib/state/_clients.ts";
import { openState, sql } from "../../lib/state/mod.ts";
import { rejectsWith } from "../support/rejects.ts";

async function withDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-state-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function pragmas(run: (statement: string) => Promise<ResultSet>): Promise<unknown[]> {
  const names = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"];
  const results = await Promise.all(names.map((name) => run(`PRAGMA ${name}`)));
  return results.map(({ rows }) => rows[0]?.[0]);
}

const DURABLE = ["wal", 2, 1, BUSY_TIMEOUT_MS];

Deno.test("openClients() sets durability and foreign keys on each connection, in transactions too", () =>
  withDir(async (dir) => {
    const options = { url: "file:state.db", authToken: null, dataDir: dir };
    const clients = await openClients(options);
    assert.deepEqual(await pragmas((statement) => clients.query(statement)), DURABLE);
    for (let round = 0; round < 3; round++) {
      const tx = await clients.begin();
      assert.deepEqual(await pragmas((statement) => tx.execute(statement)), DURABLE);
      await tx.rollback();
      clients.renewWriter();
    }
    clients.renewReader();
    assert.deepEqual(await pragmas((statement) => clients.query(statement)), DURABLE);
    await clients.close();
  }));

Deno.test("openClients() refuses to write through the reader, after a renewal too", () =>
  withDir(async (dir) => {
    const clients = await openClients({ url: "file:state.db", authToken: null, dataDir: dir });
    const writing = () => clients.query("CREATE TABLE t (x INTEGER)");
    await assert.rejects(writing(), { code: "SQLITE_READONLY" });
    clients.renewReader();
    await assert.rejects(writing(), { code: "SQLITE_READONLY" });
    await clients.close();
  }));

Deno.test("the SQL client's own defaults are durable, in case it reopens a connection by itself", () =>
  withDir(async (dir) => {
    const client = createClient({ url: `file:${join(dir, "fresh.db")}` });
    assert.deepEqual((await pragmas((statement) => client.execute(statement))).slice(1, 3), [2, 1]);
    client.close();
  }));

Deno.test("openState() creates folder and files for their owner alone", () =>
  withDir(async (dir) => {
    const dataDir = join(dir, "deep", "data %41 ü");
    const state = await openState({ url: "file:state.db", authToken: null, dataDir });
    assert.equal((await Deno.stat(dataDir)).mode! & 0o777, 0o700);
    for (const name of ["state.db", "state.db-wal", "state.db-shm"]) {
      assert.equal((await Deno.stat(join(dataDir, name))).mode! & 0o777, 0o600, name);
    }
    await state.close();
  }));

Deno.test("openState() takes absolute paths and file:// URLs", () =>
  withDir(async (dir) => {
    const path = join(dir, "state.db");
    const first = await openState({ url: `file:${path}`, authToken: null, dataDir: "/" });
    await first.transaction((tx) =>
      tx.run(sql`INSERT INTO settings VALUES ('a', '1', 'test', 1, 0)`)
    );
    await first.close();
    const second = await openState({ url: `file://${path}`, authToken: null, dataDir: "/" });
    const rows = await second.read(z.object({ key: z.string() }), sql`SELECT key FROM settings`);
    assert.deepEqual(rows, [{ key: "a" }]);
    await second.close();
  }));

Deno.test("close() leaves a file that is complete without its log", () =>
  withDir(async (dir) => {
    const state = await openState({ url: "file:state.db", authToken: null, dataDir: dir });
    await state.transaction((tx) =>
      tx.run(sql`INSERT INTO settings VALUES ('a', '1', 'test', 1, 0)`)
    );
    await state.close();
    await Deno.copyFile(join(dir, "state.db"), join(dir, "copy.db"));
    const copy = await openState({ url: "file:copy.db", authToken: null, dataDir: dir });
    const rows = await copy.read(z.object({ key: z.string() }), sql`SELECT key FROM settings`);
    assert.deepEqual(rows, [{ key: "a" }]);
    await copy.close();
  }));

for (const url of ["file:", "file::memory:", "file:state.db?mode=ro"]) {
  Deno.test(`openState() refuses "${url}", of which two connections would not see the same`, () =>
    withDir(async (dataDir) => {
      const expected = { kind: "invalid", code: "invalid_state_url" } as const;
      await rejectsWith(openState({ url, authToken: null, dataDir }), expected);
    }));
}

Deno.test("openState() says that a file is no database, without its path", () =>
  withDir(async (dataDir) => {
    await Deno.writeTextFile(join(dataDir, "state.db"), "not a database ".repeat(100));
    const opening = openState({ url: "file:state.db", authToken: null, dataDir });
    const error = await rejectsWith(opening, { kind: "unavailable", code: "state_unusable" });
    assert.equal(error.retryable, false);
    assert.equal(error.message.includes(dataDir), false);
  }));

Deno.test("openState() says that a remote database cannot be reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const opening = openState({ url, authToken: null, dataDir: "/" });
  const error = await rejectsWith(opening, { kind: "unavailable", code: "state_unreachable" });
  assert.equal(error.retryable, true);
});

Deno.test("a state whose file was removed or replaced refuses reads and writes until it is back", () =>
  withDir(async (dir) => {
    const path = join(dir, "state.db");
    const state = await openState({ url: "file:state.db", authToken: null, dataDir: dir });
    const replaced = { kind: "unavailable", code: "state_replaced" } as const;
    const write = () => state.transaction((tx) => tx.run(sql`DELETE FROM audit`));
    await Deno.rename(path, `${path}.away`);
    await rejectsWith(state.ping(), replaced);
    await rejectsWith(write(), replaced);
    await Deno.copyFile(`${path}.away`, path);
    await rejectsWith(state.ping(), replaced);
    await rejectsWith(write(), replaced);
    await Deno.rename(`${path}.away`, path);
    await state.ping();
    await write();
    await state.close();
  }));

Deno.test("openState() says what to set where the database cannot be made", () =>
  withDir(async (dir) => {
    await Deno.writeTextFile(join(dir, "file"), "");
    await Deno.mkdir(join(dir, "folder", "state.db"), { recursive: true });
    for (const place of ["file", "folder"]) {
      const options = { url: "file:state.db", authToken: null, dataDir: join(dir, place) };
      const error = await rejectsWith(openState(options), {
        kind: "unavailable",
        code: "state_unwritable",
      });
      assert.match(error.message, /\((EEXIST|EISDIR|ENOTDIR)\)\. Set DRLS_DATA_DIR/);
    }
  }));
