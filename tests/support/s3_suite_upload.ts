/** Multipart uploads on a real S3 server. */
import assert from "node:assert/strict";
import { assertRejects, bytesOf, readText } from "./file_io_contract_subject.ts";
import { type S3SuiteOptions, s3Test, type S3TestBed } from "./s3_suite.ts";

/** The smallest part that S3 takes, the last excepted. */
const PART_SIZE_BYTES = 5 * 2 ** 20;

/** Registers the uploads for one peer. */
export function registerS3UploadSuite(options: S3SuiteOptions): void {
  s3Test(options, "uploads a large file in parts, byte for byte", async (bed) => {
    const io = bed.open({}, { partSizeBytes: PART_SIZE_BYTES });
    const location = `${bed.root}/data/ts=09%3A15/large +file.parquet`;
    const writer = await io.openWriter(location);
    const chunk = new Uint8Array(700_001);
    const sent: number[] = [];
    for (let i = 0; i < 32; i++) {
      crypto.getRandomValues(chunk.subarray(0, 60_000));
      sent.push(checksum(chunk));
      await writer.write(chunk);
    }
    assert.equal(await io.stat(location), null, "Nothing is visible before close");
    const stat = await writer.close();
    assert.equal(stat.sizeBytes, 32 * chunk.length);

    const bytes = await io.read(location);
    assert.equal(bytes.length, stat.sizeBytes);
    const received = sent.map((_, i) =>
      checksum(bytes.subarray(i * chunk.length, (i + 1) * chunk.length))
    );
    assert.deepEqual(received, sent);
    const range = { offset: PART_SIZE_BYTES - 10, length: 20 };
    assert.deepEqual(
      await io.read(location, { range }),
      bytes.slice(range.offset, range.offset + range.length),
    );
    assert.deepEqual(await uploadsUnderWay(bed), []);
  });

  s3Test(options, "sends exactly one part as one request", async (bed) => {
    const io = bed.open({}, { partSizeBytes: PART_SIZE_BYTES });
    const writer = await io.openWriter(`${bed.root}/exact`);
    await writer.write(new Uint8Array(PART_SIZE_BYTES));
    assert.deepEqual(await uploadsUnderWay(bed), [], "No upload is started for one part");
    assert.equal((await writer.close()).sizeBytes, PART_SIZE_BYTES);
  });

  s3Test(options, "leaves no upload behind on abort", async (bed) => {
    const io = bed.open({}, { partSizeBytes: PART_SIZE_BYTES });
    const writer = await io.openWriter(`${bed.root}/f`);
    await writer.write(new Uint8Array(PART_SIZE_BYTES * 2 + 1));
    assert.notDeepEqual(await uploadsUnderWay(bed), []);
    await writer.abort();
    assert.deepEqual(await uploadsUnderWay(bed), []);
    assert.equal(await io.stat(`${bed.root}/f`), null);
  });

  s3Test(options, "refuses to complete over a file, and drops the upload", async (bed) => {
    const io = bed.open({}, { partSizeBytes: PART_SIZE_BYTES });
    const writer = await io.openWriter(`${bed.root}/f`);
    await writer.write(new Uint8Array(PART_SIZE_BYTES + 1));
    await io.createIfAbsent(`${bed.root}/f`, bytesOf("early"));
    await assertRejects(writer.close(), { kind: "already_exists" });
    assert.equal(await readText(io, `${bed.root}/f`), "early");
    assert.deepEqual(await uploadsUnderWay(bed), []);
  });
}

/** Keys of uploads that were started and neither completed nor aborted. */
async function uploadsUnderWay(bed: S3TestBed): Promise<readonly string[]> {
  // MinIO lists uploads of one exact key only, so the tests' keys are asked for one by one.
  const keys = ["root/f", "root/exact", "root/data/ts=09%3A15/large +file.parquet"];
  const found: string[] = [];
  for (const key of keys) {
    const prefix = encodeURIComponent(key);
    const response = await bed.server.request(`/${bed.bucket}?uploads=&prefix=${prefix}`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    found.push(...[...text.matchAll(/<UploadId>([^<]+)</g)].map((match) => match[1] ?? ""));
  }
  return found;
}

function checksum(bytes: Uint8Array): number {
  // FNV-1a: small, and any lost, moved or doubled byte shows.
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
}
