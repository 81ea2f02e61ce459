import assert from "node:assert/strict";
import { openStorage } from "../../../lib/storage/open_storage.ts";
import type { S3StorageSpec } from "../../../lib/storage/spec.ts";
import { assertRejects, bytesOf, readText } from "../../support/file_io_contract_subject.ts";
import { S3Fake } from "../../support/s3_fake.ts";

const NOTHING = { local: null, s3: null };

Deno.test("openStorage() takes each location to the store of its scheme", async () => {
  await using fake = await S3Fake.start();
  const root = await Deno.makeTempDir();
  const s3: S3StorageSpec = {
    kind: "s3",
    endpoint: fake.proxy.origin,
    region: "us-east-1",
    pathStyle: true,
    credentials: null,
    roots: null,
  };
  const io = openStorage({ local: { kind: "local", roots: [root] }, s3 });
  for (const folder of [root, `file://${root}`, `file:${root}`, "s3://bucket", "s3a://bucket"]) {
    const location = `${folder}/${crypto.randomUUID()}/f`;
    await io.createIfAbsent(location, bytesOf(location));
    assert.equal(await readText(io, location), location);
    assert.equal((await io.stat(location))?.sizeBytes, location.length);
    await io.delete(location);
    await io.put(location, bytesOf("put"));
    const writer = await io.openWriter(`${location}2`);
    await writer.close();
  }
  assert.equal(fake.objects.size, 4);
  const found = await Array.fromAsync(io.listRecursive(`file://${root}`));
  assert.equal(found.length, 6);
  assert.equal((await io.listFolder(root)).length, 3);
  await Deno.remove(root, { recursive: true });
});

Deno.test("openStorage() names what is supported where a scheme is not", async () => {
  const io = openStorage(NOTHING);
  for (const scheme of ["gs", "abfss", "hdfs", "wasb", "http", "oss"]) {
    const error = await assertRejects(io.read(`${scheme}://place/t/f`), {
      kind: "unsupported",
      code: "storage_scheme_unsupported",
    });
    assert.match(error.message, new RegExp(`"${scheme}:".*"s3:".*"file:"`));
  }
});

Deno.test("openStorage() names the setting where a store is not configured", async () => {
  const io = openStorage(NOTHING);
  const expected = { kind: "unsupported", code: "storage_not_configured" } as const;
  assert.match((await assertRejects(io.stat("/w/f"), expected)).message, /DRLS_STORAGE_ROOTS/);
  assert.match((await assertRejects(io.stat("s3://b/f"), expected)).message, /s3\.region/);
});

Deno.test("openStorage() refuses relative and malformed locations", async () => {
  const io = openStorage(NOTHING);
  for (const location of ["relative/f", "./f", "", "/nul\0"]) {
    await assertRejects(io.read(location), { kind: "invalid", code: "location_invalid" });
    await assertRejects(Array.fromAsync(io.listRecursive(location)), { kind: "invalid" });
  }
});
