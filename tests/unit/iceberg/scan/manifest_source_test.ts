import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { writeManifest } from "../../../../lib/iceberg/manifest/write_manifest.ts";
import type { FileIo } from "../../../../lib/iceberg/ports.ts";
import { liveFiles } from "../../../../lib/iceberg/scan/live_files.ts";
import {
  manifestSource,
  MAX_MANIFEST_BYTES,
} from "../../../../lib/iceberg/scan/manifest_source.ts";
import { partitionType } from "../../../../lib/iceberg/spec/partition_type.ts";
import { entry, file, SCHEMA, snapshot, SPECS, table } from "./_files.ts";

function ioOf(files: Readonly<Record<string, Uint8Array>>, bounds: number[] = []): FileIo {
  const refuse = () => {
    throw new TypeError("Cannot do more than read");
  };
  return {
    read(location, options = {}) {
      options.signal?.throwIfAborted();
      bounds.push(options.maxBytes ?? Infinity);
      const bytes = files[location];
      return bytes === undefined
        ? Promise.reject(new AppError("not_found", "not_found", `Cannot find ${location}`))
        : Promise.resolve(bytes);
    },
    stat: refuse,
    listFolder: refuse,
    listRecursive: refuse,
    createIfAbsent: refuse,
    put: refuse,
    openWriter: refuse,
    delete: refuse,
  };
}

/** A v1 manifest of spec 3 (bucket of id) with one file in each of two buckets. */
function bucketManifest(path: string): Uint8Array {
  const spec = SPECS[3];
  assert.ok(spec);
  const entries = [2, 3].map((bucket) =>
    entry(file(`${path}.${bucket}`, { specId: 3, partition: [bucket] }), 0n, {
      snapshotId: 7n,
      sequenceNumber: null,
      fileSequenceNumber: null,
    })
  );
  return writeManifest(entries, {
    formatVersion: 1,
    content: "data",
    manifestPath: path,
    snapshotId: 7n,
    schemaId: 0,
    schemaJson: "{}",
    specId: 3,
    partitionSpecJson: JSON.stringify([
      { "source-id": 1, "field-id": 1002, name: "id_bucket", transform: "bucket[4]" },
    ]),
    partitionType: partitionType(spec, SCHEMA),
  }).bytes;
}

Deno.test("manifestSource() describes manifests that v1 metadata names inline", async () => {
  const bounds: number[] = [];
  const io = ioOf({ a: bucketManifest("a"), b: bucketManifest("b") }, bounds);
  const manifests = manifestSource(io, table());
  const inline = snapshot(7n, { manifestList: null, manifests: ["a", "b"] });
  const described = await manifests.manifestsOf(inline);
  assert.deepEqual(
    described.map((m) => [m.manifestPath, m.partitionSpecId, m.content, m.addedFilesCount]),
    [["a", 3, "data", null], ["b", 3, "data", null]],
  );
  const live = await Array.fromAsync(liveFiles({ snapshot: inline, manifests }));
  assert.deepEqual(
    live.map((
      { entry },
    ) => [entry.dataFile.filePath, entry.dataFile.partition, entry.sequenceNumber]),
    [
      ["a.2", [2], 0n],
      ["a.3", [3], 0n],
      ["b.2", [2], 0n],
      ["b.3", [3], 0n],
    ],
  );
  assert.ok(bounds.every((maxBytes) => maxBytes === MAX_MANIFEST_BYTES));
});

Deno.test("manifestSource() passes on the failure of a read, and stops when told to", async () => {
  const manifests = manifestSource(ioOf({}), table());
  const inline = snapshot(7n, { manifestList: null, manifests: ["gone"] });
  await assert.rejects(() => manifests.manifestsOf(inline), { code: "not_found" });
  await assert.rejects(() => manifests.manifestsOf(snapshot(7n)), { code: "not_found" });
  await assert.rejects(
    () => manifests.manifestsOf(inline, { signal: AbortSignal.abort() }),
    { kind: "cancelled" },
  );
});
