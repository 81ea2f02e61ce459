/**
 * A Parquet file of one row group, or of several from several files, put together in memory from
 * column chunks as they were fetched: what the decoder is given, however large the real files are.
 */
import type { ColumnChunk, ColumnMetaData, RowGroup } from "../footer/file_metadata.ts";
import { encodeFooter } from "../footer/write_footer.ts";
import type { PrunedSchema } from "./prune_schema.ts";

/** Chunks of one row group and where they begin in the buffer. */
export interface LocatedRowGroup {
  readonly numRows: number;
  /** One for each leaf of the pruned schema, in its order. */
  readonly chunks: readonly { readonly metaData: ColumnMetaData; readonly offset: number }[];
}

/** Options of {@linkcode rowGroupFooter}. */
export interface RowGroupFooterOptions {
  /** What the decoder takes types from, instead of Parquet's own. */
  readonly arrowSchema?: string;
}

/** The key under which Arrow writers keep their schema, which overrides Parquet's types. */
export const ARROW_SCHEMA_KEY = "ARROW:schema";

/** The footer of such a file, with its trailer. */
export function rowGroupFooter(
  schema: PrunedSchema,
  groups: readonly LocatedRowGroup[],
  options: RowGroupFooterOptions = {},
): Uint8Array<ArrayBuffer> {
  const { arrowSchema } = options;
  return encodeFooter({
    version: 1,
    schema: schema.elements,
    numRows: groups.reduce((sum, { numRows }) => sum + numRows, 0),
    rowGroups: groups.map((group) => relocate(group, schema)),
    keyValueMetadata: arrowSchema === undefined
      ? null
      : [{ key: ARROW_SCHEMA_KEY, value: arrowSchema }],
    createdBy: null,
    columnOrders: null,
    isEncrypted: null,
  });
}

function relocate({ numRows, chunks }: LocatedRowGroup, schema: PrunedSchema): RowGroup {
  const columns = chunks.map(({ metaData, offset }, at): ColumnChunk => {
    const { dictionaryPageOffset, dataPageOffset } = metaData;
    const gap = dictionaryPageOffset === null || dictionaryPageOffset <= 0
      ? -1
      : dataPageOffset - dictionaryPageOffset;
    return {
      filePath: null,
      fileOffset: 0,
      metaData: {
        ...metaData,
        pathInSchema: schema.leaves[at]?.path ?? [],
        dataPageOffset: gap > 0 ? offset + gap : offset,
        dictionaryPageOffset: gap > 0 ? offset : null,
        indexPageOffset: null,
        keyValueMetadata: null,
        statistics: null,
        encodingStats: null,
        bloomFilterOffset: null,
        bloomFilterLength: null,
        sizeStatistics: null,
      },
      offsetIndexOffset: null,
      offsetIndexLength: null,
      columnIndexOffset: null,
      columnIndexLength: null,
      isEncrypted: null,
    };
  });
  return {
    columns,
    totalByteSize: chunks.reduce((sum, { metaData }) => sum + metaData.totalUncompressedSize, 0),
    numRows,
    sortingColumns: null,
    fileOffset: null,
    totalCompressedSize: null,
    ordinal: null,
  };
}
