/** Changing tables of REST catalogs: what is sent, how often, and what the answers mean. */
import assert from "node:assert/strict";
import { isUuid } from "../../lib/uuid_v7.ts";
import { restError, startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import { rejectsWith } from "../support/rejects.ts";
import {
  commits,
  fates,
  isCommit,
  openRest,
  openTable,
  withRestTables,
} from "../support/rest_tables_bed.ts";
import {
  addingColumn,
  commitIds,
  commitOne,
  definitionOf,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

const isUnknown = { kind: "commit_state_unknown", code: "commit_state_unknown" } as const;
const isConflict = { kind: "conflict", code: "commit_conflict" } as const;
const isGone = { kind: "not_found", code: "table_not_found" } as const;

Deno.test("createTable() makes the namespaces that are missing, and the table", async () => {
  await withRestTables({}, async ({ fake, server, catalog }) => {
    const created = await catalog.createTable(
      definitionOf("a.b.t", { formatVersion: 3, properties: { p: "q" } }),
    );
    assert.deepEqual(server.seen.slice(1).map(({ method, path }) => `${method} ${path}`), [
      "POST /v1/namespaces/a%1Fb/tables",
      "POST /v1/namespaces",
      "POST /v1/namespaces",
      "POST /v1/namespaces/a%1Fb/tables",
    ]);
    const request = JSON.parse(server.seen.at(-1)?.body ?? "");
    assert.equal(request["stage-create"], false);
    assert.deepEqual(Object.keys(request).sort(), [
      "name",
      "partition-spec",
      "properties",
      "schema",
      "stage-create",
      "write-order",
    ]);
    assert.equal(fake.tables.get("a.b.t")?.formatVersion, 3);
    assert.deepEqual(await catalog.locate("a.b.t"), created);
    await rejectsWith(catalog.createTable(definitionOf("a.b.t")), {
      kind: "already_exists",
      code: "table_exists",
    });
    await catalog.createTable(definitionOf("a.b.u"));
    assert.equal(server.paths().filter((path) => path === "/v1/namespaces").length, 2);
  });
});

Deno.test("createTable() sends nothing of a definition that makes no valid table", async () => {
  await withRestTables({}, async ({ server, catalog }) => {
    const partition = {
      sourceIds: [9],
      fieldId: 1,
      name: "x",
      transform: { kind: "day" },
    } as const;
    const broken = definitionOf("a.t", { spec: { specId: 0, fields: [partition] } });
    await rejectsWith(catalog.createTable(broken), {
      kind: "invalid",
      code: "table_definition_invalid",
    });
    assert.deepEqual(server.seen.filter(({ method }) => method === "POST"), []);
  });
});

Deno.test("commit() is one request, and its answer is the table", async () => {
  await withRestTables({}, async (bed) => {
    const { store, base, change } = await openTable(bed);
    const committed = await store.commit(base, change, commitIds());
    const [request, ...others] = commits(bed.server);
    assert.deepEqual(others, []);
    assert.equal(request?.headers.get("content-type"), "application/json");
    assert.equal(request?.headers.get("idempotency-key"), null);
    assert.deepEqual(JSON.parse(request?.body ?? ""), {
      identifier: { namespace: ["a", "b"], name: "t" },
      requirements: [{ type: "assert-table-uuid", uuid: base.metadata.tableUuid }],
      updates: [{ action: "set-properties", updates: { a: "b" } }],
    });
    assert.equal(committed.metadataLocation, "s3://lake/a/b/t/metadata/00001-x.metadata.json");
    assert.equal(committed.metadata.properties["a"], "b");
    // The answer to a commit vends nothing: the table is read on as it was.
    assert.equal(committed.io, base.io);
    assert.equal(store.keepsMetadataFiles, true);
  });
});

Deno.test("commit() of a schema names the last column, for servers that insist on it", async () => {
  await withRestTables({}, async (bed) => {
    const { store } = await openTable(bed);
    await commitOne(store, addingColumn("c"));
    const [update] = JSON.parse(commits(bed.server)[0]?.body ?? "").updates;
    assert.equal(update["last-column-id"], 3);
  });
});

Deno.test("commit() carries its key where the server knows keys", async () => {
  await withRestTables({ isIdempotent: true }, async (bed) => {
    const { store, base, change } = await openTable(bed);
    const ids = commitIds();
    await store.commit(base, change, ids);
    assert.equal(commits(bed.server)[0]?.headers.get("idempotency-key"), ids.commitId);
    const keys = bed.server.seen.filter(({ method }) => method !== "GET")
      .map(({ headers }) => headers.get("idempotency-key") ?? "");
    assert(keys.every(isUuid));
    assert.equal(new Set(keys).size, keys.length);
  });
});

const REFUSALS = [
  { status: 400, type: "BadRequestException", kind: "unsupported", code: "catalog_refused_change" },
  {
    status: 401,
    type: "NotAuthorizedException",
    kind: "unavailable",
    code: "catalog_unauthorized",
  },
  { status: 403, type: "ForbiddenException", kind: "unavailable", code: "catalog_forbidden" },
  { status: 404, type: "NoSuchTableException", ...isGone },
  { status: 404, type: "NotFoundException", kind: "unavailable", code: "catalog_not_found" },
  { status: 409, type: "CommitFailedException", ...isConflict },
  { status: 422, type: "UnprocessableEntity", kind: "unsupported", code: "catalog_refused_change" },
  { status: 501, type: "UnsupportedOperation", kind: "unavailable", code: "catalog_failed" },
  { status: 302, type: "Found", kind: "unavailable", code: "catalog_redirects" },
] as const;

for (const { status, type, kind, code } of REFUSALS) {
  Deno.test(`commit() that is answered with ${status} ${type} is ${kind}`, async () => {
    await withRestTables({}, async (bed) => {
      const { store, base, change } = await openTable(bed);
      await using refusing = startFakeRestCatalog(
        (request) => isCommit(request) ? restError(status, type, "/home/secret") : null,
        bed.fake.handler,
      );
      const other = storeOf(openRest(refusing.uri), await openRest(refusing.uri).locate("a.b.t"));
      const error = await rejectsWith(other.commit(base, change, commitIds()), { kind, code });
      assert.equal(error.retryable, kind === "conflict");
      assert(!error.message.includes("secret"));
      assert.equal(commits(refusing).length, 1);
      assert.equal((await store.load()).metadata.properties["a"], undefined);
    });
  });
}

for (const status of [500, 502, 503, 504]) {
  for (const after of [false, true]) {
    const when = after ? "after" : "without";
    Deno.test(`commit() answered with ${status} ${when} being done is unknown, and sent once`, async () => {
      await withRestTables({}, async (bed) => {
        const { store, base, change } = await openTable(bed);
        fates(bed.fake, [{ status, after, headers: { "retry-after": "1" } }]);
        await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
        assert.equal(commits(bed.server).length, 1);
      });
    });

    Deno.test(`commit() answered with ${status} ${when} being done is sent again under its key`, async () => {
      await withRestTables({ isIdempotent: true }, async (bed) => {
        const { store, base, change } = await openTable(bed);
        fates(bed.fake, [{ status, after }, { status, after }]);
        const committed = await store.commit(base, change, commitIds());
        assert.equal(committed.metadata.properties["a"], "b");
        assert.equal(bed.fake.applied(), 1);
        const keys = commits(bed.server).map(({ headers }) => headers.get("idempotency-key"));
        assert.equal(keys.length, 3);
        assert.equal(new Set(keys).size, 1);
      });
    });
  }
}

Deno.test("commit() is sent again where the server was too busy to look at it", async () => {
  await withRestTables({}, async (bed) => {
    const { store, base, change } = await openTable(bed);
    fates(bed.fake, [{ status: 429, after: false }, { status: 429, after: false }]);
    await store.commit(base, change, commitIds());
    assert.equal(commits(bed.server).length, 3);
    fates(bed.fake, [{ status: 429, after: false, headers: { "retry-after": "90" } }]);
    const again = { ...change, metadata: base.metadata };
    const error = await rejectsWith(store.commit(base, again, commitIds()), {
      kind: "unavailable",
      code: "catalog_throttled",
    });
    assert.equal(error.retryAfterSeconds, 90);
  });
});

Deno.test("commit() under its key ends after a bounded number of attempts", async () => {
  await withRestTables({ isIdempotent: true }, async (bed) => {
    const { store, base, change } = await openTable(bed);
    fates(bed.fake, Array(20).fill({ status: 500, after: false }));
    await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
    assert.equal(commits(bed.server).length, 4);
  });
});

for (const second of [401, 403, 404, 409, 419]) {
  Deno.test(`commit() is not taken for refused where ${second} answers its repetition`, async () => {
    await withRestTables({ isIdempotent: true }, async (bed) => {
      const { store, base, change } = await openTable(bed);
      fates(bed.fake, [{ status: 500, after: true }, { status: second, after: false }]);
      await rejectsWith(store.commit(base, change, commitIds()), isUnknown);
    });
  });
}

Deno.test("commit() that came second is a conflict, also under its key after a lost answer", async () => {
  await withRestTables({ isIdempotent: true }, async (bed) => {
    const { store, base, change: wanted } = await openTable(bed);
    const change = {
      ...wanted,
      requirements: [{ type: "assert-last-assigned-field-id", lastAssignedFieldId: 7 }],
    } as const;
    await rejectsWith(store.commit(base, change, commitIds()), isConflict);
    fates(bed.fake, [{ status: 502, after: true }]);
    await rejectsWith(store.commit(base, change, commitIds()), isConflict);
  });
});

Deno.test("commit() whose answer cannot be read has happened all the same", async () => {
  await withRestTables({}, async (bed) => {
    const { base, change } = await openTable(bed);
    await using garbling = startFakeRestCatalog(
      (request) => {
        if (!isCommit(request)) return null;
        bed.fake.handler(request);
        return new Response("<html>ok</html>");
      },
      bed.fake.handler,
    );
    const catalog = openRest(garbling.uri);
    const store = storeOf(catalog, await catalog.locate("a.b.t"));
    const committed = await store.commit(base, change, commitIds());
    assert.equal(committed.metadata.properties["a"], "b");
    assert.equal(bed.fake.applied(), 1);
  });
});

Deno.test("commit() is not sent once it was cancelled, and waited for after that", async () => {
  await withRestTables({}, async (bed) => {
    const { location } = await openTable(bed);
    const commit = { kind: "rest", body: new Uint8Array(), idempotencyKey: "k" } as const;
    const signal = AbortSignal.abort();
    await rejectsWith(bed.catalog.commit(location.identifier, commit, { signal }), {
      kind: "cancelled",
      code: "cancelled",
    });
    assert.equal(commits(bed.server).length, 0);
    const cancel = new AbortController();
    bed.fake.setFate(() => {
      cancel.abort();
      return null;
    });
    const store = storeOf(bed.catalog, location);
    const { metadata } = await store.load();
    const body = new TextEncoder().encode(JSON.stringify({
      requirements: [{ type: "assert-table-uuid", uuid: metadata.tableUuid }],
      updates: [{ action: "set-properties", updates: { late: "1" } }],
    }));
    await bed.catalog.commit(location.identifier, { ...commit, body }, { signal: cancel.signal });
    assert.equal((await store.load()).metadata.properties["late"], "1");
  });
});

Deno.test("dropTable() takes the table away without its files, and no other of its name", async () => {
  await withRestTables({}, async (bed) => {
    const { location, store } = await openTable(bed);
    await commitOne(store, settingProperties({ a: "b" }));
    await bed.catalog.dropTable(location);
    const drop = bed.server.seen.find(({ method }) => method === "DELETE");
    assert.equal(drop?.query.get("purgeRequested"), "false");
    await rejectsWith(bed.catalog.dropTable(location), isGone);
    const next = await bed.catalog.createTable(definitionOf("a.b.t"));
    await rejectsWith(bed.catalog.dropTable(location), isGone);
    assert.deepEqual(await bed.catalog.locate("a.b.t"), next);
  });
});

for (const after of [false, true]) {
  Deno.test(`dropTable() is settled where its answer is lost (${after ? "done" : "not done"})`, async () => {
    await withRestTables({}, async (bed) => {
      const { location } = await openTable(bed);
      let drops = 0;
      bed.fake.setFate(({ method }) =>
        method === "DELETE" && drops++ === 0 ? { status: 502, after } : null
      );
      await bed.catalog.dropTable(location);
      assert.equal(bed.fake.tables.size, 0);
      assert.equal(drops, after ? 1 : 2);
    });
  });
}
