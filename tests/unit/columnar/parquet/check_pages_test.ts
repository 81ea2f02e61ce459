import assert from "node:assert/strict";
import {
  type PageHeader,
  pageHeaderCodec,
  PageType,
} from "../../../../lib/columnar/parquet/footer/page_header.ts";
import {
  checkDecodable,
  checkPages,
  MAX_PAGE_BYTES,
} from "../../../../lib/columnar/parquet/read/check_pages.ts";
import { encodeThrift } from "../../../../lib/columnar/parquet/thrift/encode.ts";
import { nullChunk } from "../../../../lib/columnar/parquet/transcode/null_chunk.ts";
import { writeSchemaOf } from "../../../../lib/columnar/parquet/write/parquet_schema.ts";
import { AppError } from "../../../../lib/errors.ts";
import { field } from "../arrow/_columns.ts";

const leaf = writeSchemaOf({ fields: [field(1, "a", { kind: "long" })] }).tree.leaves[0]!;
const { metaData } = nullChunk(leaf, 10);

function page(rest: Partial<PageHeader> = {}, body = 8): readonly number[] {
  return [
    ...encodeThrift(pageHeaderCodec, {
      type: PageType.data,
      uncompressedSize: 100,
      compressedSize: body,
      data: { numValues: 10, encoding: 0, definitionEncoding: 3, repetitionEncoding: 3 },
      dictionary: null,
      dataV2: null,
      ...rest,
    }),
    ...new Array(body).fill(0),
  ];
}

const V2 = { numValues: 10, numRows: 10, encoding: 0, isCompressed: true };
const DICTIONARY: Partial<PageHeader> = {
  type: PageType.dictionary,
  data: null,
  dictionary: { numValues: 3, encoding: 0 },
  uncompressedSize: 24,
};

function check(...pages: readonly (readonly number[])[]) {
  const bytes = Uint8Array.from(pages.flat());
  return checkPages({ bytes, metaData, location: "/w/a.parquet", column: "x.y" });
}

Deno.test("checkPages() adds up pages of every type", () => {
  const plain = { dictionaryBytes: 0, uncompressedBytes: 100, dictionaryValues: null };
  assert.deepEqual(check(page()), plain);
  assert.deepEqual(check(page(DICTIONARY), page()), {
    dictionaryBytes: 24,
    uncompressedBytes: 124,
    // The dictionary was given up: its data page holds values.
    dictionaryValues: null,
  });
  const referring = page({ data: { ...data(10), encoding: 8 } });
  assert.equal(check(page(DICTIONARY), referring).dictionaryValues, 3);
  const halves = { ...V2, numValues: 5, numRows: 5 };
  const half = page({ type: PageType.dataV2, data: null, dataV2: halves });
  assert.equal(check(half, half).uncompressedBytes, 200);
  assert.equal(check(page({ type: PageType.index, data: null }), page()).uncompressedBytes, 200);
});

/** Chunks that lie, with what is said of them. */
const LIES: readonly (readonly [RegExp, readonly (readonly number[])[]])[] = [
  [/claims 10 values, its pages have 0/, []],
  [/claims 10 values, its pages have 4/, [page({ data: { ...data(4) } })]],
  [/claims 10 values, its pages have 11/, [page({ data: { ...data(11) } })]],
  [/negative number of values/, [page({ data: { ...data(-1) } })]],
  [/ends outside/, [page({ compressedSize: 9 })]],
  [/ends outside/, [page({ compressedSize: -1 })]],
  [/negative size/, [page({ uncompressedSize: -1 })]],
  [/at most \d+ are decoded/, [page({ uncompressedSize: MAX_PAGE_BYTES + 1 })]],
  [/at most \d+ are decoded/, [page({ ...DICTIONARY, uncompressedSize: 2 ** 31 - 1 }), page()]],
  [/unknown type 7/, [page({ type: 7 })]],
  [/unknown type 0/, [page({ data: null })]],
  [/ends in the middle/, [page().slice(0, 3)]],
];

function data(numValues: number) {
  return { numValues, encoding: 0, definitionEncoding: 3, repetitionEncoding: 3 };
}

Deno.test("checkPages() refuses chunks that lie, with the column's name", () => {
  for (const [detail, pages] of LIES) {
    assert.throws(() => check(...pages), (error) => {
      assert(error instanceof AppError, String(error));
      assert.equal(error.kind, "corrupt_data");
      assert.match(error.message, detail);
      return true;
    });
  }
});

Deno.test("codecs and encodings that are not decoded are unsupported, by name", () => {
  const place = { location: "/w/a.parquet", column: "x.y" };
  const unsupported = (detail: RegExp) => (error: unknown) => {
    assert(error instanceof AppError, String(error));
    assert.deepEqual([error.kind, error.code], ["unsupported", "parquet_unsupported"]);
    assert.match(error.message, detail);
    assert.match(error.message, /"x\.y"/);
    return true;
  };
  checkDecodable({ metaData, ...place });
  const withCodec = (codec: number) => () =>
    checkDecodable({ metaData: { ...metaData, codec }, ...place });
  assert.throws(withCodec(3), unsupported(/codec LZO/));
  assert.throws(withCodec(77), unsupported(/codec number 77/));
  const encodings = { metaData: { ...metaData, encodings: [0, 1] }, ...place };
  assert.throws(() => checkDecodable(encodings), unsupported(/encoding number 1/));
  assert.throws(
    () => check(page({ data: { ...data(10), encoding: 42 } })),
    unsupported(/encoding number 42/),
  );
});
