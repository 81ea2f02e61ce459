import assert from "node:assert/strict";
import type { ManifestEntry } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import { readManifestEntries } from "../../../../lib/iceberg/manifest/read_manifest.ts";
import type { WriteManifestOptions } from "../../../../lib/iceberg/manifest/write_manifest.ts";
import { committed, dataFile, entry, SNAPSHOT_ID, write } from "./_samples.ts";

/** Writes entries and reads them back under a manifest list entry. */
function roundTrip(
  entries: readonly ManifestEntry[],
  options: {
    readonly write?: Partial<WriteManifestOptions>;
    readonly list?: Partial<ManifestFile>;
  } = {},
): readonly ManifestEntry[] {
  const { bytes, manifest } = write(entries, options.write);
  return readManifestEntries(bytes, { manifest: committed(manifest, options.list) });
}

const old = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 3n };

Deno.test("readManifest() gives added entries the manifest's snapshot id and sequence number", () => {
  const [added] = roundTrip([entry()]);
  assert.equal(added?.snapshotId, SNAPSHOT_ID);
  assert.equal(added?.sequenceNumber, 7n);
  assert.equal(added?.fileSequenceNumber, 7n);
});

Deno.test("readManifest() keeps the numbers that entries carry", () => {
  for (const status of ["added", "existing", "deleted"] as const) {
    const [read] = roundTrip([entry({ status, ...old })]);
    assert.deepEqual({ ...read, dataFile: 0 }, { status, ...old, dataFile: 0 });
  }
});

Deno.test("readManifest() gives an added entry its own data number and the manifest's file number", () => {
  const [read] = roundTrip([entry({ sequenceNumber: 4n })]);
  assert.equal(read?.sequenceNumber, 4n);
  assert.equal(read?.fileSequenceNumber, 7n);
});

Deno.test("readManifest() gives every entry of a v1 manifest sequence number 0", () => {
  const statuses = ["added", "existing", "deleted"] as const;
  const read = roundTrip(statuses.map((status) => entry({ status, snapshotId: 9n })), {
    write: { formatVersion: 1 },
    list: { sequenceNumber: 0n, minSequenceNumber: 0n },
  });
  assert.deepEqual(read.map((each) => each.sequenceNumber), [0n, 0n, 0n]);
  assert.deepEqual(read.map((each) => each.fileSequenceNumber), [0n, 0n, 0n]);
  assert.deepEqual(read.map((each) => each.status), statuses);
});

Deno.test("readManifest() leaves null what existing and deleted entries may not inherit", () => {
  // A v1 manifest under a list entry with a number: what a writer that breaks the rule leaves.
  const read = roundTrip(
    (["existing", "deleted", "added"] as const).map((status) => entry({ status, snapshotId: 9n })),
    { write: { formatVersion: 1 } },
  );
  assert.deepEqual(read.map((each) => each.sequenceNumber), [null, null, 7n]);
  assert.deepEqual(read.map((each) => each.snapshotId), [9n, 9n, 9n]);
});

Deno.test("readManifest() takes the spec id from the manifest list", () => {
  const [read] = roundTrip([entry({}, { specId: 4 })], { write: { specId: 4 } });
  assert.equal(read?.dataFile.specId, 4);
});

// The table of the specification's "Row lineage example".
Deno.test("readManifest() assigns first row ids as in the specification's example", () => {
  const read = roundTrip([
    entry({ status: "existing", ...old }, { recordCount: 25, firstRowId: 800n }),
    entry({}, { recordCount: 50 }),
    entry({}, { recordCount: 50 }),
  ], { write: { formatVersion: 3 }, list: { firstRowId: 1_000n } });
  assert.deepEqual(read.map((each) => each.dataFile.firstRowId), [800n, 1_000n, 1_050n]);
});

Deno.test("readManifest() assigns first row ids to existing files of upgraded tables", () => {
  const read = roundTrip([
    entry({ status: "existing", ...old }, { recordCount: 25 }),
    entry({}, { recordCount: 50 }),
  ], { write: { formatVersion: 3 }, list: { firstRowId: 2n ** 60n } });
  assert.deepEqual(read.map((each) => each.dataFile.firstRowId), [2n ** 60n, 2n ** 60n + 25n]);
});

Deno.test("readManifest() passes deleted entries over when it assigns first row ids", () => {
  const read = roundTrip([
    entry({ status: "deleted", ...old }, { recordCount: 25 }),
    entry({}, { recordCount: 50 }),
  ], { write: { formatVersion: 3 }, list: { firstRowId: 100n } });
  assert.deepEqual(read.map((each) => each.dataFile.firstRowId), [null, 100n]);
});

Deno.test("readManifest() gives no first row id in a manifest that has none", () => {
  const read = roundTrip([entry({}, { firstRowId: 4n }), entry()], {
    write: { formatVersion: 3 },
    list: { firstRowId: null },
  });
  assert.deepEqual(read.map((each) => each.dataFile.firstRowId), [null, null]);
});

Deno.test("readManifest() gives delete files no first row id", () => {
  const file = dataFile({ content: "position_deletes" });
  const read = roundTrip([entry({ dataFile: file })], {
    write: { formatVersion: 3, content: "deletes" },
    list: { firstRowId: 100n },
  });
  assert.equal(read[0]?.dataFile.firstRowId, null);
});

Deno.test("readManifest() assigns first row ids by position, whatever columns are read", () => {
  const { bytes, manifest } = write(
    Array.from({ length: 3_000 }, () => entry({}, { recordCount: 2 })),
    { formatVersion: 3 },
  );
  const list = committed(manifest, { firstRowId: 0n });
  const read = readManifestEntries(bytes, { manifest: list, columns: new Set() });
  assert.equal(read.at(-1)?.dataFile.firstRowId, 2n * 2_999n);
});
