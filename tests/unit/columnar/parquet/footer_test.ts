import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  ColumnMetaData,
  FileMetaData,
  SchemaElement,
} from "../../../../lib/columnar/parquet/footer/file_metadata.ts";
import { fileMetaDataCodec } from "../../../../lib/columnar/parquet/footer/file_metadata.ts";
import {
  fromConverted,
  type LogicalType,
  logicalTypeCodec,
} from "../../../../lib/columnar/parquet/footer/logical_type.ts";
import {
  chunkRange,
  parseFooter,
  readFooter,
  SMALL_FILE_BYTES,
  TAIL_BYTES,
} from "../../../../lib/columnar/parquet/footer/read_footer.ts";
import { encodeFooter } from "../../../../lib/columnar/parquet/footer/write_footer.ts";
import { CompactReader } from "../../../../lib/columnar/parquet/thrift/compact_reader.ts";
import { encodeThrift } from "../../../../lib/columnar/parquet/thrift/encode.ts";
import { AppError } from "../../../../lib/errors.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const LOCATION = "/w/file.parquet";
const SIZE = 1_000_000;

function node(name: string, rest: Partial<SchemaElement> = {}): SchemaElement {
  return {
    type: null,
    typeLength: null,
    repetition: 1,
    name,
    numChildren: null,
    convertedType: null,
    scale: null,
    precision: null,
    fieldId: null,
    logicalType: null,
    ...rest,
  };
}

function chunk(metaData: Partial<ColumnMetaData> = {}, rest = {}) {
  return {
    filePath: null,
    fileOffset: 0,
    metaData: {
      type: 2,
      encodings: [0, 3],
      pathInSchema: ["a"],
      codec: 6,
      numValues: 10,
      totalUncompressedSize: 100,
      totalCompressedSize: 50,
      keyValueMetadata: null,
      dataPageOffset: 4,
      indexPageOffset: null,
      dictionaryPageOffset: null,
      statistics: null,
      encodingStats: null,
      bloomFilterOffset: null,
      bloomFilterLength: null,
      sizeStatistics: null,
      ...metaData,
    },
    offsetIndexOffset: null,
    offsetIndexLength: null,
    columnIndexOffset: null,
    columnIndexLength: null,
    isEncrypted: null,
    ...rest,
  };
}

function group(columns: FileMetaData["rowGroups"][0]["columns"], rest = {}) {
  return {
    columns,
    totalByteSize: 100,
    numRows: 10,
    sortingColumns: null,
    fileOffset: null,
    totalCompressedSize: null,
    ordinal: null,
    ...rest,
  };
}

const ROOT = node("schema", { repetition: null, numChildren: 1 });

function file(rest: Partial<FileMetaData> = {}): FileMetaData {
  return {
    version: 1,
    schema: [ROOT, node("a", { type: 2 })],
    numRows: 10,
    rowGroups: [group([chunk()])],
    keyValueMetadata: null,
    createdBy: null,
    columnOrders: null,
    isEncrypted: null,
    ...rest,
  };
}

function parse(metaData: FileMetaData) {
  const bytes = encodeFooter(metaData);
  return parseFooter(bytes.subarray(0, bytes.length - 8), { location: LOCATION, sizeBytes: SIZE });
}

function refused(kind: string, code: string, detail: RegExp) {
  return (error: unknown) => {
    assert(error instanceof AppError, String(error));
    assert.deepEqual([error.kind, error.code], [kind, code]);
    assert.match(error.message, detail);
    assert.doesNotMatch(error.message, /\/w\//);
    return true;
  };
}

const corrupt = (detail: RegExp) => refused("corrupt_data", "parquet_corrupt", detail);

Deno.test("a footer with everything in it reads as it was written", () => {
  const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
  const everything = file({
    schema: [
      node("schema", { repetition: null, numChildren: 2 }),
      node("a", { type: 2, fieldId: 1, logicalType: { kind: "uuid" } }),
      node("l", { numChildren: 1, convertedType: 3, fieldId: 2, logicalType: { kind: "list" } }),
      node("list", { numChildren: 1, repetition: 2 }),
      node("element", { type: 7, typeLength: 9, precision: 20, scale: 3, fieldId: 3 }),
    ],
    rowGroups: [group([
      chunk({
        keyValueMetadata: [{ key: "k", value: null }],
        dictionaryPageOffset: 4,
        dataPageOffset: 20,
        indexPageOffset: 9,
        bloomFilterOffset: 5,
        bloomFilterLength: 6,
        statistics: {
          legacyMax: bytes("z"),
          legacyMin: bytes("a"),
          nullCount: 3,
          distinctCount: 4,
          maxValue: bytes("y"),
          minValue: bytes(""),
          isMaxExact: false,
          isMinExact: true,
        },
        encodingStats: [{ pageType: 0, encoding: 8, count: 2 }],
        sizeStatistics: {
          unencodedByteArrayDataBytes: 2 ** 40,
          repetitionLevelHistogram: [1, 2],
          definitionLevelHistogram: [],
        },
      }),
      chunk({ type: 7 }, {
        offsetIndexOffset: 1,
        offsetIndexLength: 2,
        columnIndexOffset: 3,
        columnIndexLength: 4,
      }),
    ], {
      sortingColumns: [{ columnIndex: 1, descending: true, nullsFirst: false }],
      fileOffset: 4,
      totalCompressedSize: 100,
      ordinal: 0,
    })],
    keyValueMetadata: [{ key: "iceberg.schema", value: "{}" }, { key: "ä", value: "" }],
    createdBy: "somebody",
    columnOrders: ["type", "type"],
  });
  const { metaData, schema } = parse(everything);
  assert.deepEqual(metaData, everything);
  const [, element] = schema.leaves;
  assert.deepEqual(element?.path, ["l", "list", "element"]);
  assert.equal(element?.node.maxDefinitionLevel, 3);
  assert.equal(element?.node.maxRepetitionLevel, 1);
});

Deno.test("every logical type reads as it was written", () => {
  const kinds = [
    "string",
    "map",
    "list",
    "enum",
    "date",
    "null",
    "json",
    "bson",
    "uuid",
    "float16",
    "variant",
    "geometry",
    "geography",
  ] as const;
  const types: LogicalType[] = kinds.map((kind) => ({ kind }));
  types.push({ kind: "decimal", precision: 38, scale: 10 });
  for (const unit of ["millis", "micros", "nanos"] as const) {
    for (const isAdjustedToUtc of [true, false]) {
      types.push({ kind: "time", unit, isAdjustedToUtc });
      types.push({ kind: "timestamp", unit, isAdjustedToUtc });
    }
  }
  for (const bitWidth of [8, 16, 32, 64]) {
    types.push({ kind: "integer", bitWidth, isSigned: bitWidth > 8 });
  }
  for (const type of types) {
    const reader = new CompactReader(encodeThrift(logicalTypeCodec, type), { location: LOCATION });
    assert.deepEqual(logicalTypeCodec.read(reader), type);
    assert.equal(reader.remaining, 0);
  }
});

Deno.test("a logical type of a later version reads as unknown, and cannot be written", () => {
  const later = Uint8Array.of(0x0c, 60, 0x28, 2, 65, 66, 0, 0);
  const reader = new CompactReader(later, { location: LOCATION });
  assert.deepEqual(logicalTypeCodec.read(reader), { kind: "unknown" });
  assert.equal(reader.remaining, 0);
  assert.throws(() => encodeThrift(logicalTypeCodec, { kind: "unknown" }), TypeError);
});

Deno.test("annotations of old writers are logical types", () => {
  const element = { precision: 7, scale: 2 };
  assert.deepEqual(fromConverted(0, element), { kind: "string" });
  assert.deepEqual(fromConverted(5, element), { kind: "decimal", precision: 7, scale: 2 });
  assert.deepEqual(fromConverted(10, element), {
    kind: "timestamp",
    unit: "micros",
    isAdjustedToUtc: true,
  });
  assert.deepEqual(fromConverted(17, element), { kind: "integer", bitWidth: 32, isSigned: true });
  assert.equal(fromConverted(2, element), null);
  assert.equal(fromConverted(99, element), null);
  assert.equal(fromConverted(null, element), null);
});

/** Footers that contradict themselves or the file. */
const LIES: readonly (readonly [RegExp, FileMetaData])[] = [
  [/claims 11 rows/, file({ numRows: 11 })],
  [/has 2 columns/, file({ rowGroups: [group([chunk(), chunk()])] })],
  [/has -1 rows/, file({ rowGroups: [group([chunk()], { numRows: -1 })] })],
  [/has \d+ rows/, file({ rowGroups: [group([chunk()], { numRows: 2 ** 31 })] })],
  [/not of its schema's type/, file({ rowGroups: [group([chunk({ type: 1 })])] })],
  [/another file/, file({ rowGroups: [group([chunk({}, { filePath: "/etc/passwd" })])] })],
  [/no metadata/, file({ rowGroups: [group([chunk({}, { metaData: null })])] })],
  [/outside/, file({ rowGroups: [group([chunk({ dataPageOffset: SIZE - 40 })])] })],
  [/outside/, file({ rowGroups: [group([chunk({ dataPageOffset: -1 })])] })],
  [/outside/, file({ rowGroups: [group([chunk({ totalCompressedSize: 2 ** 52 })])] })],
  [/negative size/, file({ rowGroups: [group([chunk({ totalCompressedSize: -5 })])] })],
  [/negative size/, file({ rowGroups: [group([chunk({ totalUncompressedSize: -5 })])] })],
  [/fewer values/, file({ rowGroups: [group([chunk({ numValues: 9 })])] })],
  [/values/, file({ rowGroups: [group([chunk({ numValues: 2 ** 40 })])] })],
  [/ends in the middle/, file({ schema: [] })],
  [/ends in the middle/, file({ schema: [node("s", { numChildren: 5 })], rowGroups: [] })],
  [/ends in the middle/, file({ schema: [node("s", { numChildren: -1 }), node("a")] })],
  [/belong to no group/, file({ schema: [ROOT, node("a", { type: 2 }), node("b", { type: 2 })] })],
  [/unknown type/, file({ schema: [ROOT, node("a", { type: 8 })] })],
  [/unknown type/, file({ schema: [ROOT, node("a", { type: -1 })] })],
  [/unknown repetition/, file({ schema: [ROOT, node("a", { type: 2, repetition: 3 })] })],
  [
    /leaf of its schema has children/,
    file({
      schema: [ROOT, node("a", { type: 2, numChildren: 1 }), node("b", { type: 2 })],
    }),
  ],
  [/fixed length without a length/, file({ schema: [ROOT, node("a", { type: 7 })] })],
  [
    /nests deeper/,
    file({
      schema: [ROOT, ...new Array(80).fill(node("g", { numChildren: 1 })), node("a", { type: 2 })],
    }),
  ],
];

Deno.test("a footer that contradicts itself or the file is corrupt, and says in what", () => {
  parse(file());
  for (const [detail, metaData] of LIES) assert.throws(() => parse(metaData), corrupt(detail));
});

Deno.test("a row group without rows may have a dictionary, and no data page", () => {
  const empty = chunk({
    numValues: 0,
    dataPageOffset: 0,
    dictionaryPageOffset: 4,
    totalCompressedSize: 15,
  });
  parse(file({ numRows: 0, rowGroups: [group([empty], { numRows: 0 })] }));
  assert.deepEqual(chunkRange(empty), { offset: 4, length: 15 });
});

Deno.test("encrypted files are unsupported, however the encryption shows", async () => {
  const encrypted = { kind: "unsupported", code: "parquet_encrypted" } as const;
  const check = refused(encrypted.kind, encrypted.code, /encrypted/);
  assert.throws(() => parse(file({ isEncrypted: true })), check);
  const hidden = group([chunk({}, { isEncrypted: true })]);
  assert.throws(() => parse(file({ rowGroups: [hidden] })), check);
  const io = new MemoryFileIo();
  await io.put(LOCATION, new TextEncoder().encode("PAR1....\x04\0\0\0PARE"));
  await rejectsWith(readFooter(io, { location: LOCATION, sizeBytes: 16 }), encrypted);
});

Deno.test("a hostile footer costs no more than its bytes", () => {
  const bytes = encodeFooter(file());
  const footer = bytes.subarray(0, bytes.length - 8);
  const at = { location: LOCATION, sizeBytes: SIZE };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(footer.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (edits) => {
        const damaged = footer.slice();
        for (const [offset, byte] of edits) damaged[offset] = byte;
        try {
          parseFooter(damaged, at);
        } catch (error) {
          assert(error instanceof AppError, String(error));
          assert.match(error.kind, /corrupt_data|unsupported/);
        }
      },
    ),
    { numRuns: 5_000 },
  );
});

/** A file of some bytes with a footer. */
async function store(io: MemoryFileIo, metaData: FileMetaData, sizeBytes: number) {
  const footer = encodeFooter(metaData);
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(footer, sizeBytes - footer.length);
  await io.put(LOCATION, bytes);
}

function ranges(io: MemoryFileIo): number {
  return io.calls.filter(({ operation }) => operation === "read").length;
}

Deno.test("readFooter() takes one read for a large file, two where the footer is large", async () => {
  const size = SMALL_FILE_BYTES + 1;
  const io = new MemoryFileIo();
  await store(io, file(), size);
  const footer = await readFooter(io, { location: LOCATION, sizeBytes: size });
  assert.equal(footer.metaData.numRows, 10);
  assert.equal(footer.file, null);
  assert.equal(ranges(io), 1);
  const wide = new MemoryFileIo();
  const keyValueMetadata = [{ key: "k", value: "x".repeat(TAIL_BYTES) }];
  await store(wide, file({ keyValueMetadata }), size);
  const large = await readFooter(wide, { location: LOCATION, sizeBytes: size });
  assert.deepEqual(large.metaData.keyValueMetadata, keyValueMetadata);
  assert.equal(ranges(wide), 2);
});

Deno.test("readFooter() reads a small file whole", async () => {
  const io = new MemoryFileIo();
  await store(io, file(), SMALL_FILE_BYTES);
  const { file: bytes } = await readFooter(io, { location: LOCATION, sizeBytes: SMALL_FILE_BYTES });
  assert.equal(bytes?.length, SMALL_FILE_BYTES);
  assert.equal(ranges(io), 1);
});

Deno.test("readFooter() refuses what is no Parquet file", async () => {
  const footers: readonly (readonly [RegExp, Uint8Array])[] = [
    [/too short/, new TextEncoder().encode("PAR1PAR1")],
    [/does not end/, new Uint8Array(100)],
    [/longer than the file/, new TextEncoder().encode("PAR1....\xff\0\0\0PAR1".padStart(64, "P"))],
    [/wrong type/, new TextEncoder().encode("PAR1....\x04\0\0\0PAR1")],
  ];
  for (const [detail, bytes] of footers) {
    const io = new MemoryFileIo();
    await io.put(LOCATION, bytes);
    const error = await rejectsWith(
      readFooter(io, { location: LOCATION, sizeBytes: bytes.length }),
      {
        kind: "corrupt_data",
        code: "parquet_corrupt",
      },
    );
    assert.match(error.message, detail);
  }
});

Deno.test("footers are read as they are written whatever their integers", () => {
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), fc.nat(1e6), (rows, offset) => {
    const metaData = file({ numRows: rows, rowGroups: [], version: offset });
    const bytes = encodeThrift(fileMetaDataCodec, metaData);
    const reader = new CompactReader(bytes, { location: LOCATION });
    assert.deepEqual(fileMetaDataCodec.read(reader), metaData);
  }));
});
