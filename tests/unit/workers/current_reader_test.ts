import assert from "node:assert/strict";
import type { RefList } from "../../../lib/tables/mod.ts";
import { createCurrentReader } from "../../../workers/current_reader.ts";
import type { ReaderPool } from "../../../workers/reader_pool.ts";

const LOCATION = {
  kind: "file",
  identifier: { namespace: ["db"], name: "t" },
  metadataLocation: "/lake/db/t/metadata/v1.metadata.json",
  storage: { local: null, s3: null },
  foundAt: null,
} as const;
const PAGE = { limit: 1, cursor: null };

/** Pools that answer when told, and remember that they were closed. */
function setup() {
  const pools: { permissions: unknown; closed: boolean; reads: PromiseWithResolvers<RefList>[] }[] =
    [];
  const reader = createCurrentReader((permissions) => {
    const pool: typeof pools[number] = { permissions, closed: false, reads: [] };
    pools.push(pool);
    const unused = () => Promise.reject(new TypeError("Not part of the test"));
    const opened: ReaderPool = {
      schema: unused,
      snapshots: unused,
      files: unused,
      health: unused,
      refs: () => {
        const read = Promise.withResolvers<RefList>();
        pool.reads.push(read);
        return read.promise;
      },
      warm: () => {},
      stats: () => Promise.resolve([]),
      close: () => pool.closed = true,
    };
    return opened;
  }, { read: ["/a"] });
  return { reader, pools, refs: () => reader.refs(LOCATION, PAGE) };
}

const ANSWER: RefList = { success: true, table: "db.t", refs: [] };

Deno.test("createCurrentReader() keeps its isolates while the permissions stay", async () => {
  const { reader, pools, refs } = setup();
  reader.permit({ read: ["/a"] });
  const read = refs();
  pools[0]?.reads[0]?.resolve(ANSWER);
  assert.deepEqual(await read, ANSWER);
  assert.equal(pools.length, 1);
});

Deno.test("permit() lets the reads under way end on the isolates they began on", async () => {
  const { reader, pools, refs } = setup();
  const before = refs();
  reader.permit({ read: ["/b"] });
  const after = refs();
  assert.deepEqual(pools.map((pool) => pool.permissions), [{ read: ["/a"] }, { read: ["/b"] }]);
  assert.deepEqual(pools.map((pool) => pool.reads.length), [1, 1]);
  assert.equal(pools[0]?.closed, false);
  pools[0]?.reads[0]?.resolve(ANSWER);
  await before;
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(pools[0]?.closed, true);
  assert.equal(pools[1]?.closed, false);
  pools[1]?.reads[0]?.resolve(ANSWER);
  await after;
});

Deno.test("permit() closes isolates whose last read failed", async () => {
  const { reader, pools, refs } = setup();
  const read = refs();
  reader.permit({ read: ["/b"] });
  pools[0]?.reads[0]?.reject(new Error("lost"));
  await assert.rejects(read);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(pools[0]?.closed, true);
});

Deno.test("close() ends all isolates, those of earlier permissions too", () => {
  const { reader, pools, refs } = setup();
  const hung = refs();
  hung.catch(() => {
    // Nobody settles it in this test.
  });
  reader.permit({ read: ["/b"] });
  reader.close();
  assert.deepEqual(pools.map((pool) => pool.closed), [true, true]);
});
