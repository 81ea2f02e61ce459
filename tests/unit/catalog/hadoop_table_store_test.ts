import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { HadoopCatalog } from "../../../lib/catalog/hadoop_catalog.ts";
import { AppError } from "../../../lib/errors.ts";
import type { TableChange, TableStore } from "../../../lib/iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../../lib/iceberg/ports.ts";
import { MemoryFileIo, type MemoryFileIoOptions } from "../../../lib/storage/mod.ts";
import { rejectsWith } from "../../support/rejects.ts";
import {
  assertColumnsOnce,
  commitIds,
  commitOne,
  definitionOf,
  PATIENT,
  raceColumns,
  settingProperties,
  storeOf,
} from "../../support/writable_tables.ts";

const FOLDER = "/wh/db/t/metadata";
const isConflict = { kind: "conflict", code: "commit_conflict" } as const;
const isUnknown = { kind: "commit_state_unknown", code: "commit_state_unknown" } as const;
const isGone = { kind: "not_found", code: "table_not_found" } as const;

async function tableInMemory(
  properties: Readonly<Record<string, string>> = {},
  options: MemoryFileIoOptions = {},
) {
  const io = new MemoryFileIo(options);
  const storage = { local: null, s3: null };
  const catalog = new HadoopCatalog({ name: "drls", warehouse: "/wh", io, storage });
  const location = await catalog.createTable(definitionOf("db.t", { properties }));
  return { io, catalog, location, store: storeOf(catalog, location, io) };
}

function changeOf({ metadata }: LoadedTable, properties: Record<string, string>): TableChange {
  return {
    requirements: [],
    updates: [{ action: "set-properties", updates: properties }],
    // Without a prototype, as parsed ones are, so that both compare.
    metadata: {
      ...metadata,
      properties: Object.assign(Object.create(null), metadata.properties, properties),
    },
  };
}

async function commit(store: TableStore, base: LoadedTable, key: string): Promise<LoadedTable> {
  return await store.commit(base, changeOf(base, { [key]: "v" }), commitIds());
}

const text = async (io: MemoryFileIo, location: string) =>
  new TextDecoder().decode(await io.read(location));

Deno.test("commit() writes the next version, its log and its hint", async () => {
  const { io, store } = await tableInMemory();
  const one = await store.load();
  const two = await commit(store, one, "a");
  const three = await commit(store, two, "b");
  assert.equal(three.metadataLocation, `${FOLDER}/v3.metadata.json`);
  assert.equal(await text(io, `${FOLDER}/version-hint.text`), "3");
  const read = await store.load();
  assert.deepEqual(read.metadata, three.metadata);
  assert.deepEqual(read.metadata.metadataLog.map((entry) => entry.metadataFile), [
    `${FOLDER}/v1.metadata.json`,
    `${FOLDER}/v2.metadata.json`,
  ]);
  assert.deepEqual(Object.keys(read.metadata.properties), ["a", "b"]);
});

Deno.test("commit() of two on one version lets one through, and changes nothing for the other", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  const outcomes = await Promise.allSettled(
    ["a", "b", "c", "d"].map((key) => commit(store, base, key)),
  );
  assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    assert(outcome.reason instanceof AppError && outcome.reason.retryable);
    assert.equal(outcome.reason.code, "commit_conflict");
  }
  assert.equal(io.locations().length, 3);
});

Deno.test("commit() sees a newer version whose predecessors were deleted, with a hint that is stale", async () => {
  const properties = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "1",
  };
  const { io, store } = await tableInMemory(properties);
  const base = await store.load();
  for (const key of ["a", "b", "c", "d"]) await commitOne(store, settingProperties({ [key]: "v" }));
  // As a deletion that failed leaves it, and a hint that was written late.
  await io.put(base.metadataLocation, new TextEncoder().encode("{}"));
  await io.put(`${FOLDER}/version-hint.text`, new TextEncoder().encode("1"));
  assert(!io.locations().includes(`${FOLDER}/v2.metadata.json`));
  await rejectsWith(commit(store, base, "stale"), isConflict);
  assert(!io.locations().includes(`${FOLDER}/v2.metadata.json`));
});

Deno.test("commit() does not take another table of the same name and version for its base", async () => {
  const { catalog, store } = await tableInMemory();
  const base = await store.load();
  await catalog.dropTable(await catalog.locate("db.t"));
  await rejectsWith(commit(store, base, "a"), isGone);
  await catalog.createTable(definitionOf("db.t"));
  await rejectsWith(commit(store, base, "a"), isConflict);
  assert.deepEqual((await store.load()).metadata.metadataLog, []);
});

Deno.test("commit() names the file by the codec of what it replaces, so that writers agree", async () => {
  const { io, store } = await tableInMemory();
  const one = await store.load();
  const gzip = { "write.metadata.compression-codec": "gzip" };
  const two = await store.commit(one, changeOf(one, gzip), commitIds());
  // A writer that knows of no change of codec meets this one under the same name.
  await rejectsWith(commit(store, one, "rival"), isConflict);
  assert.equal(two.metadataLocation, `${FOLDER}/v2.metadata.json`);
  const three = await commit(store, two, "a");
  assert.equal(three.metadataLocation, `${FOLDER}/v3.gz.metadata.json`);
  assert.match(
    new TextDecoder().decode(gunzipSync(await io.read(three.metadataLocation))),
    /"a": "v"/,
  );
  const four = await store.commit(
    three,
    changeOf(three, { "write.metadata.compression-codec": "none" }),
    commitIds(),
  );
  assert.equal(four.metadataLocation, `${FOLDER}/v4.gz.metadata.json`);
  assert.equal((await commit(store, four, "b")).metadataLocation, `${FOLDER}/v5.metadata.json`);
  assert.deepEqual(Object.keys((await store.load()).metadata.properties).sort(), [
    "a",
    "b",
    "write.metadata.compression-codec",
  ]);
});

/** Runs `act` in the moment before or after the next version of the metadata is created. */
function atCommitPoint(
  io: MemoryFileIo,
  when: "before" | "after",
  act: () => void,
): void {
  io.injectFault({
    operation: "createIfAbsent",
    when,
    error: () => new TypeError("Never thrown"),
    matches(location) {
      if (/\/v\d+\./.test(location)) act();
      return false;
    },
  });
}

const JSON_RIVAL = new TextEncoder().encode('{"last-updated-ms": 1}');

for (const spelling of ["v2.gz.metadata.json", "v2.metadata.json.gz"]) {
  Deno.test(`commit() gives way to a rival's ${spelling}, which does not look for it`, async () => {
    const { io, store } = await tableInMemory();
    const base = await store.load();
    let acts = 0;
    atCommitPoint(io, "before", () => {
      if (acts++ === 0) void io.put(`${FOLDER}/${spelling}`, JSON_RIVAL);
    });
    await rejectsWith(commit(store, base, "a"), isConflict);
    assert.equal(acts > 0, true);
    assert.deepEqual(io.locations(), [
      `${FOLDER}/v1.metadata.json`,
      `${FOLDER}/${spelling}`,
      `${FOLDER}/version-hint.text`,
    ]);
  });
}

Deno.test("commit() takes nothing back that another may have built on", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  atCommitPoint(io, "after", () => {
    void io.put(`${FOLDER}/v2.gz.metadata.json`, JSON_RIVAL);
    void io.put(`${FOLDER}/v3.metadata.json`, JSON_RIVAL);
  });
  await rejectsWith(commit(store, base, "a"), isUnknown);
  assert(io.locations().includes(`${FOLDER}/v2.metadata.json`));
});

Deno.test("commit() that took itself back looks once more for who may have built on it", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  atCommitPoint(io, "after", () => void io.put(`${FOLDER}/v2.gz.metadata.json`, JSON_RIVAL));
  io.injectFault({
    operation: "delete",
    when: "before",
    error: () => new TypeError("Never thrown"),
    matches() {
      void io.put(`${FOLDER}/v3.metadata.json`, JSON_RIVAL);
      return false;
    },
  });
  await rejectsWith(commit(store, base, "a"), isUnknown);
});

Deno.test("commit() takes itself back where the table was dropped meanwhile", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  atCommitPoint(io, "after", () => void io.delete(base.metadataLocation));
  await rejectsWith(commit(store, base, "a"), isGone);
  assert.deepEqual(io.locations(), [`${FOLDER}/version-hint.text`]);
});

Deno.test("commit() cannot tell where it could not be taken back", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  atCommitPoint(io, "after", () => void io.delete(base.metadataLocation));
  io.injectFault({
    operation: "delete",
    when: "before",
    error: () => new AppError("unavailable", "storage_failed", "made up"),
    matches: (location) => location.endsWith("v2.metadata.json"),
  });
  await rejectsWith(commit(store, base, "a"), isUnknown);
});

Deno.test("commit() whose reply is lost is unknown, and found in the table by the transaction", async () => {
  const { io, store } = await tableInMemory({ ...PATIENT });
  const lose = () =>
    io.injectFault({
      operation: "createIfAbsent",
      when: "after",
      error: () => new AppError("commit_state_unknown", "create_state_unknown", "made up"),
    });
  lose();
  await rejectsWith(commit(store, await store.load(), "a"), isUnknown);
  lose();
  const table = await commitOne(store, settingProperties({ b: "v" }));
  assert.equal(table.metadataLocation, `${FOLDER}/v3.metadata.json`);
  assert.equal(table.metadata.properties["b"], "v");
});

Deno.test("commit() that cannot look around once its file is there is unknown, and keeps what it wrote", async () => {
  for (const unseen of ["v1.metadata.json", "v2.gz.metadata.json", "v3.metadata.json"]) {
    const { io, store } = await tableInMemory();
    const base = await store.load();
    io.injectFault({
      operation: "stat",
      when: "before",
      error: () => new AppError("unavailable", "store_down", "Cannot reach the store"),
      matches: (location) => location.endsWith(`/${unseen}`) && io.countUploads(isSecond) > 0,
      times: 100,
    });
    await rejectsWith(commit(store, base, "a"), isUnknown);
    assert.equal((await io.read(`${FOLDER}/v2.metadata.json`)).length > 0, true);
  }
});

const isSecond = (location: string) => location.endsWith("/v2.metadata.json");

Deno.test("commit() stands even where the hint cannot be written", async () => {
  const { io, store } = await tableInMemory();
  const error = () => new AppError("unavailable", "storage_failed", "made up");
  io.injectFault({ operation: "put", when: "before", error, times: 3 });
  let table = await store.load();
  for (const key of ["a", "b", "c"]) table = await commit(store, table, key);
  assert.equal(await text(io, `${FOLDER}/version-hint.text`), "1");
  assert.deepEqual((await store.load()).metadata, table.metadata);
});

Deno.test("commit() holds a change to what it requires of the table", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  const requirement = { type: "assert-last-assigned-field-id", lastAssignedFieldId: 7 } as const;
  const change = { ...changeOf(base, {}), requirements: [requirement] };
  await rejectsWith(store.commit(base, change, commitIds()), isConflict);
  assert.equal(io.locations().length, 2);
});

Deno.test("commit() leaves a table in its folder", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  const moved = { ...changeOf(base, {}), metadata: { ...base.metadata, location: "/wh/db/u" } };
  await rejectsWith(store.commit(base, moved, commitIds()), {
    kind: "invalid",
    code: "table_location_not_movable",
  });
  const change = changeOf(base, { "write.metadata.path": "/wh/elsewhere" });
  await rejectsWith(store.commit(base, change, commitIds()), {
    kind: "invalid",
    code: "metadata_path_not_movable",
  });
  assert.equal(io.locations().length, 2);
});

Deno.test("commit() sets no codec that it could not write the next version with", async () => {
  const { io, store } = await tableInMemory();
  const base = await store.load();
  const change = changeOf(base, { "write.metadata.compression-codec": "zstd" });
  await rejectsWith(store.commit(base, change, commitIds()), {
    kind: "unsupported",
    code: "metadata_codec_unsupported",
  });
  assert.equal(io.locations().length, 2);
});

Deno.test("commit() can free a table from a codec that another engine set", async () => {
  const { io, store, location } = await tableInMemory();
  assert(location.kind === "file");
  const written = await text(io, location.metadataLocation);
  const zstd = written.replace(
    '"properties": {}',
    '"properties": {"write.metadata.compression-codec": "zstd"}',
  );
  await io.put(location.metadataLocation, new TextEncoder().encode(zstd));
  const base = await store.load();
  await rejectsWith(commit(store, base, "a"), {
    kind: "unsupported",
    code: "metadata_codec_unsupported",
  });
  const freed = changeOf(base, { "write.metadata.compression-codec": "none" });
  assert.equal(
    (await store.commit(base, freed, commitIds())).metadataLocation,
    `${FOLDER}/v2.metadata.json`,
  );
});

Deno.test("a table that was copied here, or belongs to another catalog, is not committed to", async () => {
  const { io, catalog, location } = await tableInMemory();
  assert(location.kind === "file");
  const bytes = await io.read(location.metadataLocation);
  await io.put("/wh/db/copy/metadata/v1.metadata.json", bytes);
  const uuid = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
  const elsewhere = (await text(io, location.metadataLocation))
    .replace('"location": "/wh/db/t"', '"location": "/wh/db/sql"');
  await io.put(
    `/wh/db/sql/metadata/00007-${uuid}.metadata.json`,
    new TextEncoder().encode(elsewhere),
  );
  const before = io.locations();
  for (const name of ["db.copy", "db.sql"]) {
    const store = storeOf(catalog, await catalog.locate(name), io);
    const base = await store.load();
    assert.notEqual(base.readOnly, null);
    await rejectsWith(commit(store, base, "a"), { kind: "unsupported", code: "table_read_only" });
  }
  assert.deepEqual(io.locations(), before);
});

Deno.test("load() follows a table whose metadata goes away between looking and reading", async () => {
  const { io, store } = await tableInMemory({
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "1",
  });
  const serialized = await text(io, `${FOLDER}/v1.metadata.json`);
  let moves = 0;
  io.injectFault({
    operation: "read",
    when: "before",
    error: () => new TypeError("Never thrown"),
    matches(location) {
      if (!location.endsWith("v1.metadata.json") || moves++ > 0) return false;
      const bytes = new TextEncoder().encode(serialized);
      void io.put(`${FOLDER}/v2.metadata.json`, bytes);
      void io.put(`${FOLDER}/version-hint.text`, new TextEncoder().encode("2"));
      void io.delete(location);
      return false;
    },
  });
  assert.equal((await store.load()).metadataLocation, `${FOLDER}/v2.metadata.json`);
  assert(moves > 0);
});

for (const codec of ["none", "gzip"]) {
  Deno.test(`of racing transactions every one that is acknowledged is in (metadata: ${codec})`, async () => {
    const properties = { ...PATIENT, "write.metadata.compression-codec": codec };
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random()));
    const { io, catalog, location } = await tableInMemory(properties, { pause });
    for (let n = 0; n < 10; n++) {
      io.injectFault({
        operation: "createIfAbsent",
        when: n % 2 === 0 ? "after" : "before",
        error: () => new AppError("commit_state_unknown", "create_state_unknown", "made up"),
        matches: (file) => /\/v\d+\./.test(file) && Math.random() < 0.2,
      });
    }
    const stores = Array.from({ length: 4 }, () => storeOf(catalog, location, io));
    const outcome = await raceColumns(stores, { commits: 6 });
    const table = await stores[0]?.load();
    assert(table !== undefined);
    assertColumnsOnce(table, outcome);
    assert.equal(outcome.acknowledged.length + outcome.unknown.length, 24);
    assert(outcome.acknowledged.length >= 18, `${outcome.unknown.length} unknown`);
  });
}
