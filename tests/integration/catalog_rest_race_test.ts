/** Commits to REST catalogs over lines that break, proxies that repeat, and against each other. */
import assert from "node:assert/strict";
import { restError, startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import type { ChangeFate } from "../support/fake_rest_tables.ts";
import { FaultyProxy } from "../support/faulty_proxy.ts";
import { rejectsWith } from "../support/rejects.ts";
import {
  commits,
  isCommit,
  openRest,
  openTable,
  withRestTables,
} from "../support/rest_tables_bed.ts";
import {
  assertColumnsOnce,
  commitIds,
  commitOne,
  raceColumns,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

const isUnknown = { kind: "commit_state_unknown", code: "commit_state_unknown" } as const;

Deno.test("commit() whose connection breaks is unknown, and was sent once", async () => {
  await withRestTables({}, async (bed) => {
    const { base, change } = await openTable(bed);
    await using proxy = await FaultyProxy.start(Number(new URL(bed.server.uri).port));
    const catalog = openRest(proxy.origin);
    // Leaves a connection behind, over which the runtime would send the commit twice.
    const store = storeOf(catalog, await catalog.locate("a.b.t"));
    proxy.planReplies("lose");
    await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
    assert.equal(commits(bed.server).length, 1);
    proxy.planReplies("lose");
    const now = await commitOne(store, settingProperties({ c: "d" }));
    assert.equal(now.metadata.properties["c"], "d");
    assert.equal(commits(bed.server).length, 2);
  });
});

for (const isIdempotent of [false, true]) {
  const kind = isIdempotent ? "with" : "without";
  Deno.test(`of racing transactions every acknowledged one is in, ${kind} keys, over a bad line`, async () => {
    await withRestTables({ isIdempotent }, async (bed) => {
      const { location, store } = await openTable(bed);
      let count = 0;
      const bad: readonly ChangeFate[] = [
        { status: 500, after: true },
        { status: 504, after: false },
        { status: 503, after: true, headers: { "retry-after": "1" } },
      ];
      bed.fake.setFate((request) => {
        if (!isCommit(request) || ++count % 4 !== 0) return null;
        return bad[count / 4 % bad.length] ?? null;
      });
      const stores = Array.from({ length: 4 }, () => storeOf(bed.catalog, location));
      const outcome = await raceColumns(stores, { commits: 5 });
      const { metadata } = await store.load();
      assertColumnsOnce({ ...await store.load(), metadata }, outcome);
      assert.equal(outcome.acknowledged.length + outcome.unknown.length, 20);
      assert(outcome.acknowledged.length >= 18, `${outcome.unknown}`);
    });
  });
}

Deno.test("commit() that a proxy repeats is acknowledged once and done once", async () => {
  await withRestTables({}, async (bed) => {
    const { location, store } = await openTable(bed);
    bed.fake.setFate((request) => isCommit(request) ? "done twice" : null);
    const outcome = await raceColumns([storeOf(bed.catalog, location)], { commits: 6 });
    assertColumnsOnce(await store.load(), outcome);
    assert.equal(outcome.acknowledged.length, 6);
    assert.equal(bed.fake.applied(), 6);
  });
});

Deno.test("commit() that was refused cannot be told where the table cannot be looked at", async () => {
  await withRestTables({}, async (bed) => {
    const { base, change } = await openTable(bed);
    let isDown = false;
    await using server = startFakeRestCatalog((request) => {
      if (isDown) return restError(500, "Down");
      isDown = isCommit(request);
      return isDown ? restError(409, "CommitFailedException") : null;
    }, bed.fake.handler);
    const catalog = openRest(server.uri);
    const store = storeOf(catalog, await catalog.locate("a.b.t"));
    await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
  });
});
