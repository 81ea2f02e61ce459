import assert from "node:assert/strict";
import { assertRejects, bytesOf, readText } from "../support/file_io_contract_subject.ts";
import { s3Error, S3Fake, type SeenRequest, xml } from "../support/s3_fake.ts";

const FILE = "s3://bucket/data/f";
const SMALL_PARTS = { partSizeBytes: 10 };

Deno.test("openWriter() sends whole parts, in order, and completes them", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  const text = "0123456789abcdefghijKLMNOPQRST tail";
  const writer = await io.openWriter(FILE);
  for (const letter of text) await writer.write(bytesOf(letter));
  assert.equal((await writer.close()).sizeBytes, text.length);
  assert.equal(await readText(io, FILE), text);
  const parts = fake.requests.filter((request) => request.query.has("partNumber"));
  assert.deepEqual(
    parts.map((request) => request.query.get("partNumber")).sort(),
    ["1", "2", "3", "4"],
  );
  assert.equal(fake.uploadsUnderWay, 0);
});

Deno.test("openWriter() never sends an empty last part", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(20));
  await writer.close();
  assert.equal(fake.requests.filter((request) => request.query.has("partNumber")).length, 2);
});

Deno.test("openWriter() bounds the parts under way", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  let underWay = 0;
  let most = 0;
  fake.intercept(async ({ query }) => {
    if (!query.has("partNumber")) return null;
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 5));
    underWay--;
    return null;
  });
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(155));
  await writer.close();
  assert.ok(most > 1 && most <= 3, `${most} parts were under way`);
});

Deno.test("close() fails where a part fails, and drops the upload", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  fake.intercept(({ query }) =>
    query.get("partNumber") === "2" ? s3Error(403, "AccessDenied") : null
  );
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(25));
  await assertRejects(writer.close(), { kind: "forbidden", code: "storage_access_denied" });
  await writer.abort();
  assert.equal(fake.uploadsUnderWay, 0);
  assert.equal(await io.stat(FILE), null);
});

Deno.test("write() reports an earlier part's failure, and abort() drops the upload", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  fake.intercept(({ query }) => query.has("partNumber") ? s3Error(400, "BadDigest") : null);
  const writer = await io.openWriter(FILE);
  await assertRejects(writer.write(new Uint8Array(500)), { kind: "unavailable" });
  await writer.abort();
  assert.equal(fake.uploadsUnderWay, 0);
});

Deno.test("close() tries a part and the completion again", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  const isFailedOnce = new Set<string>();
  fake.intercept(({ method, query }) => {
    const step = `${method} ${query.get("partNumber")}`;
    if (method === "HEAD" || isFailedOnce.has(step)) return null;
    isFailedOnce.add(step);
    return s3Error(500, "InternalError");
  });
  const writer = await io.openWriter(FILE);
  await writer.write(bytesOf("more than ten bytes"));
  await writer.close();
  assert.equal(await readText(io, FILE), "more than ten bytes");
});

Deno.test("close() believes no 200 that carries an error", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  const isCompletion = ({ method, query }: SeenRequest) =>
    method === "POST" && query.has("uploadId");
  let failures = 0;
  fake.intercept((request) =>
    isCompletion(request) && failures++ < 2
      ? xml("<Error><Code>InternalError</Code></Error>")
      : null
  );
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(11));
  await writer.close();
  assert.equal(failures, 3);

  fake.intercept((request) =>
    isCompletion(request) ? xml("<Error><Code>PreconditionFailed</Code></Error>") : null
  );
  const late = await io.openWriter("s3://bucket/data/g");
  await late.write(new Uint8Array(11));
  await assertRejects(late.close(), { kind: "already_exists" });
  assert.equal(fake.uploadsUnderWay, 0);
});

Deno.test("close() recognises its own completion behind a lost reply", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(11));
  // Part and HEAD pass; the completion's reply is lost, its repeat finds the upload gone.
  fake.proxy.planReplies("pass", "pass", "lose", "lose");
  await writer.close();
  assert.equal((await io.stat(FILE))?.sizeBytes, 11);
});

Deno.test("close() says unknown where a completion may still happen", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  fake.intercept(({ method, query }) =>
    method === "POST" && query.has("uploadId") ? s3Error(500, "InternalError") : null
  );
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(11));
  await assertRejects(writer.close(), { kind: "commit_state_unknown" });
});

Deno.test("openWriter() rejects an upload that the store does not name", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({}, SMALL_PARTS);
  for (const answer of ["<InitiateMultipartUploadResult/>", "no xml"]) {
    fake.intercept(({ query }) => query.has("uploads") ? xml(answer) : null);
    const writer = await io.openWriter(FILE);
    await assertRejects(writer.write(new Uint8Array(11)), {
      kind: "unavailable",
      code: "storage_failed",
    });
    await writer.abort();
  }
});

Deno.test("close() does not overwrite on a store that ignores If-None-Match here", async () => {
  await using fake = await S3Fake.start({ ignoresConditions: true });
  const io = fake.open({}, SMALL_PARTS);
  const writer = await io.openWriter(FILE);
  await writer.write(new Uint8Array(11));
  fake.set("data/f", "early");
  await assertRejects(writer.close(), { kind: "already_exists" });
  assert.equal(await readText(io, FILE), "early");
  assert.equal(fake.uploadsUnderWay, 0);
});
