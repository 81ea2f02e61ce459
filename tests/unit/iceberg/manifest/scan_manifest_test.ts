import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { openContainer } from "../../../../lib/iceberg/avro/container.ts";
import { ENTRIES_PER_STEP } from "../../../../lib/iceberg/manifest/entry_reader.ts";
import { scanManifest, type ScannedFile } from "../../../../lib/iceberg/manifest/scan_manifest.ts";
import { container } from "../../../support/avro_bytes.ts";
import { entry, partitionType, write } from "./_samples.ts";

function scan(bytes: Uint8Array): { files: ScannedFile[]; steps: number } {
  const files: ScannedFile[] = [];
  let steps = 0;
  for (const _ of scanManifest(bytes, (file) => files.push({ ...file }), { location: "m.avro" })) {
    steps++;
  }
  return { files, steps };
}

const old = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 3n };

Deno.test("scanManifest() shows every entry, deleted ones included", () => {
  const { bytes } = write([
    entry({}, { partition: ["a"], recordCount: 1, fileSizeInBytes: 2 ** 40 }),
    entry({ status: "existing", ...old }, { partition: [null], fileFormat: "orc" }),
    entry({ status: "deleted", ...old }, { partition: ["a"], fileFormat: "avro", recordCount: 3 }),
  ], { partitionType: partitionType({ kind: "string" }) });
  const { files } = scan(bytes);
  assert.deepEqual(files, [
    {
      status: "added",
      content: "data",
      fileFormat: "parquet",
      recordCount: 1,
      fileSizeInBytes: 2 ** 40,
      partition: ["a"],
    },
    {
      status: "existing",
      content: "data",
      fileFormat: "orc",
      recordCount: 10,
      fileSizeInBytes: 1_000,
      partition: [null],
    },
    {
      status: "deleted",
      content: "data",
      fileFormat: "avro",
      recordCount: 3,
      fileSizeInBytes: 1_000,
      partition: ["a"],
    },
  ]);
  assert.equal(files[0]?.partition, files[2]?.partition);
});

Deno.test("scanManifest() shows delete files and formats it has no name for", () => {
  const { bytes } = write([
    entry({}, { content: "position_deletes", fileFormat: "puffin" }),
    entry({}, { content: "equality_deletes", fileFormat: "vortex", equalityIds: [1] }),
  ], { content: "deletes" });
  const { files } = scan(bytes);
  assert.deepEqual(files.map(({ content, fileFormat }) => [content, fileFormat]), [
    ["position_deletes", "puffin"],
    ["equality_deletes", "vortex"],
  ]);
});

Deno.test("scanManifest() takes files of v1 for data files", () => {
  const { files } = scan(write([entry()], { formatVersion: 1 }).bytes);
  assert.deepEqual(files.map(({ content }) => content), ["data"]);
});

Deno.test("scanManifest() reuses one object for all entries", () => {
  const seen = new Set<ScannedFile>();
  const { bytes } = write([entry(), entry(), entry()]);
  for (const _ of scanManifest(bytes, (file) => seen.add(file), { location: "m.avro" }));
  assert.equal(seen.size, 1);
});

Deno.test("scanManifest() pauses after a bounded number of entries, even within one block", () => {
  const count = 3 * ENTRIES_PER_STEP;
  // Entries of one shape compress to far less than a block, so this is few blocks of many entries.
  const { bytes } = write(Array.from({ length: count }, () => entry()));
  const { files, steps } = scan(bytes);
  assert.equal(files.length, count);
  assert(steps >= 3, `${steps} steps`);
});

Deno.test("scanManifest() visits nothing before it is asked to go on", () => {
  let visited = 0;
  const steps = scanManifest(write([entry()]).bytes, () => visited++, { location: "m.avro" });
  assert.equal(visited, 0);
  steps.next();
  assert.equal(visited, 1);
});

Deno.test("scanManifest() lets what a visitor throws through", () => {
  const steps = scanManifest(write([entry()]).bytes, () => {
    throw new RangeError("visitor");
  }, { location: "m.avro" });
  assert.throws(() => steps.next(), RangeError);
});

Deno.test("scanManifest() reads schemas that are too long to keep compiled", () => {
  const { bytes } = write([entry(), entry()], { codec: "null" });
  const file = openContainer(bytes, { location: "m.avro" });
  const schema = { ...JSON.parse(file.schemaText), doc: "x".repeat(200_000) };
  const data = bytes.subarray(file.blocksStart + 3, bytes.length - 16);
  const metadata = { "schema": "{}", "partition-spec": "[]" };
  const long = container(schema, [{ count: 2, data }], { metadata });
  assert.equal(scan(long).files.length, 2);
});

Deno.test("scanManifest() names the file it fails on, without its folders", () => {
  const steps = scanManifest(new TextEncoder().encode("AGS1 encrypted"), () => {}, {
    location: "s3://bucket/secret/folder/metadata/m0.avro",
  });
  assert.throws(() => steps.next(), (error: unknown) => {
    assert(error instanceof AppError);
    assert.equal(
      error.message,
      'Cannot read "metadata/m0.avro": it is not an Avro file (wrong magic bytes)',
    );
    return true;
  });
});
