import assert from "node:assert/strict";
import { LocationIdentity } from "../../../../lib/maintenance/plan/location_identity.ts";

const same = (a: string, b: string, identity = new LocationIdentity()) =>
  assert.deepEqual(identity.of(a), identity.of(b));
const other = (a: string, b: string, identity = new LocationIdentity()) =>
  assert.notDeepEqual(identity.of(a), identity.of(b));

Deno.test("LocationIdentity takes s3a and s3n for s3", () => {
  same("s3a://b/k", "s3://b/k");
  same("s3n://b/k", "S3://b/k");
  other("gs://b/k", "s3://b/k");
});

Deno.test("LocationIdentity takes every form of a local path for the same file", () => {
  for (const form of ["file:/w/t/a", "file:///w/t/a", "file://localhost/w/t/a", "/w//t/./a"]) {
    same(form, "/w/t/a");
  }
});

Deno.test("LocationIdentity keeps object keys as they are", () => {
  other("s3://b/a//k", "s3://b/a/k");
  other("s3://b/a%20k", "s3://b/a k");
  other("s3://b/K", "s3://b/k");
});

Deno.test("LocationIdentity tells buckets apart unless they are said to be one", () => {
  other("s3://old/k", "s3://new/k");
  const identity = new LocationIdentity({ equalAuthorities: { "old, older": "new" } });
  same("s3://old/k", "s3://new/k", identity);
  same("s3://older/k", "s3://new/k", identity);
  other("s3://oldest/k", "s3://new/k", identity);
});

Deno.test("LocationIdentity takes schemes for one that are said to be", () => {
  const identity = new LocationIdentity({ equalSchemes: { "OSS, cosn": "s3" } });
  same("oss://b/k", "s3a://b/k", identity);
  same("cosn://b/k", "s3://b/k", identity);
});

Deno.test("LocationIdentity keeps scheme and path apart", () => {
  assert.deepEqual(new LocationIdentity().of("s3a://b/x/y"), { prefix: "s3://b", path: "/x/y" });
  assert.deepEqual(new LocationIdentity().of("/x/y"), { prefix: "", path: "/x/y" });
});
