import assert from "node:assert/strict";
import { AwsV4Signer } from "aws4fetch";
import fc from "fast-check";
import { S3FileIo } from "../../../lib/storage/s3_file_io.ts";
import { AppError } from "../../../lib/errors.ts";
import {
  checkEndpoint,
  fileAddress,
  folderAddress,
  objectUrl,
  parseS3Location,
} from "../../../lib/storage/_s3/address.ts";
import { ODD_NAMES } from "../../support/file_io_contract_names.ts";

const AWS = { endpoint: null, region: "eu-west-1", pathStyle: false };
const LOCAL = { endpoint: "http://127.0.0.1:9000", region: "eu-west-1", pathStyle: true };

/** RFC 3986, section 2.3, over UTF-8: an encoder of its own to check ours against. */
function encodeReference(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) =>
    /[A-Za-z0-9._~/-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
  ).join("");
}

Deno.test("parseS3Location() reads bucket and key as they are", () => {
  assert.deepEqual(parseS3Location("s3a://b.u-c_k/a//b%2F c/"), {
    bucket: "b.u-c_k",
    key: "a//b%2F c/",
  });
  assert.deepEqual(folderAddress("s3://bucket/a/b//"), { bucket: "bucket", key: "a/b/" });
  assert.deepEqual(folderAddress("s3://bucket"), { bucket: "bucket", key: "" });
  assert.deepEqual(fileAddress("s3n://bucket/f"), { bucket: "bucket", key: "f" });
});

Deno.test("parseS3Location() rejects what would change on the way", () => {
  const wrong = [
    "s3://",
    "s3:///key",
    "s3://bu@cket/k",
    "s3://user:secret@bucket/k",
    "s3://bucket#x/k",
    "s3://bucket?x/k",
    "s3://-bucket/k",
    "s3://bucket/a/../b",
    "s3://bucket/./b",
    `s3://bucket/${"é".repeat(513)}`,
    "gs://bucket/k",
    "/bucket/k",
  ];
  for (const location of wrong) {
    assert.throws(() => parseS3Location(location), (error) => {
      assert.ok(error instanceof AppError && error.code === "location_invalid", location);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  for (const location of ["s3://bucket", "s3://bucket/", "s3://bucket/folder/"]) {
    assert.throws(() => fileAddress(location), AppError);
  }
});

Deno.test("objectUrl() addresses by host or by path", () => {
  const target = { bucket: "bucket", key: "a b" };
  assert.equal(objectUrl(AWS, target).href, "https://bucket.s3.eu-west-1.amazonaws.com/a%20b");
  assert.equal(objectUrl(LOCAL, target).href, "http://127.0.0.1:9000/bucket/a%20b");
  assert.equal(
    objectUrl({ ...AWS, endpoint: "https://store.example:8443" }, target).href,
    "https://bucket.store.example:8443/a%20b",
  );
  assert.equal(
    objectUrl(AWS, { bucket: "with.dots", key: "k" }).href,
    "https://s3.eu-west-1.amazonaws.com/with.dots/k",
    "No certificate covers such a host",
  );
  assert.equal(
    objectUrl(LOCAL, { bucket: "bucket", key: "" }).href,
    "http://127.0.0.1:9000/bucket/",
  );
});

Deno.test("objectUrl() encodes queries fully", () => {
  const query = { prefix: "a b+c/é=&", "list-type": "2" };
  assert.equal(
    objectUrl(LOCAL, { bucket: "bucket", key: "", query }).search,
    "?prefix=a%20b%2Bc%2F%C3%A9%3D%26&list-type=2",
  );
});

Deno.test("objectUrl() is signed over exactly the path it sends", async () => {
  for (const key of [...ODD_NAMES.filter((name) => name !== "."), "a//b", "/lead", "t/+ %/=é"]) {
    await assertSignedAsSent(key);
  }
});

Deno.test("objectUrl() is signed over any key as it sends it", async () => {
  const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) =>
    text.isWellFormed() && !text.split("/").some((part) => part === "." || part === "..")
  );
  await fc.assert(fc.asyncProperty(key, assertSignedAsSent), { numRuns: 500 });
});

Deno.test("checkEndpoint() takes an origin and nothing more", () => {
  for (const endpoint of [null, "https://s3.example", "http://127.0.0.1:9000/", "http://[::1]:1"]) {
    checkEndpoint(endpoint);
  }
  const wrong = [
    "s3.example",
    "ftp://s3.example",
    "https://key:secret@s3.example",
    "https://s3.example/path",
    "https://s3.example?x",
    "",
  ];
  for (const endpoint of wrong) {
    assert.throws(() => checkEndpoint(endpoint), (error) => {
      assert.ok(error instanceof AppError, endpoint);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("S3FileIo refuses a region that would end the store's host name", () => {
  const spec = {
    kind: "s3",
    endpoint: null,
    pathStyle: true,
    credentials: null,
    roots: null,
  } as const;
  assert.ok(new S3FileIo({ ...spec, region: "eu-central-1" }));
  for (const region of ["example.org/", "example.org#", "a@b", "a:80", "", "x".repeat(65)]) {
    assert.throws(() => new S3FileIo({ ...spec, region }), (error) => error instanceof AppError);
  }
});

/** The path in the canonical request must be the path on the wire, or the store rejects it. */
async function assertSignedAsSent(key: string): Promise<void> {
  const url = objectUrl(LOCAL, { bucket: "bucket", key });
  assert.equal(url.pathname, `/bucket/${encodeReference(key)}`);
  const signer = new AwsV4Signer({
    method: "GET",
    url: url.href,
    accessKeyId: "A",
    secretAccessKey: "S",
    service: "s3",
    region: "eu-west-1",
  });
  const canonicalPath = (await signer.canonicalString()).split("\n")[1];
  assert.equal(canonicalPath, url.pathname);
}
