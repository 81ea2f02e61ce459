import assert from "node:assert/strict";
import { describeError, flattenError } from "../../lib/errors.ts";
import { assertRejects, bytesOf } from "../support/file_io_contract_subject.ts";
import { s3Error, S3Fake, xml } from "../support/s3_fake.ts";

const FILE = "s3://bucket/t/f";

Deno.test("S3FileIo maps each refusal to a kind, a code and a clear text", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  const cases = [
    [403, "AccessDenied", "forbidden", "storage_access_denied", /denies access/],
    [403, "SignatureDoesNotMatch", "unavailable", "storage_credentials_refused", /access key/],
    [403, "InvalidAccessKeyId", "unavailable", "storage_credentials_refused", /access key/],
    [400, "ExpiredToken", "unavailable", "storage_credentials_expired", /expired/],
    [403, "RequestTimeTooSkewed", "unavailable", "storage_clock_skew", /clock/],
    [404, "NoSuchBucket", "not_found", "bucket_not_found", /no bucket "bucket"/],
    [404, "NoSuchKey", "not_found", "file_not_found", /no such file/],
    [404, "SomethingElse", "unavailable", "storage_failed", /status 404/],
    [501, "NotImplemented", "unsupported", "storage_feature_missing", /implement/],
    [418, "Teapot", "unavailable", "storage_failed", /status 418/],
  ] as const;
  for (const [status, s3Code, kind, code, text] of cases) {
    fake.intercept(() => s3Error(status, s3Code));
    const error = await assertRejects(io.read(FILE), { kind, code });
    assert.match(error.message, text);
    assert.match(error.message, /^Failed to read "t\/f": |^Failed to read "bucket\/t\/f": /);
  }
});

Deno.test("S3FileIo names the region that a bucket is in", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  const answers = [
    () => s3Error(301, "PermanentRedirect", { "x-amz-bucket-region": "eu-central-1" }),
    () => new Response(null, { status: 301, headers: { "x-amz-bucket-region": "eu-central-1" } }),
    () =>
      new Response(
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>",
        { status: 400 },
      ),
  ];
  for (const answer of answers) {
    fake.intercept(answer);
    const error = await assertRejects(io.listFolder("s3://bucket/t"), {
      kind: "unavailable",
      code: "storage_wrong_region",
    });
    assert.match(error.message, /"eu-central-1".*"us-east-1"/);
  }
  fake.intercept(() =>
    new Response(null, { status: 307, headers: { location: "http://elsewhere.example/" } })
  );
  await assertRejects(io.read(FILE), { kind: "unavailable", code: "storage_wrong_region" });
});

Deno.test("S3FileIo never shows a credential, even where the store echoes it", async () => {
  await using fake = await S3Fake.start();
  const credentials = {
    accessKeyId: "AKIASHOWNTOBESECRET",
    secretAccessKey: "wJalrTHE+SECRET/KEY",
    sessionToken: "FwoGTHETOKEN",
  };
  const io = fake.open({ credentials });
  for (const status of [400, 403, 500]) {
    fake.intercept(({ headers }) => {
      assert.equal(headers.get("x-amz-security-token"), credentials.sessionToken);
      const echo = [...headers].map(([name, value]) => `${name}=${value}`).join(" ");
      return new Response(
        `<Error><Code>X</Code><Message>${echo} ${credentials.secretAccessKey}</Message></Error>`,
        { status },
      );
    });
    const error = await io.read(FILE).catch((reason: unknown) => reason);
    const told = [Deno.inspect(error), describeError(error), JSON.stringify(flattenError(error))]
      .join("\n") + Deno.inspect(io, { depth: 20 });
    for (const secret of [...Object.values(credentials), "Signature="]) {
      assert.equal(told.includes(secret), false, `${secret} in ${told}`);
    }
  }
});

Deno.test("S3FileIo signs with the session token, and anonymous requests not at all", async () => {
  await using fake = await S3Fake.start();
  fake.set("t/f", "here");
  const credentials = { accessKeyId: "A", secretAccessKey: "S", sessionToken: "T" };
  await fake.open({ credentials }).read(FILE);
  const signed = fake.requests.at(-1)?.headers;
  assert.match(signed?.get("authorization") ?? "", /SignedHeaders=[^,]*x-amz-security-token/);
  await fake.open({ credentials: null }).read(FILE);
  const anonymous = fake.requests.at(-1)?.headers;
  assert.equal(anonymous?.get("authorization"), null);
  assert.equal(anonymous?.get("x-amz-security-token"), null);
});

Deno.test("S3FileIo hands out the bytes stored, not what they decompress to", async () => {
  await using fake = await S3Fake.start();
  const gzip = await new Response(
    new Blob(["metadata ".repeat(100)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  fake.intercept(() => new Response(gzip, { headers: { "content-encoding": "gzip" } }));
  assert.deepEqual(await fake.open().read("s3://bucket/t/v1.gz.metadata.json"), gzip);
});

Deno.test("S3FileIo stops reading at the caller's bound", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  let sent = 0;
  fake.intercept(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          if (sent > 50_000_000) controller.close();
          controller.enqueue(new Uint8Array(100_000));
          sent += 100_000;
        },
      }),
    )
  );
  await assertRejects(io.read(FILE, { maxBytes: 1_000_000 }), { kind: "too_large" });
  assert.ok(sent < 50_000_000, `${sent} bytes were sent`);
});

Deno.test("S3FileIo refuses a store that ignores ranges", async () => {
  await using fake = await S3Fake.start();
  fake.intercept(() => new Response("the whole file"));
  await assertRejects(fake.open().read(FILE, { range: { offset: 2, length: 3 } }), {
    kind: "unsupported",
    code: "storage_feature_missing",
  });
});

Deno.test("S3FileIo lists by pages until the store says it is done", async () => {
  await using fake = await S3Fake.start();
  const pages = [
    ["true", "<NextContinuationToken>a+b=</NextContinuationToken>", "t/1"],
    ["true", "<NextContinuationToken>c</NextContinuationToken>", "t/%2B+%25"],
    ["false", "", "t/3"],
  ] as const;
  const tokens: (string | null)[] = [];
  fake.intercept(({ query }) => {
    tokens.push(query.get("continuation-token"));
    const [isTruncated, token, key] = pages[tokens.length - 1] ?? ["false", "", ""];
    return xml(
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url` +
        `</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${token}<Contents><Key>${key}` +
        `</Key><Size>1</Size></Contents></ListBucketResult>`,
    );
  });
  const entries = await fake.open().listFolder("s3://bucket/t");
  assert.deepEqual(entries.map((entry) => entry.name), ["+ %", "1", "3"]);
  assert.deepEqual(tokens, [null, "a+b=", "c"]);
});

Deno.test("S3FileIo skips folder markers and names that no path can reach", async () => {
  await using fake = await S3Fake.start();
  for (const key of ["t/", "t/sub/", "t//hidden", "t/.drls-tmp-1", "t/f"]) fake.set(key, "x");
  const io = fake.open();
  const files = await Array.fromAsync(io.listRecursive("s3://bucket/t"));
  assert.deepEqual(files.map((file) => file.location), [
    "s3://bucket/t//hidden",
    "s3://bucket/t/f",
  ]);
});

Deno.test("S3FileIo believes no listing that is cut, hostile or of another folder", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open();
  const entry = (key: string, size: string) =>
    `<ListBucketResult><Contents><Key>${key}</Key><Size>${size}</Size></Contents></ListBucketResult>`;
  const bad = [
    "<ListBucketResult><Contents><Key>t/a</Key>",
    "",
    "<html>busy</html>",
    '<!DOCTYPE x [<!ENTITY e "boom">]><ListBucketResult>&e;</ListBucketResult>',
    "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    entry("other/secret", "1"),
    entry("t/a", "-1"),
    entry("t/a", "1e3"),
    entry("t/a", "99999999999999999999"),
    "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x" +
    "</NextContinuationToken></ListBucketResult>",
    "<a>".repeat(50) + "</a>".repeat(50),
  ];
  for (const text of bad) {
    fake.intercept(() => xml(text));
    const error = await assertRejects(io.listFolder("s3://bucket/t"), {
      kind: "unavailable",
      code: "storage_listing_invalid",
    });
    assert.match(error.message, /listing is not usable/);
  }
});

Deno.test("S3FileIo puts and deletes under its roots only", async () => {
  await using fake = await S3Fake.start();
  const io = fake.open({ roots: ["s3a://bucket/wh/"] });
  await io.put("s3://bucket/wh/hint", bytesOf("1"));
  for (const location of ["s3://bucket/wh2/f", "s3://bucket/f", "s3://other/wh/f"]) {
    await assertRejects(io.put(location, bytesOf("1")), {
      kind: "forbidden",
      code: "location_outside_warehouse",
    });
  }
  for (const location of ["s3://bucket/wh/../f", "s3://bucket/wh/./f", "s3://bucket/wh/f/"]) {
    await assertRejects(io.put(location, bytesOf("1")), { kind: "invalid" });
  }
  assert.deepEqual([...fake.objects.keys()], ["bucket/wh/hint"]);
});
