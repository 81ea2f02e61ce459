import assert from "node:assert/strict";
import { HadoopCatalog } from "../../../lib/catalog/hadoop_catalog.ts";
import { AppError } from "../../../lib/errors.ts";
import { MemoryFileIo } from "../../../lib/storage/mod.ts";
import { rejectsWith } from "../../support/rejects.ts";
import {
  commitOne,
  definitionOf,
  PATIENT,
  settingProperties,
  storeOf,
} from "../../support/writable_tables.ts";

async function tableInMemory(properties: Readonly<Record<string, string>> = {}) {
  const io = new MemoryFileIo();
  const catalog = new HadoopCatalog({
    name: "drls",
    warehouse: "/wh",
    io,
    storage: { local: null, s3: null },
  });
  const location = await catalog.createTable(definitionOf("db.t", { properties }));
  await io.put("/wh/db/t/data/a.parquet", new Uint8Array([1]));
  await io.put("/wh/db/t/metadata/op-m0.avro", new Uint8Array([1]));
  return { io, catalog, location, store: storeOf(catalog, location, io) };
}

const isGone = { kind: "not_found", code: "table_not_found" } as const;
const isConflict = { kind: "conflict", code: "commit_conflict" } as const;

Deno.test("dropTable() takes the table out of the catalog and leaves its files", async () => {
  const { io, catalog, store } = await tableInMemory();
  await commitOne(store, settingProperties({ last: "one" }));
  await catalog.dropTable(await catalog.locate("db.t"));
  await rejectsWith(catalog.locate("db.t"), isGone);
  assert.deepEqual(await catalog.listTables(), []);
  const left = io.locations();
  assert.equal(left.length, 3);
  assert(left.includes("/wh/db/t/data/a.parquet") && left.includes("/wh/db/t/metadata/op-m0.avro"));
  const copy = left.find((location) => /\/dropped-v2-[0-9a-f-]{36}\.json$/.test(location));
  assert(copy !== undefined);
  assert.match(new TextDecoder().decode(await io.read(copy)), /"last": "one"/);
});

Deno.test("dropTable() makes room for another table of the same name", async () => {
  const { catalog, location } = await tableInMemory();
  await catalog.dropTable(location);
  const next = await catalog.createTable(definitionOf("db.t"));
  assert.deepEqual(await catalog.locate("db.t"), next);
});

Deno.test("dropTable() drops nothing that was changed since it was located", async () => {
  const { io, catalog, location, store } = await tableInMemory();
  await commitOne(store, settingProperties({ changed: "since" }));
  const before = io.locations();
  const error = await rejectsWith(catalog.dropTable(location), isConflict);
  assert.equal(error.retryable, true);
  assert.deepEqual(io.locations(), before);
});

Deno.test("dropTable() drops no table that took the name since", async () => {
  const { catalog, location, store } = await tableInMemory();
  await commitOne(store, settingProperties({ a: "b" }));
  const dropped = await catalog.locate("db.t");
  await catalog.dropTable(dropped);
  await rejectsWith(catalog.dropTable(dropped), isGone);
  const next = await catalog.createTable(definitionOf("db.t"));
  await rejectsWith(catalog.dropTable(dropped), isConflict);
  assert.deepEqual(await catalog.locate("db.t"), next);
  // The same version by number: only what is in it tells that it is another table.
  assert.deepEqual(next, location);
});

for (const codec of ["none", "gzip"]) {
  Deno.test(`dropTable() turns away a commit on the version it saw (metadata: ${codec})`, async () => {
    const { io, catalog, location, store } = await tableInMemory({
      "write.metadata.compression-codec": codec,
    });
    const base = await store.load();
    const metadata = { ...base.metadata, properties: { ...base.metadata.properties, late: "1" } };
    let late: Promise<unknown> = Promise.resolve();
    // Between the claim and the first deletion, a writer that knows nothing of it commits.
    io.injectFault({
      operation: "put",
      when: "before",
      error: () => new AppError("unavailable", "storage_failed", "made up"),
      matches: (file) => {
        late = store.commit(base, { requirements: [], updates: [], metadata }, {
          operationId: "op",
          commitId: "c",
        });
        return !file.includes("version-hint");
      },
    });
    await rejectsWith(catalog.dropTable(location), {
      kind: "unavailable",
      code: "storage_failed",
    });
    await rejectsWith(late, isConflict);
    // What was claimed is the table as it was: a drop that died half way has lost nothing.
    const claimed = await store.load();
    assert.deepEqual(claimed.metadata, base.metadata);
    await catalog.dropTable(await catalog.locate("db.t"));
    await rejectsWith(catalog.locate("db.t"), isGone);
  });
}

Deno.test("dropTable() and commits that cross leave no table that nobody knows of", async () => {
  let random = 1;
  // A small linear congruence, so that a failure can be repeated.
  const below = (limit: number) => (random = random * 48_271 % 2_147_483_647) % limit;
  const wait = async (turns: number) => {
    for (let turn = turns; turn > 0; turn--) await Promise.resolve();
  };
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 400; round++) {
    const io = new MemoryFileIo({ pause: () => wait(below(6)) });
    const storage = { local: null, s3: null };
    const catalog = new HadoopCatalog({ name: "drls", warehouse: "/wh", io, storage });
    const location = await catalog.createTable(definitionOf("db.t", { properties: PATIENT }));
    const store = storeOf(catalog, location, io);
    const drop = async () => {
      await wait(below(400));
      return await catalog.dropTable(location).then(() => "dropped", () => "kept");
    };
    const commit = async () => {
      const committed = [];
      for (const key of ["a", "b", "c"]) {
        try {
          await commitOne(store, settingProperties({ [key]: "v" }));
          committed.push(key);
        } catch {
          break;
        }
      }
      return committed;
    };
    const [dropped, committed] = await Promise.all([drop(), commit()]);
    const after = await store.load().catch((error: AppError) => error.kind);
    if (typeof after === "string") {
      assert.equal(after, "not_found");
    } else {
      // A drop that was acknowledged has dropped; what was committed to a table that is there is in.
      assert.equal(dropped, "kept", `round ${round}`);
      for (const key of committed) assert.equal(after.metadata.properties[key], "v");
    }
    const outcome = `${dropped}, ${typeof after === "string" ? "gone" : "there"}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  assert((outcomes.get("dropped, gone") ?? 0) > 20, JSON.stringify([...outcomes]));
  assert((outcomes.get("kept, there") ?? 0) > 20, JSON.stringify([...outcomes]));
});

Deno.test("dropTable() touches no table that another catalog keeps in the warehouse", async () => {
  const { io, catalog, location } = await tableInMemory();
  const bytes = await io.read("/wh/db/t/metadata/v1.metadata.json");
  const at = "/wh/db/other/metadata/00003-1b4e28ba-2fa1-41d2-883f-0016d3cca427.metadata.json";
  await io.put(at, bytes);
  const other = await catalog.locate("db.other");
  await rejectsWith(catalog.dropTable(other), {
    kind: "unsupported",
    code: "table_of_another_catalog",
  });
  assert.deepEqual(await catalog.locate("db.other"), other);
  assert.deepEqual(await catalog.locate("db.t"), location);
});
