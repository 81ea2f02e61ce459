/**
 * A row group as bytes that can be put into any file of its schema: every offset in it counts from
 * its own first byte. Crosses isolates: plain data, and byte arrays that own their buffers.
 */
import type { Bytes, ColumnMetaData } from "../footer/file_metadata.ts";
import { chunkRange, MAGIC, parseFooter, TRAILER_BYTES } from "../footer/read_footer.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import type { WriteSchema } from "./parquet_schema.ts";

/** An encoded row group. */
export interface EncodedRowGroup {
  /** The pages of all chunks, then the page indexes. */
  readonly bytes: Bytes;
  readonly metadata: EncodedMetadata;
}

/** What the assembler needs to know of the bytes. */
export interface EncodedMetadata {
  readonly rowCount: number;
  /** Where the pages begin in `bytes`, and how long they are together. */
  readonly pagesOffset: number;
  readonly pagesLength: number;
  /** Equal for row groups that may lie in one file. */
  readonly schemaKey: string;
  /** One for each leaf. */
  readonly columns: readonly EncodedColumn[];
}

/** Part of `bytes`. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A column chunk. */
export interface EncodedColumn {
  /** Offsets count from the first page of the row group. */
  readonly metaData: ColumnMetaData;
  readonly columnIndex: ByteRange | null;
  /** Holds offsets that count like those of `metaData`, once `indexOrigin` is taken off. */
  readonly offsetIndex: ByteRange | null;
  /** Where the row group's first page lies by the offsets in the offset index. */
  readonly indexOrigin: number;
  /** Values that are NaN; null for other types than floats, and where nobody counted. */
  readonly nanCount: number | null;
  /** Bounds in full where the statistics are cut and somebody wants more; PLAIN-encoded. */
  readonly exactMin: Bytes | null;
  readonly exactMax: Bytes | null;
}

/** A key for what makes row groups fit into one file. */
export function schemaKey(schema: WriteSchema): string {
  return JSON.stringify(schema.elements.map((element) => Object.values(element)));
}

/** Describes what the encoder made: a whole file of one row group. */
export function describeEncoded(bytes: Bytes, schema: WriteSchema): EncodedRowGroup {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footerEnd = bytes.length - TRAILER_BYTES;
  const footer = bytes.subarray(footerEnd - view.getUint32(footerEnd, true), footerEnd);
  const { metaData, schema: written } = parseFooter(footer, {
    location: "encoded.parquet",
    sizeBytes: bytes.length,
  });
  const [group, ...others] = metaData.rowGroups;
  if (group === undefined || others.length > 0) {
    throw new TypeError(`Cannot use an encoded file of ${metaData.rowGroups.length} row groups`);
  }
  checkLeaves(schema, written);
  let end = MAGIC.length;
  const columns = group.columns.map((chunk, at): EncodedColumn => {
    if (chunk.metaData === null) throw new TypeError("Cannot use a chunk without metadata");
    const range = chunkRange(chunk);
    end = Math.max(end, range.offset + range.length);
    return {
      metaData: relocate(chunk.metaData, {
        by: -MAGIC.length,
        path: schema.tree.leaves[at]?.path ?? [],
      }),
      columnIndex: rangeOf(chunk.columnIndexOffset, chunk.columnIndexLength),
      offsetIndex: rangeOf(chunk.offsetIndexOffset, chunk.offsetIndexLength),
      indexOrigin: MAGIC.length,
      nanCount: null,
      exactMin: null,
      exactMax: null,
    };
  });
  const metadata = {
    rowCount: group.numRows,
    pagesOffset: MAGIC.length,
    pagesLength: end - MAGIC.length,
    schemaKey: schemaKey(schema),
    columns,
  };
  return { bytes, metadata };
}

/** One row group of the columns of several, which have the same rows; takes their bytes. */
export function joinColumns(
  parts: readonly EncodedRowGroup[],
  schema: WriteSchema,
): EncodedRowGroup {
  const pagesLength = parts.reduce((sum, { metadata }) => sum + metadata.pagesLength, 0);
  const restLength = parts.reduce((sum, part) => sum + restOf(part).length, 0);
  const bytes = new Uint8Array(pagesLength + restLength);
  const columns: EncodedColumn[] = [];
  let page = 0;
  let rest = pagesLength;
  for (const part of parts) {
    const { metadata } = part;
    const { pagesOffset } = metadata;
    bytes.set(part.bytes.subarray(pagesOffset, pagesOffset + metadata.pagesLength), page);
    bytes.set(restOf(part), rest);
    const by = rest - pagesOffset - metadata.pagesLength;
    const moved = (range: ByteRange | null) =>
      range === null ? null : { ...range, offset: range.offset + by };
    for (const column of metadata.columns) {
      columns.push({
        ...column,
        metaData: relocate(column.metaData, {
          by: page,
          path: schema.tree.leaves[columns.length]?.path ?? [],
        }),
        columnIndex: moved(column.columnIndex),
        offsetIndex: moved(column.offsetIndex),
        indexOrigin: column.indexOrigin - page,
      });
    }
    page += metadata.pagesLength;
    rest += restOf(part).length;
    releaseBytes(part.bytes);
  }
  const rowCount = parts[0]?.metadata.rowCount ?? 0;
  const key = schemaKey(schema);
  return { bytes, metadata: { rowCount, pagesOffset: 0, pagesLength, schemaKey: key, columns } };
}

/** The page indexes of a row group, with all that lies behind its pages. */
function restOf({ bytes, metadata: { pagesOffset, pagesLength } }: EncodedRowGroup): Uint8Array {
  return bytes.subarray(pagesOffset + pagesLength);
}

/** A chunk's metadata with other offsets. */
export function relocate(
  metaData: ColumnMetaData,
  { by, path }: { readonly by: number; readonly path: readonly string[] },
): ColumnMetaData {
  const move = (offset: number | null) => offset === null ? null : offset + by;
  return {
    ...metaData,
    pathInSchema: path,
    keyValueMetadata: null,
    dataPageOffset: metaData.dataPageOffset + by,
    indexPageOffset: move(metaData.indexPageOffset),
    dictionaryPageOffset: move(metaData.dictionaryPageOffset),
    bloomFilterOffset: null,
    bloomFilterLength: null,
  };
}

function rangeOf(offset: number | null, length: number | null): ByteRange | null {
  return offset === null || length === null ? null : { offset, length };
}

/** The encoder follows Arrow types; that its pages are those of our schema must not be assumed. */
function checkLeaves(schema: WriteSchema, written: WriteSchema["tree"]): void {
  const { leaves } = schema.tree;
  if (written.leaves.length !== leaves.length) {
    throw new TypeError(`Cannot use ${written.leaves.length} columns for ${leaves.length}`);
  }
  leaves.forEach(({ node, path }, at) => {
    const other = written.leaves[at]?.node;
    if (
      other?.physicalType !== node.physicalType || other.typeLength !== node.typeLength ||
      other.maxDefinitionLevel !== node.maxDefinitionLevel ||
      other.maxRepetitionLevel !== node.maxRepetitionLevel
    ) {
      throw new TypeError(
        `Cannot use the pages of column "${path.join(".")}": they differ in type`,
      );
    }
  });
}
