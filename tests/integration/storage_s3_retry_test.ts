import assert from "node:assert/strict";
import { assertRejects, bytesOf } from "../support/file_io_contract_subject.ts";
import { onceEach, RETRY_FAST, s3Error, S3Fake } from "../support/s3_fake.ts";

const FILE = "s3://bucket/t/f";

Deno.test("S3FileIo tries again after failures that pass", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  fake.set("t/f", "here");
  for (
    const [status, code] of [
      [500, "InternalError"],
      [502, "BadGateway"],
      [503, "SlowDown"],
      [504, "GatewayTimeout"],
      [429, "TooManyRequests"],
      [400, "RequestTimeout"],
    ] as const
  ) {
    fake.intercept(onceEach("GET", () => s3Error(status, code), () => s3Error(status, code)));
    assert.deepEqual(await io.read(FILE), bytesOf("here"), `after ${status} ${code}`);
  }
});

Deno.test("S3FileIo tries again after resets and replies cut short", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  fake.set("t/f", "here");
  fake.proxy.planReplies("lose", "cut", "lose");
  assert.deepEqual(await io.read(FILE), bytesOf("here"));
});

Deno.test("S3FileIo does not repeat what was refused for good", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  for (
    const [status, code] of [
      [400, "InvalidRequest"],
      [403, "AccessDenied"],
      [404, "NoSuchKey"],
      [501, "NotImplemented"],
    ] as const
  ) {
    fake.intercept(() => s3Error(status, code));
    fake.requests.length = 0;
    await assert.rejects(io.read(FILE));
    assert.equal(fake.requests.length, 1, code);
  }
});

Deno.test("S3FileIo gives up after the bound of attempts", async () => {
  await using fake = await S3Fake.start();
  fake.intercept(() => s3Error(503, "SlowDown", { "retry-after": "0" }));
  const error = await assertRejects(fake.open().read(FILE), {
    kind: "unavailable",
    code: "storage_throttled",
  });
  assert.equal(error.retryable, true);
  assert.equal(error.retryAfterSeconds, 0);
  assert.equal(fake.requests.length, RETRY_FAST.maxAttempts);
});

Deno.test("S3FileIo waits as long as the store asks, within its bound of time", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  fake.set("t/f", "here");
  fake.intercept(onceEach("GET", () => s3Error(503, "SlowDown", { "retry-after": "1" })));
  const startMs = performance.now();
  await io.read(FILE);
  assert.ok(performance.now() - startMs >= 990);

  fake.intercept(() => s3Error(503, "SlowDown", { "retry-after": "3600" }));
  fake.requests.length = 0;
  const error = await assertRejects(io.read(FILE), { kind: "unavailable" });
  assert.equal(error.retryAfterSeconds, 3_600);
  assert.equal(fake.requests.length, 1, "An hour is beyond the bound of time");
});

Deno.test("S3FileIo ends a request that is not answered in time", async () => {
  await using fake = await S3Fake.start();
  const hang = Promise.withResolvers<Response | null>();
  fake.intercept(() => hang.promise);
  const io = fake.open({}, { requestTimeoutMs: 50, retry: { ...RETRY_FAST, maxAttempts: 2 } });
  const error = await assertRejects(io.read(FILE), {
    kind: "unavailable",
    code: "storage_timeout",
  });
  assert.equal(error.retryable, true);
  hang.resolve(null);
});

Deno.test("S3FileIo ends a request whose answer stalls", async () => {
  await using fake = await S3Fake.start();
  fake.set("t/f", "here");
  let isStalled = false;
  fake.intercept(({ method }) => {
    if (method !== "GET" || isStalled) return null;
    isStalled = true;
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(bytesOf("he")),
      }),
    );
  });
  const io = fake.open({}, { requestTimeoutMs: 50 });
  assert.deepEqual(await io.read(FILE), bytesOf("here"));
  assert.equal(fake.requests.length, 2);
});

Deno.test("S3FileIo stops at once when the caller does", async () => {
  await using fake = await S3Fake.start();
  const hang = Promise.withResolvers<Response | null>();
  fake.intercept(() => hang.promise);
  const controller = new AbortController();
  const io = fake.open();
  const reading = io.read(FILE, { signal: controller.signal });
  while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort();
  await assertRejects(reading, { kind: "cancelled" });
  assert.equal(fake.requests.length, 1, "A cancelled call is not repeated");
  hang.resolve(null);
});

Deno.test("S3FileIo stops between attempts when the caller does", async () => {
  await using fake = await S3Fake.start();
  fake.intercept(() => s3Error(503, "SlowDown", { "retry-after": "4" }));
  const signal = AbortSignal.timeout(30);
  const startMs = performance.now();
  await assertRejects(fake.open().stat(FILE, signal), { kind: "deadline_exceeded" });
  assert.ok(performance.now() - startMs < 2_000);
});

Deno.test("S3FileIo bounds its connections", async () => {
  await using fake = await S3Fake.start();
  fake.set("t/f", "here");
  let underWay = 0;
  let most = 0;
  fake.intercept(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 3));
    underWay--;
    return null;
  });
  const io = fake.open({}, { maxConnections: 4 });
  await Promise.all(Array.from({ length: 40 }, () => io.read(FILE)));
  assert.equal(most, 4);
});
