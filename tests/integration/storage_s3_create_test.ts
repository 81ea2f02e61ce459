import assert from "node:assert/strict";
import { assertRejects, bytesOf, readText } from "../support/file_io_contract_subject.ts";
import { onceEach, RETRY_FAST, s3Error, S3Fake } from "../support/s3_fake.ts";

const FILE = "s3://bucket/t/f";

Deno.test("createIfAbsent() tries a store out once, and cleans up", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await Promise.all([0, 1, 2].map((i) => io.createIfAbsent(`s3://bucket/t/${i}`, bytesOf("x"))));
  await io.createIfAbsent("s3://bucket/other/3", bytesOf("x"));
  const probes = fake.requests.filter((request) => request.path.includes(".drls-tmp-"));
  assert.deepEqual(probes.map((request) => request.method), ["PUT", "PUT", "DELETE"]);
  assert.ok(probes.every((request) => request.path.startsWith("bucket/t/")));
  assert.deepEqual([...fake.objects.keys()].sort(), [
    "bucket/other/3",
    "bucket/t/0",
    "bucket/t/1",
    "bucket/t/2",
  ]);
});

Deno.test("createIfAbsent() refuses a store that ignores If-None-Match, untouched", async () => {
  await using fake = await S3Fake.start({ ignoresConditions: true });
  fake.set("t/f", "precious");
  const io = fake.open();
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(io.createIfAbsent(FILE, bytesOf("x")), {
      kind: "unsupported",
      code: "conditional_create_unsupported",
    });
    assert.match(error.message, /If-None-Match/);
  }
  assert.equal(await readText(io, FILE), "precious");
  assert.deepEqual([...fake.objects.keys()], ["bucket/t/f"]);
  assert.deepEqual(fake.methodsFor("t/f"), ["GET"]);
});

Deno.test("createIfAbsent() refuses a store that does not implement If-None-Match", async () => {
  await using fake = await S3Fake.start();
  fake.intercept(({ headers }) =>
    headers.has("if-none-match") ? s3Error(501, "NotImplemented") : null
  );
  await assertRejects(fake.open().createIfAbsent(FILE, bytesOf("x")), {
    kind: "unsupported",
    code: "conditional_create_unsupported",
  });
  assert.equal(fake.requests.length, 1, "501 is not worth another try");
});

Deno.test("createIfAbsent() takes its own lost success for a success", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.proxy.planReplies("lose", "lose");
  await io.createIfAbsent(FILE, bytesOf("mine"));
  assert.equal(await readText(io, FILE), "mine");
  assert.equal(fake.methodsFor("t/f").at(-2), "HEAD", "Settled by reading back");
});

Deno.test("createIfAbsent() takes a reply cut short for a lost one", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.proxy.planReplies("cut");
  await io.createIfAbsent(FILE, bytesOf("mine"));
  assert.equal(await readText(io, FILE), "mine");
});

Deno.test("createIfAbsent() takes a failure after the effect for a success", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.intercept(({ method, path, headers }) => {
    if (method !== "PUT") return null;
    const id = headers.get("x-amz-meta-drls-write-id") ?? "";
    const metadata: [string, string][] = [["x-amz-meta-drls-write-id", id]];
    if (!fake.objects.has(path)) fake.objects.set(path, { bytes: new Uint8Array(1), metadata });
    return s3Error(500, "InternalError");
  });
  await io.createIfAbsent(FILE, new Uint8Array(1));
  assert.deepEqual(fake.methodsFor("t/f"), ["PUT", "PUT", "PUT", "PUT", "HEAD"]);
});

Deno.test("createIfAbsent() leaves a rival's file to the rival after a lost reply", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent(FILE, bytesOf("rival"));
  fake.proxy.planReplies("lose");
  await assertRejects(io.createIfAbsent(FILE, bytesOf("mine")), { kind: "already_exists" });
  assert.equal(await readText(io, FILE), "rival");
});

Deno.test("createIfAbsent() compares bytes on a store that drops metadata", async () => {
  await using fake = await S3Fake.start({ dropsMetadata: true });
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.proxy.planReplies("lose", "lose");
  await io.createIfAbsent(FILE, bytesOf("mine"));
  for (const other of ["longer than mine", "four"]) {
    fake.set("t/g", other);
    await assertRejects(io.createIfAbsent("s3://bucket/t/g", bytesOf("mine")), {
      kind: "already_exists",
    });
  }
});

Deno.test("createIfAbsent() says unknown where the outcome cannot be told", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.intercept(({ method }) => method === "PUT" ? s3Error(500, "InternalError") : null);
  const absent = await assertRejects(io.createIfAbsent(FILE, bytesOf("x")), {
    kind: "commit_state_unknown",
    code: "create_state_unknown",
  });
  assert.equal(absent.retryable, false, "Trying the same create again could clash with itself");

  fake.intercept(({ method }) => s3Error(method === "PUT" ? 412 : 503, "Whatever"));
  await assertRejects(io.createIfAbsent(FILE, bytesOf("x")), { kind: "commit_state_unknown" });
});

Deno.test("createIfAbsent() says unavailable where nothing was sent", async () => {
  const fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  await fake[Symbol.asyncDispose]();
  const error = await assertRejects(io.createIfAbsent(FILE, bytesOf("x")), {
    kind: "unavailable",
    code: "storage_unreachable",
  });
  assert.equal(error.retryable, true);
});

Deno.test("createIfAbsent() says unavailable where the store was too busy to act", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  fake.intercept(({ method }) => method === "PUT" ? s3Error(503, "SlowDown") : null);
  await assertRejects(io.createIfAbsent(FILE, bytesOf("x")), {
    kind: "unavailable",
    code: "storage_throttled",
  });
  assert.deepEqual(fake.methodsFor("t/f"), Array(RETRY_FAST.maxAttempts).fill("PUT"));
});

Deno.test("createIfAbsent() tries again after a rival's operation under way", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  await io.createIfAbsent("s3://bucket/t/first", bytesOf("x"));
  const conflict = () => s3Error(409, "ConditionalRequestConflict");
  fake.intercept(onceEach("PUT", conflict, conflict));
  await io.createIfAbsent(FILE, bytesOf("mine"));
  assert.deepEqual(fake.methodsFor("t/f"), ["PUT", "PUT", "PUT"]);

  fake.intercept(({ method }) => method === "PUT" ? conflict() : null);
  await assertRejects(io.createIfAbsent("s3://bucket/t/g", bytesOf("mine")), {
    kind: "unavailable",
    code: "storage_busy",
  });
});

Deno.test("createIfAbsent() sends what the caller gave, whatever becomes of the buffer", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  const bytes = bytesOf("given");
  const creating = io.createIfAbsent(FILE, bytes);
  bytes.fill(0);
  await creating;
  assert.equal(await readText(io, FILE), "given");
});
