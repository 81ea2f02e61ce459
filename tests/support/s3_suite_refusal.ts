/** What a real S3 server refuses, and what the caller is told. */
import assert from "node:assert/strict";
import { flattenError } from "../../lib/errors.ts";
import type { S3StorageSpec } from "../../lib/storage/spec.ts";
import { assertRejects, bytesOf } from "./file_io_contract_subject.ts";
import { type S3SuiteOptions, s3Test, type S3TestBed } from "./s3_suite.ts";

type Credentials = NonNullable<S3StorageSpec["credentials"]>;

/** Registers the refusals for one peer. */
export function registerS3RefusalSuite(options: S3SuiteOptions): void {
  s3Test(options, "names refused credentials and keeps them secret", async (bed) => {
    const secretAccessKey = "wrong-secret-never-shown";
    const wrong: readonly [code: string, change: Partial<Credentials>][] = [
      ["storage_credentials_refused", { secretAccessKey }],
      [
        // versitygw has a code of its own for a key that it does not know.
        options.peer === "versitygw" ? "storage_failed" : "storage_credentials_refused",
        { accessKeyId: "unknown-key-never-shown", secretAccessKey },
      ],
    ];
    for (const [code, change] of wrong) {
      const io = bed.open({ credentials: { ...credentialsOf(bed), ...change } });
      for (
        const call of [
          () => io.read(`${bed.root}/f`),
          () => io.listFolder(bed.root),
          () => io.createIfAbsent(`${bed.root}/f`, bytesOf("x")),
        ]
      ) {
        const error = await assertRejects(call(), { kind: "unavailable", code });
        const told = Deno.inspect(error) + JSON.stringify(flattenError(error));
        assert.doesNotMatch(told, /never-shown/);
        assert.doesNotMatch(told, /Signature=|Credential=/);
      }
    }
  });

  s3Test(options, "says which region a request was meant for", async (bed) => {
    const io = bed.open({ region: "us-west-2" });
    const error = await assertRejects(io.listFolder(bed.root), { kind: "unavailable" });
    assert.match(error.message, /region/);
  });

  s3Test(options, "refuses anonymous callers", async (bed) => {
    const io = bed.open({ credentials: null });
    await assertRejects(io.read(`${bed.root}/f`), {
      kind: "forbidden",
      code: "storage_access_denied",
    });
  });

  s3Test(options, "tells a missing bucket from a missing file", async (bed) => {
    const io = bed.open();
    const nowhere = "s3://bucket-that-is-not-there/t";
    const expected = { kind: "not_found", code: "bucket_not_found" } as const;
    await assertRejects(io.read(`${nowhere}/f`), expected);
    await assertRejects(io.listFolder(nowhere), expected);
    await assertRejects(io.createIfAbsent(`${nowhere}/f`, bytesOf("x")), expected);
    await assertRejects(io.read(`${bed.root}/f`), { kind: "not_found", code: "file_not_found" });
  });
}

function credentialsOf(bed: S3TestBed): Credentials {
  const { credentials } = bed.server.spec();
  assert.ok(credentials !== null);
  return credentials;
}
