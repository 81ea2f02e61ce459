import assert from "node:assert/strict";
import { z } from "zod";
import { type Migration, openState, sql } from "../../lib/state/mod.ts";
import { rejectsWith } from "../support/rejects.ts";

const FIRST: Migration = { name: "0001_create_a", sql: "CREATE TABLE a (x INTEGER) STRICT;" };
const SECOND: Migration = {
  name: "0002_create_b",
  sql: "CREATE TABLE b (x INTEGER) STRICT;\nINSERT INTO b VALUES (1), (2);\n",
};

async function withDir(
  test: (open: (migrations: readonly Migration[]) => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-migrate-" });
  /** Opens with these migrations; the names of the tables that are there then. */
  async function open(migrations: readonly Migration[]): Promise<string[]> {
    const options = { url: "file:state.db", authToken: null, dataDir, migrations };
    const state = await openState(options);
    try {
      const rows = await state.read(
        z.object({ name: z.string() }),
        sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migrations'
          ORDER BY name`,
      );
      return rows.map(({ name }) => name);
    } finally {
      await state.close();
    }
  }
  try {
    await test(open);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("openState() applies what is missing, once", () =>
  withDir(async (open) => {
    assert.deepEqual(await open([FIRST]), ["a"]);
    assert.deepEqual(await open([FIRST, SECOND]), ["a", "b"]);
    assert.deepEqual(await open([FIRST, SECOND]), ["a", "b"]);
  }));

Deno.test("openState() refuses a database whose recorded migration differs from ours", () =>
  withDir(async (open) => {
    await open([FIRST]);
    const edited = { ...FIRST, sql: FIRST.sql.replace("x", "y") };
    const expected = { kind: "unsupported", code: "state_migration_differs" } as const;
    const error = await rejectsWith(open([edited, SECOND]), expected);
    assert.match(error.message, /"0001_create_a"/);
    assert.deepEqual(await open([FIRST]), ["a"]);
  }));

Deno.test("openState() refuses a database that a newer version has migrated", () =>
  withDir(async (open) => {
    await open([FIRST, SECOND]);
    const expected = { kind: "unsupported", code: "state_too_new" } as const;
    const error = await rejectsWith(open([FIRST]), expected);
    assert.match(error.message, /"0002_create_b"/);
  }));

Deno.test("openState() leaves nothing of a migration that fails halfway", () =>
  withDir(async (open) => {
    const broken = { ...SECOND, sql: `${SECOND.sql}INSERT INTO nowhere VALUES (1);` };
    await rejectsWith(open([FIRST, broken]), { kind: "internal", code: "state_failed" });
    assert.deepEqual(await open([FIRST]), ["a"]);
    assert.deepEqual(await open([FIRST, SECOND]), ["a", "b"]);
  }));
