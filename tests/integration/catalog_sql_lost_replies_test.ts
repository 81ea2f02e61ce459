/** Changing a sql catalog on a libSQL server that loses replies and repeats requests. */
import assert from "node:assert/strict";
import { openCatalog } from "../../lib/catalog/mod.ts";
import { rejectsWith } from "../support/rejects.ts";
import { type FakeLibsql, startFakeLibsql, type StatementFate } from "../support/fake_libsql.ts";
import {
  assertColumnsOnce,
  commitIds,
  commitOne,
  definitionOf,
  PATIENT,
  raceColumns,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

const isUnknown = { kind: "commit_state_unknown", code: "commit_state_unknown" } as const;
const isConflict = { kind: "conflict", code: "commit_conflict" } as const;

interface Bed {
  readonly dir: string;
  readonly fake: FakeLibsql;
  readonly catalog: ReturnType<typeof openCatalog>;
  /** Metadata files of the table. */
  readonly files: () => number;
}

async function withRemote(work: (bed: Bed) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-remote-" });
  await Deno.mkdir(`${dir}/wh`);
  {
    await using fake = startFakeLibsql(`${dir}/catalog.db`);
    const config = {
      type: "sql",
      name: "drls",
      warehouse: `${dir}/wh`,
      uri: fake.uri,
      extraProps: {},
    } as const;
    const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
    const files = () => [...Deno.readDirSync(`${dir}/wh/db/t/metadata`)].length;
    await work({ dir, fake, catalog, files });
    await catalog.close();
  }
  await Deno.remove(dir, { recursive: true });
}

/** The next statements that begin with `word` meet these fates, one each; all others run. */
function fates(fake: FakeLibsql, word: string, next: readonly StatementFate[]): void {
  const queue = [...next];
  fake.setFate((sql) => sql.startsWith(word) ? queue.shift() ?? "runs" : "runs");
}

async function table({ catalog }: Bed) {
  const location = await catalog.createTable(definitionOf("db.t", { properties: PATIENT }));
  const store = storeOf(catalog, location);
  return { location, store, base: await store.load() };
}

const OUTCOMES: readonly (readonly [what: string, fates: readonly StatementFate[]])[] = [
  ["a reply is lost after the swap", ["runs, reply lost"]],
  ["a request is lost before the swap", ["is lost"]],
  ["a swap comes through when its successor has been answered", ["runs late, reply lost"]],
  ["two replies are lost", ["runs, reply lost", "runs, reply lost"]],
  ["a proxy repeats the request", ["runs twice"]],
];

for (const [what, next] of OUTCOMES) {
  Deno.test(`commit() is acknowledged once and is there once, where ${what}`, async () => {
    await withRemote(async (bed) => {
      const { store, base } = await table(bed);
      fates(bed.fake, "UPDATE", next);
      const change = { requirements: [], updates: [], metadata: base.metadata };
      const committed = await store.commit(base, change, commitIds());
      assert.equal((await store.load()).metadataLocation, committed.metadataLocation);
      const again = await commitOne(store, settingProperties({ a: "b" }));
      assert.deepEqual(
        again.metadata.metadataLog.map((entry) => entry.metadataFile),
        [base.metadataLocation, committed.metadataLocation],
      );
      assert.equal(bed.files(), 3);
    });
  });
}

Deno.test("commit() that is never answered is unknown, keeps its file, and names it", async () => {
  await withRemote(async (bed) => {
    const { store, base } = await table(bed);
    bed.fake.setFate((sql) => sql.startsWith("UPDATE") ? "is lost" : "runs");
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const error = await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
    assert.equal(bed.files(), 2);
    const location = error.context["metadataLocation"];
    assert(typeof location === "string");
    assert((await Deno.stat(location)).isFile);
  });
});

Deno.test("commit() sent again by the transaction uses the same file", async () => {
  await withRemote(async (bed) => {
    const { store, base } = await table(bed);
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const ids = commitIds();
    bed.fake.setFate((sql) => sql.startsWith("UPDATE") ? "is lost" : "runs");
    await rejectsWith(store.commit(base, change, ids), isUnknown);
    bed.fake.setFate(() => "runs");
    const committed = await store.commit(base, change, ids);
    assert.equal(bed.files(), 2);
    assert.equal((await store.load()).metadataLocation, committed.metadataLocation);
  });
});

Deno.test("commit() that loses to a late one of its own is no conflict, and to a rival is one", async () => {
  await withRemote(async (bed) => {
    const { store, base } = await table(bed);
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const rival = { ...change, metadata: { ...base.metadata, properties: { by: "rival" } } };
    const [one, two] = await Promise.allSettled([
      store.commit(base, change, commitIds()),
      store.commit(base, rival, commitIds()),
    ]);
    assert.deepEqual([one.status, two.status].toSorted(), ["fulfilled", "rejected"]);
    const refused = one.status === "rejected" ? one : two;
    assert(refused.status === "rejected");
    await rejectsWith(Promise.reject(refused.reason), isConflict);
    assert.equal(bed.files(), 2);
  });
});

Deno.test("commit() that the database refuses has changed nothing and leaves no file", async () => {
  await withRemote(async (bed) => {
    const { store, base } = await table(bed);
    fates(bed.fake, "UPDATE", ["fails"]);
    const change = { requirements: [], updates: [], metadata: base.metadata };
    await rejectsWith(store.commit(base, change, commitIds()), {
      kind: "unavailable",
      code: "catalog_database_failed",
    });
    assert.equal(bed.files(), 1);
  });
});

for (
  const fate of ["runs, reply lost", "is lost", "runs late, reply lost", "runs twice"] as const
) {
  Deno.test(`createTable() and dropTable() are settled where a statement ${fate}`, async () => {
    await withRemote(async (bed) => {
      fates(bed.fake, "INSERT INTO iceberg_tables", [fate]);
      const { location } = await table(bed);
      assert.deepEqual(await bed.catalog.locate("db.t"), location);
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.deepEqual(await bed.catalog.listTables(), [location.identifier]);
      fates(bed.fake, "DELETE", [fate === "runs late, reply lost" ? "runs, reply lost" : fate]);
      // A proxy that repeats a DELETE makes the second answer say that nothing was there.
      const dropping = bed.catalog.dropTable(location);
      if (fate === "runs twice") {
        await rejectsWith(dropping, { kind: "not_found", code: "table_not_found" });
      } else {
        await dropping;
      }
      assert.deepEqual(await bed.catalog.listTables(), []);
    });
  });
}

Deno.test("of commits that race over a bad line every acknowledged one is in", async () => {
  await withRemote(async (bed) => {
    const { location, store } = await table(bed);
    const bad: readonly StatementFate[] = ["runs, reply lost", "is lost", "runs twice"];
    let updates = 0;
    bed.fake.setFate((sql) => {
      if (!sql.startsWith("UPDATE")) return "runs";
      return updates++ % 3 === 0 ? bad[updates % bad.length] ?? "runs" : "runs";
    });
    const stores = Array.from({ length: 3 }, () => storeOf(bed.catalog, location));
    const outcome = await raceColumns(stores, { commits: 5 });
    bed.fake.setFate(() => "runs");
    assertColumnsOnce(await store.load(), outcome);
    assert.deepEqual(outcome.unknown, []);
    assert.equal(outcome.acknowledged.length, 15);
  });
});

Deno.test("a server that refuses the token has changed nothing", async () => {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("no", { status: 401 }),
  );
  const dir = await Deno.makeTempDir();
  const config = {
    type: "sql",
    name: "drls",
    warehouse: dir,
    uri: `http://127.0.0.1:${server.addr.port}`,
    extraProps: {},
  } as const;
  const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
  const swap = { kind: "swap", base: "/a.metadata.json", next: "/b.metadata.json" } as const;
  await rejectsWith(catalog.commit({ namespace: ["db"], name: "t" }, swap), {
    kind: "unavailable",
    code: "catalog_database_refused",
  });
  await catalog.close();
  await server.shutdown();
  await Deno.remove(dir);
});

Deno.test("a server that is away leaves it open: nobody tells whether the request left", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const uri = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const config = { type: "sql", name: "drls", warehouse: "/wh", uri, extraProps: {} } as const;
  const catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
  const swap = { kind: "swap", base: "/a.metadata.json", next: "/b.metadata.json" } as const;
  await rejectsWith(catalog.commit({ namespace: ["db"], name: "t" }, swap), isUnknown);
  await catalog.close();
});
