import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { AppError } from "../../../lib/errors.ts";
import { loadTable } from "../../../lib/catalog/load/mod.ts";
import type { TableLocation } from "../../../lib/catalog/mod.ts";
import { MemoryFileIo, type StorageSpec } from "../../../lib/storage/mod.ts";

const STORAGE: StorageSpec = {
  local: null,
  s3: {
    kind: "s3",
    endpoint: "http://ours:9000",
    region: "eu-west-1",
    pathStyle: true,
    credentials: {
      accessKeyId: "our-id",
      secretAccessKey: "our-secret",
      sessionToken: "our-session",
    },
    roots: null,
  },
};
const IDENTIFIER = { namespace: ["db"], name: "t" };
const AT = "s3://lake/db/t/metadata/v1.metadata.json";

/** Metadata of format v2 without snapshots; its snapshot id property would not survive rounding. */
function metadata(location = "s3://lake/db/t"): string {
  return `{"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
    "location": "${location}", "last-sequence-number": 9007199254740993,
    "last-updated-ms": 1, "last-column-id": 1, "current-schema-id": 0,
    "schemas": [{"type": "struct", "schema-id": 0,
      "fields": [{"id": 1, "name": "a", "required": false, "type": "long"}]}],
    "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}],
    "last-partition-id": 999, "default-sort-order-id": 0,
    "sort-orders": [{"order-id": 0, "fields": []}]}`;
}

const bytes = (text: string) => new TextEncoder().encode(text);

function fileLocation(foundAt: string | null, metadataLocation = AT): TableLocation {
  return { kind: "file", identifier: IDENTIFIER, metadataLocation, storage: STORAGE, foundAt };
}

async function loadFile(
  location: TableLocation,
  content: Uint8Array | null,
  maxMetadataBytes?: number,
) {
  const io = new MemoryFileIo();
  if (content !== null) await io.put(AT, content);
  await io.put("s3://lake/db/t/data/f", bytes("rows"));
  const bound = maxMetadataBytes === undefined ? {} : { maxMetadataBytes };
  return await loadTable(location, { openStorage: () => io, ...bound });
}

/** Loads an answer; resolves to the table and the storage it was opened with. */
async function loadAnswer(answer: string, storage = STORAGE) {
  let opened: StorageSpec | null = null;
  const location = {
    kind: "rest",
    identifier: IDENTIFIER,
    response: bytes(answer),
    storage,
  } as const;
  const table = await loadTable(location, {
    openStorage: (spec) => {
      opened = spec;
      return new MemoryFileIo();
    },
  });
  return { table, s3: (opened as StorageSpec | null)?.s3 ?? null };
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("loadTable() reads plain and gzipped metadata, 64-bit numbers exact", async () => {
  for (const content of [bytes(metadata()), gzipSync(metadata())]) {
    const table = await loadFile(fileLocation(null), content);
    strictEqual(table.metadata.lastSequenceNumber, 9007199254740993n);
    deepStrictEqual(table.identifier, IDENTIFIER);
    strictEqual(table.metadataLocation, AT);
    strictEqual(table.readOnly, null);
  }
});

Deno.test("loadTable() leaves a hadoop table writable where it lies where it says", async () => {
  for (const recorded of ["s3://lake/db/t", "s3a://lake/db/t/", "s3n://lake/db/t"]) {
    const table = await loadFile(fileLocation("s3://lake/db/t"), bytes(metadata(recorded)));
    strictEqual(table.readOnly, null, recorded);
  }
});

Deno.test("loadTable() opens a table that was copied away read-only, its paths mapped", async () => {
  for (
    const recorded of ["hdfs://old/warehouse/db/t", "data/persistent/t", "file://data/t", "/t"]
  ) {
    const table = await loadFile(fileLocation("s3://lake/db/t"), bytes(metadata(recorded)));
    ok(table.readOnly?.includes("db/t"), recorded);
    strictEqual(new TextDecoder().decode(await table.io.read(`${recorded}/data/f`)), "rows");
    await rejects(table.io.createIfAbsent(`${recorded}/data/g`, new Uint8Array()), AppError);
  }
});

Deno.test("loadTable() does not tell two places apart by names that look the same", async () => {
  const recorded = "file:///elsewhere/lake/db/t";
  const { readOnly } = await loadFile(fileLocation("s3://lake/db/t"), bytes(metadata(recorded)));
  match(readOnly ?? "", /^The table was copied here from another "db\/t"; new files/);
});

Deno.test("loadTable() asks nothing of a sql catalog's location, which may lie anywhere", async () => {
  const table = await loadFile(fileLocation(null), bytes(metadata("s3://elsewhere/x")));
  strictEqual(table.readOnly, null);
});

Deno.test("loadTable() tells a dropped table from a catalog that names a missing file", async () => {
  await rejects(loadFile(fileLocation("s3://lake/db/t"), null), isCode("table_not_found"));
  await rejects(loadFile(fileLocation(null), null), (error) => {
    ok(error instanceof AppError && error.code === "metadata_file_missing");
    return error.kind === "corrupt_data" && error.message.includes("metadata/v1.metadata.json");
  });
});

Deno.test("loadTable() keeps its bound on files and on what they unpack to", async () => {
  const content = bytes(metadata());
  await rejects(loadFile(fileLocation(null), content, 100), isCode("file_too_large"));
  const bomb = gzipSync(" ".repeat(1_000_000));
  await rejects(loadFile(fileLocation(null), bomb, 10_000), isCode("invalid_table_metadata"));
});

Deno.test("loadTable() parses a rest catalog's answer", async () => {
  const { table, s3 } = await loadAnswer(
    `{"metadata-location": "${AT}", "metadata": ${metadata()}}`,
  );
  strictEqual(table.metadata.lastSequenceNumber, 9007199254740993n);
  strictEqual(table.metadataLocation, AT);
  deepStrictEqual(s3, STORAGE.s3);
});

Deno.test("loadTable() lets vended configuration win, a pair of keys as a whole", async () => {
  const config = `{"s3.access-key-id": "v-id", "s3.secret-access-key": "v-secret",
    "s3.endpoint": "http://theirs:1/", "client.region": "us-west-2", "s3.path-style-access": false,
    "unknown": {"nested": 1}}`;
  const { s3 } = await loadAnswer(`{"metadata": ${metadata()}, "config": ${config}}`);
  deepStrictEqual(s3, {
    kind: "s3",
    endpoint: "http://theirs:1",
    region: "us-west-2",
    pathStyle: false,
    credentials: { accessKeyId: "v-id", secretAccessKey: "v-secret", sessionToken: null },
    roots: null,
  });
});

Deno.test("loadTable() takes the credentials with the longest prefix of the table's location", async () => {
  const credential = (prefix: string, id: string) =>
    `{"prefix": "${prefix}", "config": {"s3.access-key-id": "${id}",
      "s3.secret-access-key": "x", "s3.session-token": "${id}-session"}}`;
  const credentials = [
    credential("s3", "any"),
    credential("s3a://lake/db/", "longest"),
    credential("s3://lake", "bucket"),
    credential("s3://lake/other/t", "other"),
  ];
  const answer = `{"metadata": ${metadata()}, "config": {"s3.access-key-id": "config",
    "s3.secret-access-key": "c", "s3.region": "r-1"}, "storage-credentials": [${credentials}]}`;
  const { s3 } = await loadAnswer(answer);
  strictEqual(s3?.credentials?.accessKeyId, "longest");
  strictEqual(s3?.credentials?.sessionToken, "longest-session");
  strictEqual(s3?.region, "r-1");
});

Deno.test("loadTable() builds storage from vended configuration alone", async () => {
  const config = '{"s3.access-key-id": "a", "s3.secret-access-key": "b", "s3.session-token": "c"}';
  const answer = `{"metadata": ${metadata()}, "config": ${config}}`;
  const { s3 } = await loadAnswer(answer, { local: null, s3: null });
  deepStrictEqual(s3?.credentials, { accessKeyId: "a", secretAccessKey: "b", sessionToken: "c" });
  strictEqual(s3?.endpoint, null);
  strictEqual(s3?.pathStyle, false);
});

Deno.test("loadTable() names a rest answer that is none, without quoting its secrets", async () => {
  const answers = [
    "",
    "null",
    "[]",
    "{}",
    '{"metadata-location": 5, "metadata": {}}',
    '{"metadata": {}, "config": {"s3.secret-access-key": "hunter2"}, "storage-credentials": {}}',
    '{"config": {"s3.secret-access-key": "hunter2"}',
    "[".repeat(1_000_000),
  ];
  for (const answer of answers) {
    await rejects(loadAnswer(answer), (error) => {
      ok(error instanceof AppError && error.kind === "corrupt_data");
      return !error.message.includes("hunter2") &&
        !JSON.stringify(error.context).includes("hunter2");
    }, answer.slice(0, 80));
  }
  const invalid = `{"metadata": {"format-version": 2}}`;
  await rejects(loadAnswer(invalid), isCode("invalid_table_metadata"));
});
