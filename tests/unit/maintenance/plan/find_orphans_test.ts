import assert from "node:assert/strict";
import type { FileStat } from "../../../../lib/iceberg/ports.ts";
import {
  OrphanFinder,
  type OrphanFinderOptions,
  ReachableLocations,
} from "../../../../lib/maintenance/plan/find_orphans.ts";
import { LocationIdentity } from "../../../../lib/maintenance/plan/location_identity.ts";

const FOLDER = "s3://bucket/db/t";
const OLD = 1_000;
const BOUND = 2_000;

interface Given {
  /** Relative to the folder, or absolute. */
  readonly files: readonly (string | Partial<FileStat> & { readonly location: string })[];
  readonly reachable?: readonly string[];
  readonly options?: Partial<OrphanFinderOptions>;
}

function find({ files, reachable = [], options = {} }: Given) {
  const identity = options.identity ?? new LocationIdentity();
  const folder = options.folder ?? FOLDER;
  const absolute = (path: string) => path.includes("://") ? path : `${folder}/${path}`;
  const known = new ReachableLocations(identity);
  for (const location of reachable) known.add(absolute(location));
  const finder = new OrphanFinder(known, {
    folder,
    identity,
    mode: "ERROR",
    olderThanMs: BOUND,
    partitionFields: [],
    ...options,
  });
  for (const file of files) {
    const { location, ...rest } = typeof file === "string" ? { location: file } : file;
    finder.add({ sizeBytes: 10, modifiedAtMs: OLD, ...rest, location: absolute(location) });
  }
  const { orphans, ...findings } = finder.finish();
  return { ...findings, orphans: orphans.map((one) => one.location.slice(folder.length + 1)) };
}

Deno.test("OrphanFinder finds what nothing refers to", () => {
  const found = find({ files: ["data/a", "data/b"], reachable: ["data/a"] });
  assert.deepEqual(found, { orphans: ["data/b"], kept: [], conflicts: [], nestedTables: [] });
});

Deno.test("OrphanFinder keeps files from the bound on, and those of unknown age", () => {
  const found = find({
    files: [
      { location: "data/young", modifiedAtMs: BOUND },
      { location: "data/old", modifiedAtMs: BOUND - 1 },
      { location: "data/unknown", modifiedAtMs: null },
    ],
  });
  assert.deepEqual(found.orphans, ["data/old"]);
  assert.deepEqual(found.kept, [
    { reason: "younger_than_bound", files: 1, bytes: 10 },
    { reason: "unknown_age", files: 1, bytes: 10 },
  ]);
});

Deno.test("OrphanFinder keeps hidden files and everything in hidden folders", () => {
  const found = find({ files: ["_SUCCESS", ".hidden", "data/_tmp/a", "data/.x/b", "data/a_b.c"] });
  assert.deepEqual(found.orphans, ["data/a_b.c"]);
  assert.deepEqual(found.kept, [{ reason: "hidden", files: 4, bytes: 40 }]);
});

Deno.test("OrphanFinder looks into partition folders whose field has a hidden name", () => {
  const files = ["data/_part=1/a", "data/_partly=1/b", "data/_other=1/c"];
  const found = find({ files, options: { partitionFields: ["_part", "ts_day"] } });
  assert.deepEqual(found.orphans, ["data/_part=1/a"]);
});

Deno.test("OrphanFinder finds what a crash left of files in the making", () => {
  const found = find({ files: ["data/.drls-tmp-1", "_x/.drls-tmp-2", ".drls-tmp-3/inside"] });
  assert.deepEqual(found.orphans, ["data/.drls-tmp-1"]);
});

Deno.test("OrphanFinder leaves tables alone whose folders lie inside this one's", () => {
  const found = find({
    files: [
      "inner/data/a",
      "inner/metadata/v1.metadata.json",
      "deep/er/metadata/00001-uuid.metadata.json.gz",
      "deep/er/data/p=1/b",
      "hinted/metadata/version-hint.text",
      "hinted/c",
      "data/orphan",
    ],
  });
  assert.deepEqual(found.orphans, ["data/orphan"]);
  assert.deepEqual(found.nestedTables, ["deep/er", "hinted", "inner"]);
  assert.deepEqual(found.kept, [{ reason: "nested_table", files: 6, bytes: 60 }]);
});

Deno.test("OrphanFinder knows a nested table by a metadata file that is young or comes last", () => {
  const found = find({
    files: ["inner/data/a", { location: "inner/metadata/v9.metadata.json", modifiedAtMs: BOUND }],
  });
  assert.deepEqual(found.orphans, []);
});

Deno.test("OrphanFinder takes the table's own metadata files for orphans once they left its log", () => {
  const found = find({
    files: ["metadata/v1.metadata.json", "metadata/v2.metadata.json"],
    reachable: ["metadata/v2.metadata.json"],
  });
  assert.deepEqual(found.orphans, ["metadata/v1.metadata.json"]);
  assert.deepEqual(found.nestedTables, []);
});

Deno.test("OrphanFinder takes s3a for s3", () => {
  const found = find({ files: ["data/a"], reachable: ["s3a://bucket/db/t/data/a"] });
  assert.deepEqual(found.orphans, []);
  assert.deepEqual(found.kept, []);
});

for (const mode of ["ERROR", "IGNORE"] as const) {
  Deno.test(`OrphanFinder keeps and names files known under another bucket in mode ${mode}`, () => {
    const reachable = ["s3://alias/db/t/data/a", "oss://bucket/db/t/data/b"];
    const found = find({ files: ["data/a", "data/b", "data/c"], reachable, options: { mode } });
    assert.deepEqual(found.orphans, ["data/c"]);
    assert.deepEqual(found.conflicts, [
      "oss://bucket is not s3://bucket",
      "s3://alias is not s3://bucket",
    ]);
    assert.deepEqual(found.kept, [{ reason: "prefix_mismatch", files: 2, bytes: 20 }]);
  });
}

Deno.test("OrphanFinder takes files known under another bucket for orphans in mode DELETE", () => {
  const reachable = ["s3://alias/db/t/data/a"];
  const found = find({ files: ["data/a"], reachable, options: { mode: "DELETE" } });
  assert.deepEqual(found.orphans, ["data/a"]);
  assert.deepEqual(found.conflicts, []);
});

Deno.test("OrphanFinder sees no conflict where the buckets are said to be one", () => {
  const identity = new LocationIdentity({ equalAuthorities: { alias: "bucket" } });
  const reachable = ["s3://alias/db/t/data/a"];
  const found = find({ files: ["data/a"], reachable, options: { identity } });
  assert.deepEqual(found, { orphans: [], kept: [], conflicts: [], nestedTables: [] });
});

Deno.test("OrphanFinder passes over a listing that strays outside the folder", () => {
  const files = [{ location: "s3://bucket/db/other/data/a" }, { location: "s3://bucket/db/t2/a" }];
  assert.deepEqual(find({ files }).orphans, []);
});

Deno.test("OrphanFinder compares local paths in all their forms", () => {
  const options = { folder: "/w/t" };
  const known = new ReachableLocations(new LocationIdentity());
  known.add("file:///w/t/data/a");
  assert.equal(known.find("/w/t/data/a"), true);
  assert.deepEqual(
    find({ files: ["data/b"], reachable: ["file:///w/t/data/a"], options }).orphans,
    [
      "data/b",
    ],
  );
});
