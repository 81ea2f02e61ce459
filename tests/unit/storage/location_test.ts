import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../lib/errors.ts";
import {
  baseName,
  canonicalScheme,
  isSameLocation,
  joinLocation,
  normalizeLocation,
  parentLocation,
  parseLocation,
  relativeLocation,
  withoutTrailingSlashes,
} from "../../../lib/storage/location.ts";

Deno.test("parseLocation() splits every form that writers use", () => {
  const cases: readonly [string, string | null, string, string][] = [
    ["s3://bucket/a/b", "s3", "bucket", "/a/b"],
    ["s3a://bucket/a//b", "s3", "bucket", "/a//b"],
    ["S3N://bucket", "s3", "bucket", ""],
    ["file:///w/t", "file", "", "/w/t"],
    ["file:/w/t", "file", "", "/w/t"],
    ["file://data/t", "file", "data", "/t"],
    ["/w/t=%2F", null, "", "/w/t=%2F"],
    ["./t", null, "", "./t"],
    ["ts=09:15/f", null, "", "ts=09:15/f"],
    ["gs://b/k", "gs", "b", "/k"],
  ];
  for (const [location, scheme, authority, path] of cases) {
    assert.deepEqual(parseLocation(location), { scheme, authority, path }, location);
  }
});

Deno.test("parseLocation() rejects what no store could hold", () => {
  for (const location of ["", "/a\0b", "/\ud800", "/".repeat(4_097)]) {
    assert.throws(
      () => parseLocation(location),
      (error) => error instanceof AppError && error.code === "location_invalid",
    );
  }
});

Deno.test("canonicalScheme() folds Hadoop's names for S3", () => {
  assert.deepEqual(["s3", "S3A", "s3n", "GS"].map(canonicalScheme), ["s3", "s3", "s3", "gs"]);
});

Deno.test("joinLocation() puts one slash between", () => {
  assert.equal(joinLocation("s3://b/t", "metadata/v1"), "s3://b/t/metadata/v1");
  assert.equal(joinLocation("s3://b/t//", "/x"), "s3://b/t/x");
  assert.equal(joinLocation("s3://b", "x"), "s3://b/x");
  assert.equal(joinLocation("/", "x"), "/x");
  assert.equal(joinLocation("file:///", "x"), "file:///x");
  assert.equal(joinLocation("file:/w", "x"), "file:/w/x");
});

Deno.test("joinLocation() never leaves the folder", () => {
  for (const path of ["..", "../x", "a/../../x", "./x", "a/."]) {
    assert.throws(() => joinLocation("/w/t", path), AppError, path);
  }
  assert.equal(joinLocation("/w/t", "..x/%2e%2e"), "/w/t/..x/%2e%2e");
  assert.throws(() => joinLocation("/w/t", "/"), TypeError);
});

Deno.test("parentLocation() climbs to the top and no further", () => {
  const cases: readonly [string, string | null][] = [
    ["s3://b/t/f", "s3://b/t"],
    ["s3://b/t/", "s3://b"],
    ["s3://b", null],
    ["/w/t", "/w"],
    ["/w", "/"],
    ["/", null],
    ["file:///w", "file:///"],
    ["file:/w/t", "file:/w"],
    ["a/b", "a"],
    ["a", null],
  ];
  for (const [location, parent] of cases) {
    assert.equal(parentLocation(location), parent, location);
  }
});

Deno.test("baseName() is the last segment", () => {
  assert.equal(baseName("s3://b/t/v1.metadata.json"), "v1.metadata.json");
  assert.equal(baseName("/w/t/"), "t");
  assert.equal(baseName("s3://b"), "");
  assert.equal(baseName("f"), "f");
});

Deno.test("withoutTrailingSlashes() keeps what is not a trailing slash", () => {
  const cases: readonly [string, string][] = [
    ["/w/t//", "/w/t"],
    ["/", "/"],
    ["///", "/"],
    ["s3://", "s3://"],
    ["file:///", "file://"],
    ["", ""],
  ];
  for (const [location, expected] of cases) {
    assert.equal(withoutTrailingSlashes(location), expected, location);
  }
});

Deno.test("normalizeLocation() gives equal places one form", () => {
  const groups: readonly (readonly string[])[] = [
    ["/w/t", "file:/w/t", "file:///w/t", "file://localhost/w/t", "/w//t/", "/w/./x/../t"],
    ["s3://b/t", "s3a://b/t", "S3N://b/t/"],
    ["lineitem_iceberg", "./lineitem_iceberg", "lineitem_iceberg/"],
    ["data/persistent/x", "file://data/persistent/x", "./data/persistent/x"],
  ];
  for (const group of groups) {
    assert.equal(new Set(group.map(normalizeLocation)).size, 1, group.join(" "));
  }
  const forms = groups.map((group) => normalizeLocation(group[0] ?? ""));
  assert.equal(new Set(forms).size, groups.length);
});

Deno.test("normalizeLocation() keeps what tells object keys apart", () => {
  assert.equal(isSameLocation("s3://b/a//f", "s3://b/a/f"), false);
  assert.equal(isSameLocation("s3://b/ts=09%3A15", "s3://b/ts=09:15"), false);
  assert.equal(isSameLocation("/w/%2e%2e/f", "/f"), false);
  assert.equal(isSameLocation("s3://b/t", "/b/t"), false);
});

Deno.test("relativeLocation() goes down only", () => {
  const cases: readonly [string, string, string | null][] = [
    ["s3://b/t/metadata/f", "s3a://b/t", "metadata/f"],
    ["s3://b/t", "s3://b/t/", ""],
    ["s3://b/t2/f", "s3://b/t", null],
    ["s3://b/t/f", "s3://b", "t/f"],
    ["/w/t/f", "/", "w/t/f"],
    ["/w/t/../u/f", "/w/t", null],
    ["lineitem_iceberg/metadata/f", "./lineitem_iceberg", "metadata/f"],
    ["a/f", "./", "a/f"],
    ["../f", "./", null],
    ["..f", "./", "..f"],
    ["/a/f", "./", null],
    ["s3://b/f", "./", null],
  ];
  for (const [location, folder, rest] of cases) {
    assert.equal(relativeLocation(location, folder), rest, `${location} in ${folder}`);
  }
});

Deno.test("joinLocation() and relativeLocation() undo each other", () => {
  const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) =>
    !/[/\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed()
  );
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const folder = fc.constantFrom("s3://b", "s3a://b/t", "/", "/w/t", "file:///w", "file:/w/t");
  fc.assert(fc.property(folder, path, (folder, path) => {
    const location = joinLocation(folder, path);
    assert.equal(relativeLocation(location, folder), path);
    assert.equal(baseName(location), path.split("/").at(-1));
    assert.ok(isSameLocation(parentLocation(location) ?? "", location) === false);
  }));
});

Deno.test("normalizeLocation() is idempotent and never throws but AppError", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      try {
        const once = normalizeLocation(text);
        if (once !== "") assert.equal(normalizeLocation(once), once);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});
