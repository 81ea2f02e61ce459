/** Column chunks of rows that have no value: what a file would hold of a column it does not have. */
import type { ColumnMetaData } from "../footer/file_metadata.ts";
import { pageHeaderCodec, PageType } from "../footer/page_header.ts";
import type { ParquetLeaf } from "../footer/schema_tree.ts";
import { CompactWriter } from "../thrift/compact_writer.ts";
import { encodeThrift } from "../thrift/encode.ts";

/** A chunk with its bytes, from offset 0. */
export interface NullChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metaData: ColumnMetaData;
}

const PLAIN = 0;
const RLE = 3;
const UNCOMPRESSED = 0;

/** One page whose levels say, for each row, that the top-level column is null. */
export function nullChunk({ node, path }: ParquetLeaf, rows: number): NullChunk {
  const levels = [node.maxRepetitionLevel, node.maxDefinitionLevel]
    .filter((maximum) => maximum > 0).map(() => zeroLevels(rows));
  const size = levels.reduce((sum, { length }) => sum + length, 0);
  const header = encodeThrift(pageHeaderCodec, {
    type: PageType.data,
    uncompressedSize: size,
    compressedSize: size,
    data: { numValues: rows, encoding: PLAIN, definitionEncoding: RLE, repetitionEncoding: RLE },
    dictionary: null,
    dataV2: null,
  });
  const bytes = new Uint8Array(header.length + size);
  bytes.set(header);
  let at = header.length;
  for (const level of levels) {
    bytes.set(level, at);
    at += level.length;
  }
  return { bytes, metaData: { ...describe(node.element.type ?? 0, path, rows), ...sizes(bytes) } };
}

/** A run of zeros, whatever the levels' width up to eight bits, with its length in front. */
function zeroLevels(rows: number): Uint8Array {
  const writer = new CompactWriter();
  writer.writeUnsigned(rows * 2);
  writer.writeByte(0);
  const run = writer.toBytes();
  const bytes = new Uint8Array(4 + run.length);
  new DataView(bytes.buffer).setUint32(0, run.length, true);
  bytes.set(run, 4);
  return bytes;
}

function sizes({ length }: Uint8Array) {
  return { totalUncompressedSize: length, totalCompressedSize: length };
}

function describe(type: number, path: readonly string[], rows: number) {
  return {
    type,
    encodings: [PLAIN, RLE],
    pathInSchema: path,
    codec: UNCOMPRESSED,
    numValues: rows,
    keyValueMetadata: null,
    dataPageOffset: 0,
    indexPageOffset: null,
    dictionaryPageOffset: null,
    statistics: null,
    encodingStats: null,
    bloomFilterOffset: null,
    bloomFilterLength: null,
    sizeStatistics: null,
  };
}
