/** Changing sql catalogs while other programs hold their files, or have put something into them. */
import assert from "node:assert/strict";
import { rejectsWith } from "../support/rejects.ts";
import { filesBelow, TABLES, withSqlCatalog } from "../support/sql_catalog_bed.ts";
import {
  commitIds,
  commitOne,
  definitionOf,
  PATIENT,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

/** Another program that holds the write lock until it is let go. */
async function holdLock(path: string): Promise<() => Promise<void>> {
  // Another process: POSIX locks of two SQLite libraries in one process do not meet.
  const program = `
    import { DatabaseSync } from "node:sqlite";
    const db = new DatabaseSync(Deno.args[0]);
    db.exec("BEGIN IMMEDIATE");
    console.log("locked");
    await Deno.stdin.read(new Uint8Array(1));
    db.exec("COMMIT");
    db.close();`;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["eval", program, path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  await output.read();
  return async () => {
    await holder.stdin.close();
    await output.cancel();
    await holder.status;
  };
}

for (const journal of ["delete", "wal"]) {
  Deno.test(`commits wait for another program's lock, and leave the journal as it is (${journal})`, async () => {
    await withSqlCatalog([`PRAGMA journal_mode = ${journal}`], async ({ path, open, sql }) => {
      const catalog = open();
      const location = await catalog.createTable(definitionOf("db.t", { properties: PATIENT }));
      const store = storeOf(catalog, location);
      const release = await holdLock(path);
      let ticks = 0;
      const ticking = setInterval(() => ticks++, 5);
      const committing = commitOne(store, settingProperties({ a: "b" }));
      const settled = committing.then(() => true);
      const early = await Promise.race([
        settled,
        new Promise((resolve) => setTimeout(() => resolve(false), 300)),
      ]);
      clearInterval(ticking);
      assert.equal(early, false);
      // The wait stands in nobody's way.
      assert(ticks > 20, `${ticks} ticks`);
      await release();
      await committing;
      assert.equal((await store.load()).metadata.properties["a"], "b");
      assert.deepEqual(await sql("PRAGMA journal_mode"), [[journal]]);
      assert.deepEqual(await sql("PRAGMA integrity_check"), [["ok"]]);
    });
  });
}

Deno.test("a lock that is not let go ends a commit, with nothing changed and no file left", async () => {
  await withSqlCatalog([], async ({ dir, path, open }) => {
    const catalog = open();
    const store = storeOf(catalog, await catalog.createTable(definitionOf("db.t")));
    const base = await store.load();
    const files = await filesBelow(`${dir}/wh`);
    const release = await holdLock(path);
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const error = await rejectsWith(store.commit(base, change, commitIds()), {
      kind: "unavailable",
      code: "catalog_database_busy",
    });
    assert.equal(error.retryable, true);
    await release();
    assert.deepEqual(await filesBelow(`${dir}/wh`), files);
    await commitOne(store, settingProperties({ a: "b" }));
  });
});

Deno.test("a signal ends the wait for a lock, and then nothing was changed", async () => {
  await withSqlCatalog([], async ({ path, open, sql }) => {
    const catalog = open();
    const location = await catalog.createTable(definitionOf("db.t"));
    const release = await holdLock(path);
    const signal = AbortSignal.timeout(100);
    await rejectsWith(catalog.dropTable(location, { signal }), {
      kind: "deadline_exceeded",
      code: "deadline_exceeded",
    });
    await release();
    assert.equal((await sql(TABLES)).length, 1);
  });
});

Deno.test("tables with triggers are read and not changed", async () => {
  await withSqlCatalog([], async ({ open, sql }) => {
    const catalog = open();
    const location = await catalog.createTable(definitionOf("db.t"));
    await sql(`CREATE TRIGGER forever AFTER UPDATE ON iceberg_tables BEGIN
      INSERT INTO iceberg_namespace_properties WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
        SELECT i + 1 FROM n) SELECT 'drls', i, 'a', 'b' FROM n; END`);
    const store = storeOf(catalog, location);
    const refused = { kind: "unsupported", code: "catalog_tables_have_triggers" } as const;
    await rejectsWith(commitOne(store, settingProperties({ a: "b" })), refused);
    await rejectsWith(catalog.createTable(definitionOf("db.u")), refused);
    await rejectsWith(catalog.dropTable(location), refused);
    assert.deepEqual(await catalog.locate("db.t"), location);
  });
});

Deno.test({
  name: "a database that is read-only says so",
  // The superuser's writes pass whatever the mode says.
  ignore: Deno.uid() === 0,
  fn: async () => {
    await withSqlCatalog([], async ({ path, open }) => {
      const catalog = open();
      const location = await catalog.createTable(definitionOf("db.t"));
      await catalog.close();
      await Deno.chmod(path, 0o444);
      await rejectsWith(open().dropTable(location), {
        kind: "unavailable",
        code: "catalog_database_read_only",
      });
    });
  },
});
