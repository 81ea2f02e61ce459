import assert from "node:assert/strict";
import { readManifestEntries } from "../../../../lib/iceberg/manifest/read_manifest.ts";
import { readManifestHeader } from "../../../../lib/iceberg/manifest/manifest_header.ts";
import { readManifestList } from "../../../../lib/iceberg/manifest/read_manifest_list.ts";
import { scanManifest } from "../../../../lib/iceberg/manifest/scan_manifest.ts";
import type { ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import { LIST_TOTALS, MANIFEST_TOTALS } from "./_fixture_totals.ts";
import { FIXTURES, fixtureTest, HAVE_FIXTURES } from "../../../support/fixtures.ts";

function read(path: string): Uint8Array {
  return Deno.readFileSync(`${FIXTURES}/${path}`);
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function sum<T>(items: Iterable<T>, value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}

/** Manifests by file name, as the fixtures' manifest lists describe them. */
const described = new Map<string, ManifestFile>(
  (HAVE_FIXTURES ? LIST_TOTALS : []).flatMap(([path]) =>
    readManifestList(read(path), { location: path })
  )
    .map((manifest) => [fileName(manifest.manifestPath), manifest]),
);

function description(path: string): ManifestFile {
  const manifest = described.get(fileName(path));
  assert(manifest !== undefined, path);
  return manifest;
}

fixtureTest("readManifestList() reads every fixture as fastavro does", () => {
  for (const [path, manifests, added, lengths, highest] of LIST_TOTALS) {
    const list = readManifestList(read(path), { location: path });
    assert.deepEqual(
      [
        list.length,
        sum(list, (manifest) => manifest.addedFilesCount ?? 0),
        sum(list, (manifest) => manifest.manifestLength),
        Math.max(...list.map((manifest) => Number(manifest.sequenceNumber))),
      ],
      [manifests, added, lengths, highest],
      path,
    );
  }
});

fixtureTest("readManifest() reads every fixture as fastavro does", () => {
  for (const [path, count, deleted, rows, bytes, values, boundBytes] of MANIFEST_TOTALS) {
    const entries = readManifestEntries(read(path), { manifest: description(path) });
    const files = entries.map(({ dataFile }) => dataFile);
    assert.deepEqual(
      [
        entries.length,
        entries.filter(({ status }) => status === "deleted").length,
        sum(files, (file) => file.recordCount),
        sum(files, (file) => file.fileSizeInBytes),
        sum(files, (file) => sum(file.valueCounts?.values() ?? [], (value) => value)),
        sum(files, (file) => sum(file.upperBounds?.values() ?? [], (bound) => bound.length)),
      ],
      [count, deleted, rows, bytes, values, boundBytes],
      path,
    );
  }
});

fixtureTest("scanManifest() sees what readManifest() sees in every fixture", () => {
  for (const [path] of MANIFEST_TOTALS) {
    const entries = readManifestEntries(read(path), { manifest: description(path) });
    const expected = entries.map(({ status, dataFile }) => [
      status,
      dataFile.content,
      dataFile.fileFormat,
      dataFile.recordCount,
      dataFile.fileSizeInBytes,
      dataFile.partition,
    ]);
    const seen: unknown[] = [];
    const steps = scanManifest(
      read(path),
      (file) =>
        seen.push([
          file.status,
          file.content,
          file.fileFormat,
          file.recordCount,
          file.fileSizeInBytes,
          file.partition,
        ]),
      { location: path },
    );
    assert([...steps].length > 0);
    assert.deepEqual(seen, expected, path);
  }
});

fixtureTest("readManifest() finds as many files of each status as the manifest list says", () => {
  for (const [path] of MANIFEST_TOTALS) {
    const manifest = description(path);
    const entries = readManifestEntries(read(path), { manifest });
    const count = (status: string) => entries.filter((entry) => entry.status === status).length;
    assert.equal(count("added"), manifest.addedFilesCount, path);
    assert.equal(count("existing"), manifest.existingFilesCount, path);
    assert.equal(count("deleted"), manifest.deletedFilesCount, path);
  }
});

fixtureTest("readManifestHeader() agrees with the manifest list in every fixture", () => {
  for (const [path] of MANIFEST_TOTALS) {
    const manifest = description(path);
    const header = readManifestHeader(read(path), { location: path });
    assert.equal(header.partitionSpecId, manifest.partitionSpecId, path);
    assert.equal(header.content, manifest.content, path);
    assert.equal(JSON.parse(header.schemaJson).type, "struct", path);
    assert(Array.isArray(JSON.parse(header.partitionSpecJson)), path);
  }
});

const micros = (iso: string) => BigInt(Date.parse(iso)) * 1_000n;
const days = (iso: string) => Date.parse(iso) / 86_400_000;

/** Partition tuples as `fastavro` 1.13.1 prints them. */
const PARTITIONS: readonly (readonly [string, readonly (readonly unknown[])[]])[] = [
  [
    "partition_bigint/metadata/715c1cc2-5c99-4a8d-95b3-5b43e05ccc04-m0.avro",
    [[9_223_372_036_854_775_807n], [-9_223_372_036_854_775_808n]],
  ],
  [
    "partition_decimal_integer/metadata/701af831-4140-47e7-bd56-1a374428e380-m0.avro",
    [[12_345_432n], [12_300n], [425_630n]],
  ],
  [
    "partition_timestamp/default.db/partition_timestamp/metadata/" +
    "6b55fc2b-ce03-407e-9585-336c4675e611-m0.avro",
    [[micros("2023-05-15T14:30:45Z")], [micros("2023-08-22T09:15:20Z")]],
  ],
  [
    "hive_partitioned_table/metadata/fee93099-6425-4d83-bd7c-0aa646533090-m0.avro",
    [
      [days("2024-01-03"), "view"],
      [days("2024-01-03"), "click"],
      [days("2024-01-04"), "purchase"],
      [days("2024-01-04"), "view"],
    ],
  ],
  [
    "hyperparam/spark/rename_column/metadata/abf62b15-903b-40b6-9e6b-26bcdceac9b3-m0.avro",
    [[3, null], [2, days("2022-01-02")], [0, days("2022-01-01")]],
  ],
  ["uuid/metadata/69f1c254-2a62-4b99-93db-aa35863e91ff-m0.avro", [[], []]],
];

fixtureTest("readManifest() decodes partition values of every kind in the fixtures", () => {
  for (const [path, tuples] of PARTITIONS) {
    const entries = readManifestEntries(read(path), { manifest: description(path) });
    assert.deepEqual(entries.map(({ dataFile }) => dataFile.partition), tuples, path);
  }
});
