import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { ENTRIES_PER_STEP } from "../../../../lib/iceberg/manifest/entry_reader.ts";
import { readManifestHeader } from "../../../../lib/iceberg/manifest/manifest_header.ts";
import {
  type DataFileColumn,
  readManifest,
  readManifestEntries,
} from "../../../../lib/iceberg/manifest/read_manifest.ts";
import { container, long } from "../../../support/avro_bytes.ts";
import { committed, dataFile, entry, write } from "./_samples.ts";

const METRICS: Partial<DataFile> = {
  columnSizes: new Map([[1, 100], [2, 2 ** 40]]),
  valueCounts: new Map([[1, 10], [2, 10]]),
  nullValueCounts: new Map([[1, 0], [2, 3]]),
  nanValueCounts: new Map(),
  lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0)], [2, new Uint8Array(0)]]),
  upperBounds: new Map([[1, Uint8Array.of(9, 0, 0, 0)], [2, Uint8Array.of(0x7a)]]),
  keyMetadata: Uint8Array.of(1, 2),
  splitOffsets: [4, 2 ** 41],
};

const DELETE_VECTOR: DataFile = dataFile({
  content: "position_deletes",
  filePath: "s3://bucket/db/t/data/d.puffin",
  fileFormat: "puffin",
  sortOrderId: 0,
  referencedDataFile: "s3://bucket/db/t/data/a.parquet",
  contentOffset: 4,
  contentSizeInBytes: 42,
});

/** Metric maps as plain maps, to compare them. */
function plain(file: DataFile): DataFile {
  const copy = <V>(map: ReadonlyMap<number, V> | null) => map === null ? null : new Map(map);
  return {
    ...file,
    columnSizes: copy(file.columnSizes),
    valueCounts: copy(file.valueCounts),
    nullValueCounts: copy(file.nullValueCounts),
    nanValueCounts: copy(file.nanValueCounts),
    lowerBounds: copy(file.lowerBounds),
    upperBounds: copy(file.upperBounds),
  };
}

Deno.test("readManifest() reads back every field of a data file, in each version and codec", () => {
  const file = dataFile({ ...METRICS, sortOrderId: 3 });
  for (const formatVersion of [1, 2, 3] as const) {
    for (const codec of ["null", "deflate"] as const) {
      const { bytes, manifest } = write([entry({ dataFile: file })], { formatVersion, codec });
      const [read] = readManifestEntries(bytes, { manifest: committed(manifest) });
      assert.deepEqual(read && plain(read.dataFile), file);
    }
  }
});

Deno.test("readManifest() reads back deletion vectors and equality deletes", () => {
  const equality = dataFile({ content: "equality_deletes", equalityIds: [1, 5], sortOrderId: 1 });
  const { bytes, manifest } = write(
    [entry({ dataFile: DELETE_VECTOR }), entry({ dataFile: equality })],
    { formatVersion: 3, content: "deletes" },
  );
  const read = readManifestEntries(bytes, { manifest: committed(manifest) });
  assert.deepEqual(read.map((each) => each.dataFile), [DELETE_VECTOR, equality]);
});

Deno.test("readManifest() decodes only the columns asked for", () => {
  const { bytes, manifest } = write([entry({}, METRICS)]);
  const columns = new Set<DataFileColumn>(["upperBounds"]);
  const [read] = readManifestEntries(bytes, { manifest: committed(manifest), columns });
  assert.deepEqual(
    read && plain(read.dataFile),
    dataFile({ upperBounds: METRICS.upperBounds ?? null }),
  );
});

Deno.test("readManifest() pauses after a bounded number of entries", () => {
  const count = 2 * ENTRIES_PER_STEP + 1;
  const entries = Array.from({ length: count }, (_, recordCount) => entry({}, { recordCount }));
  const { bytes, manifest } = write(entries);
  const steps = [...readManifest(bytes, { manifest: committed(manifest) })];
  assert(steps.length >= 3 && steps.every((step) => step.length <= ENTRIES_PER_STEP));
  assert.deepEqual(steps.flat().map((each) => each.dataFile.recordCount), [...entries.keys()]);
});

Deno.test("readManifest() runs interleaved with itself", () => {
  const first = write(Array.from({ length: 1_500 }, () => entry({}, { recordCount: 1 })));
  const second = write(Array.from({ length: 1_500 }, () => entry({}, { recordCount: 2 })));
  const [one, two] = [first, second].map(({ bytes, manifest }) =>
    readManifest(bytes, { manifest: committed(manifest) })
  );
  let rows = 0;
  for (let turn = 0; turn < 100; turn++) {
    for (const generator of [one, two]) {
      for (const each of generator?.next().value ?? []) rows += each.dataFile.recordCount;
    }
  }
  assert.equal(rows, 1_500 + 3_000);
});

Deno.test("readManifestHeader() reads what the writer wrote", () => {
  const { bytes } = write([], { formatVersion: 3, content: "deletes", specId: 2 });
  assert.deepEqual(readManifestHeader(bytes, { location: "m.avro" }), {
    formatVersion: 3,
    content: "deletes",
    partitionSpecId: 2,
    schemaId: 3,
    schemaJson: '{"type":"struct","schema-id":3,"fields":[]}',
    partitionSpecJson: "[]",
  });
});

function refuses(run: () => unknown, expected: { kind: string; code: string }): void {
  assert.throws(run, (error: unknown) => {
    assert(error instanceof AppError, String(error));
    assert.deepEqual({ kind: error.kind, code: error.code }, expected);
    return true;
  });
}

const HEADER = { "schema": "{}", "partition-spec": "[]" };
const MALFORMED = { kind: "corrupt_data", code: "manifest_malformed" };

Deno.test("readManifestHeader() takes the defaults of v1 where a writer leaves keys out", () => {
  const header = readManifestHeader(container('"int"', [], { metadata: HEADER }), {
    location: "m.avro",
  });
  assert.deepEqual(
    [header.formatVersion, header.content, header.partitionSpecId, header.schemaId],
    [1, "data", 0, null],
  );
});

Deno.test("readManifestHeader() refuses keys that are missing or wrong", () => {
  const header = (metadata: Record<string, string>) => () =>
    readManifestHeader(container('"int"', [], { metadata }), { location: "m.avro" });
  refuses(header({ "schema": "{}" }), MALFORMED);
  refuses(header({ "partition-spec": "[]" }), MALFORMED);
  refuses(header({ ...HEADER, "content": "stuff" }), MALFORMED);
  refuses(header({ ...HEADER, "partition-spec-id": "-1" }), MALFORMED);
  refuses(header({ ...HEADER, "format-version": "4" }), {
    kind: "unsupported",
    code: "manifest_version_unsupported",
  });
});

Deno.test("readManifest() refuses a file whose schema is not that of a manifest", () => {
  const { manifest } = write([]);
  const read = (schema: unknown, metadata: Record<string, string> = HEADER) => () =>
    readManifestEntries(container(schema, [], { metadata }), { manifest });
  refuses(read("int"), { kind: "corrupt_data", code: "avro_schema_invalid" });
  refuses(read('"int"'), MALFORMED);
  refuses(read({ type: "record", name: "r", fields: [] }), MALFORMED);
  refuses(read('"int"', { ...HEADER, "partition-spec": "nonsense" }), MALFORMED);
  refuses(read('"int"', { ...HEADER, "partition-spec": "{}" }), MALFORMED);
  refuses(read('"int"', { ...HEADER, "partition-spec": '[{"field-id":"x"}]' }), MALFORMED);
});

Deno.test("readManifest() refuses entries with values that the specification does not know", () => {
  const int = (name: string, id: number) => ({ name, type: "long", "field-id": id });
  const text = (name: string, id: number) => ({ name, type: "string", "field-id": id });
  const tuple = { type: "record", name: "r102", fields: [] };
  const file = [
    int("content", 134),
    text("file_path", 100),
    text("file_format", 101),
    { name: "partition", type: tuple, "field-id": 102 },
    int("record_count", 103),
    int("file_size_in_bytes", 104),
  ];
  const dataFileType = { type: "record", name: "r2", fields: file };
  const schema = {
    type: "record",
    name: "manifest_entry",
    fields: [int("status", 0), { name: "data_file", type: dataFileType, "field-id": 2 }],
  };
  const read = (values: { status?: number; content?: number; rows?: number; size?: number }) => {
    const { status = 1, content = 0, rows = 1, size = 1 } = values;
    const data = [long(status), long(content), long(0), long(0), long(rows), long(size)];
    const bytes = Uint8Array.from(data.flatMap((part) => [...part]));
    const manifestBytes = container(schema, [{ count: 1, data: bytes }], { metadata: HEADER });
    return readManifestEntries(manifestBytes, { manifest: write([]).manifest });
  };
  assert.equal(read({}).length, 1);
  for (const bad of [{ status: 3 }, { status: -1 }, { content: 3 }, { rows: -1 }, { size: -1 }]) {
    refuses(() => read(bad), MALFORMED);
  }
});
