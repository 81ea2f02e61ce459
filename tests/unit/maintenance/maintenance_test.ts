import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import {
  CompactRequest,
  ExpireRequest,
  RemoveOrphansRequest,
  RewriteManifestsRequest,
} from "../../../lib/maintenance/contract/mod.ts";
import { context, LOCATION, NOW_MS, prepared, verbs } from "./_verbs.ts";

const TABLE = "drls.db.events";
const HOUR_MS = 3_600_000;

/** The error that a verb rejects with before any operation is asked for. */
async function refusal(run: (v: ReturnType<typeof verbs>) => Promise<unknown>): Promise<AppError> {
  const v = verbs();
  try {
    await run(v);
  } catch (error) {
    assert(error instanceof AppError);
    assert.deepEqual(v.asked, []);
    return error;
  }
  assert.fail("was not refused");
}

const compact = (body: Record<string, unknown>) => (v: ReturnType<typeof verbs>) =>
  v.maintenance.compact(context(), CompactRequest.parse({ table: TABLE, ...body }));

Deno.test("compact() asks for a bin-packing of the whole table by default", async () => {
  const v = verbs();
  await compact({})(v);
  const [operation] = v.asked;
  assert.equal(operation?.kind, "compact");
  assert.equal(operation?.role, "DataEngineer");
  assert.equal(operation?.action, "table.compact");
  assert.equal(operation?.exclusive, true);
  assert.equal(operation?.dryRun, false);
  assert.deepEqual(await prepared(v.asked), {
    table: "db.events",
    location: LOCATION,
    params: { dryRun: false, strategy: "binpack", sortOrder: null, where: null, options: {} },
  });
});

Deno.test("compact() hands on strategy, order, filter and options", async () => {
  const v = verbs();
  const options = { "target-file-size-bytes": "1000", "rewrite-all": true };
  await compact({ strategy: "sort", sort_order: "id desc", where: "id > 5", options })(v);
  const { params } = await prepared(v.asked);
  assert.deepEqual(params, {
    dryRun: false,
    strategy: "sort",
    sortOrder: "id desc",
    where: "id > 5",
    options,
  });
  assert.deepEqual(v.asked[0]?.input, {
    strategy: "sort",
    sort_order: "id desc",
    where: "id > 5",
    options,
  });
});

const STRATEGIES: readonly (readonly [Record<string, unknown>, string])[] = [
  [{}, "binpack"],
  [{ strategy: "sort" }, "sort"],
  [{ sort_order: "id" }, "sort"],
  [{ sort_order: "ZORDER(a, b)" }, "zorder"],
  [{ strategy: "sort", sort_order: " zorder (a, b)" }, "zorder"],
  [{ strategy: "zorder", sort_order: "zorder(a, b)" }, "zorder"],
  [{ strategy: null, sort_order: null }, "binpack"],
];

for (const [body, expected] of STRATEGIES) {
  Deno.test(`compact() takes ${JSON.stringify(body)} for ${expected}`, async () => {
    const v = verbs();
    await compact(body)(v);
    assert.equal((await prepared(v.asked)).params["strategy"], expected);
  });
}

Deno.test("compact() refuses orders that its strategy has no use for", async () => {
  for (
    const [body, code] of [
      [{ strategy: "binpack", sort_order: "id" }, "sort_order_unused"],
      [{ strategy: "zorder" }, "sort_order_missing"],
      [{ strategy: "zorder", sort_order: "a, b" }, "sort_order_invalid"],
    ] as const
  ) {
    const error = await refusal(compact(body));
    assert.equal(error.code, code);
    assert.deepEqual(error.issues.map(({ path }) => path), ["sort_order"]);
  }
});

Deno.test("compact() refuses options that are wrong for every table", async () => {
  const error = await refusal(compact({ options: { "min-input-file": 1, "rewrite-all": "x" } }));
  assert.equal(error.code, "compaction_options_invalid");
  assert.deepEqual(error.issues.map(({ path }) => path), [
    "options.min-input-file",
    "options.rewrite-all",
  ]);
});

Deno.test("compact() leaves sizes to the table where only it knows the target", async () => {
  const v = verbs();
  // More than the default target: fine for a table with a larger one.
  await compact({ options: { "min-file-size-bytes": 600_000_000 } })(v);
  assert.equal(v.asked.length, 1);
  const both = { "min-file-size-bytes": 600_000_000, "target-file-size-bytes": 500_000_000 };
  const error = await refusal(compact({ options: both }));
  assert.deepEqual(error.issues.map(({ path }) => path), ["options.min-file-size-bytes"]);
});

Deno.test("compact() refuses a filter that does not parse, and names the field", async () => {
  const error = await refusal(compact({ where: "id >" }));
  assert.equal(error.kind, "invalid");
  assert.deepEqual(error.issues.map(({ path }) => path), ["where"]);
});

Deno.test("a dry run disturbs nobody", async () => {
  const v = verbs();
  await compact({ dry_run: true })(v);
  assert.equal(v.asked[0]?.dryRun, true);
  assert.equal(v.asked[0]?.exclusive, false);
  assert.equal((await prepared(v.asked)).params["dryRun"], true);
});

Deno.test("compact() of a table that is not there is not_found", async () => {
  const v = verbs();
  await v.maintenance.compact(context(), CompactRequest.parse({ table: "db.none" }));
  await assert.rejects(prepared(v.asked), { kind: "not_found", code: "table_not_found" });
});

Deno.test("expire() hands on what the reference sends", async () => {
  const v = verbs();
  const request = ExpireRequest.parse({ table: TABLE, retain_last: 5, older_than: null });
  await v.maintenance.expire(context(), request);
  assert.equal(v.asked[0]?.kind, "expire");
  assert.deepEqual((await prepared(v.asked)).params, {
    dryRun: false,
    retainLast: 5,
    olderThanMs: null,
    snapshotIds: [],
    cleanExpiredMetadata: false,
    pins: [],
  });
});

Deno.test("expire() takes times with offset, dates, and ids as texts or numbers", async () => {
  const v = verbs();
  const request = ExpireRequest.parse({
    table: TABLE,
    older_than: "2026-01-02T03:04:05.678+01:00",
    snapshot_ids: ["9007199254740993", 42],
    clean_expired_metadata: true,
  });
  await v.maintenance.expire(context(), request);
  const { params } = await prepared(v.asked);
  assert.equal(params["olderThanMs"], Date.UTC(2026, 0, 2, 2, 4, 5, 678));
  assert.deepEqual(params["snapshotIds"], ["9007199254740993", "42"]);
  assert.equal(
    ExpireRequest.parse({ table: TABLE, older_than: "2026-01-02" }).older_than,
    Date.UTC(2026, 0, 2),
  );
});

Deno.test("removeOrphans() looks for files of 3 days ago by default", async () => {
  const v = verbs();
  await v.maintenance.removeOrphans(context(), RemoveOrphansRequest.parse({ table: TABLE }));
  assert.equal(v.asked[0]?.action, "table.remove_orphans");
  assert.deepEqual((await prepared(v.asked)).params, {
    dryRun: false,
    olderThanMs: NOW_MS - 72 * HOUR_MS,
    folder: null,
    equalSchemes: {},
    equalAuthorities: {},
    prefixMismatchMode: "ERROR",
  });
});

Deno.test("removeOrphans() takes a bound of 24 hours and none that is younger", async () => {
  const remove = (ageMs: number) => (v: ReturnType<typeof verbs>) =>
    v.maintenance.removeOrphans(
      context(),
      RemoveOrphansRequest.parse({
        table: TABLE,
        older_than: new Date(NOW_MS - ageMs).toISOString(),
        dry_run: true,
      }),
    );
  const v = verbs();
  await remove(24 * HOUR_MS)(v);
  assert.equal(v.asked.length, 1);
  for (const ageMs of [24 * HOUR_MS - 1, 0, -HOUR_MS]) {
    const error = await refusal(remove(ageMs));
    assert.equal(error.code, "orphans_too_young");
    assert.deepEqual(error.issues.map(({ path }) => path), ["older_than"]);
  }
});

Deno.test("rewriteManifests() hands on spec and clustering", async () => {
  const v = verbs();
  const body = { table: TABLE, spec_id: 2, sort_by: ["day"] };
  await v.maintenance.rewriteManifests(context(), RewriteManifestsRequest.parse(body));
  assert.equal(v.asked[0]?.kind, "rewrite-manifests");
  assert.deepEqual((await prepared(v.asked)).params, {
    dryRun: false,
    specId: 2,
    sortBy: ["day"],
  });
});

Deno.test("the receipts are what clients read", async () => {
  const v = verbs();
  await compact({})(v);
  const receipt = { rewritten_files: 10 };
  assert.equal(v.asked[0]?.toDetails(receipt), receipt);
});
