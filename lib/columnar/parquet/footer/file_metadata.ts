/** A Parquet file's metadata as its footer holds it (`parquet.thrift`), read and written. */
import {
  binary,
  bool,
  type Codec,
  i16,
  i32,
  i64,
  list,
  optional,
  required,
  string,
  struct,
} from "../thrift/codec.ts";
import { WireType } from "../thrift/compact_reader.ts";
import {
  MAX_COLUMN_CHUNKS,
  MAX_KEY_VALUES,
  MAX_ROW_GROUPS,
  MAX_SCHEMA_ELEMENTS,
} from "./limits.ts";
import { type LogicalType, logicalTypeCodec } from "./logical_type.ts";

/** Bytes that are nobody else's. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One node of the schema, in depth-first order; the first one is the root. */
export interface SchemaElement {
  /** See `PhysicalType`; null for groups. */
  readonly type: number | null;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength: number | null;
  /** 0 required, 1 optional, 2 repeated; null for the root. */
  readonly repetition: number | null;
  readonly name: string;
  /** Null for leaves. */
  readonly numChildren: number | null;
  readonly convertedType: number | null;
  readonly scale: number | null;
  readonly precision: number | null;
  readonly fieldId: number | null;
  readonly logicalType: LogicalType | null;
}

/** What is known of the values of a column chunk. */
export interface Statistics {
  /** Deprecated `max` and `min`, compared as signed bytes. */
  readonly legacyMax: Bytes | null;
  readonly legacyMin: Bytes | null;
  readonly nullCount: number | null;
  readonly distinctCount: number | null;
  readonly maxValue: Bytes | null;
  readonly minValue: Bytes | null;
  readonly isMaxExact: boolean | null;
  readonly isMinExact: boolean | null;
}

/** Pages of one type and encoding in a column chunk. */
export interface PageEncodingStats {
  readonly pageType: number;
  readonly encoding: number;
  readonly count: number;
}

/** What readers use to guess memory. */
export interface SizeStatistics {
  readonly unencodedByteArrayDataBytes: number | null;
  readonly repetitionLevelHistogram: readonly number[] | null;
  readonly definitionLevelHistogram: readonly number[] | null;
}

/** A key of the file's or a chunk's metadata. */
export interface KeyValue {
  readonly key: string;
  readonly value: string | null;
}

/** Metadata of a column chunk. */
export interface ColumnMetaData {
  readonly type: number;
  readonly encodings: readonly number[];
  readonly pathInSchema: readonly string[];
  readonly codec: number;
  /** Values with nulls; for repeated columns, empty and absent lists count one each. */
  readonly numValues: number;
  readonly totalUncompressedSize: number;
  readonly totalCompressedSize: number;
  readonly keyValueMetadata: readonly KeyValue[] | null;
  readonly dataPageOffset: number;
  readonly indexPageOffset: number | null;
  readonly dictionaryPageOffset: number | null;
  readonly statistics: Statistics | null;
  readonly encodingStats: readonly PageEncodingStats[] | null;
  readonly bloomFilterOffset: number | null;
  readonly bloomFilterLength: number | null;
  readonly sizeStatistics: SizeStatistics | null;
}

/** A column chunk: where it lies and what it is. */
export interface ColumnChunk {
  /** Where the chunk lies in another file, which nobody writes. */
  readonly filePath: string | null;
  readonly fileOffset: number;
  readonly metaData: ColumnMetaData | null;
  readonly offsetIndexOffset: number | null;
  readonly offsetIndexLength: number | null;
  readonly columnIndexOffset: number | null;
  readonly columnIndexLength: number | null;
  /** Present where the chunk is encrypted. */
  readonly isEncrypted: true | null;
}

/** A column that a row group is sorted by. */
export interface SortingColumn {
  /** Index of the leaf. */
  readonly columnIndex: number;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A row group. */
export interface RowGroup {
  readonly columns: readonly ColumnChunk[];
  /** Uncompressed. */
  readonly totalByteSize: number;
  readonly numRows: number;
  readonly sortingColumns: readonly SortingColumn[] | null;
  readonly fileOffset: number | null;
  readonly totalCompressedSize: number | null;
  readonly ordinal: number | null;
}

/** Metadata of a file. */
export interface FileMetaData {
  readonly version: number;
  readonly schema: readonly SchemaElement[];
  readonly numRows: number;
  readonly rowGroups: readonly RowGroup[];
  readonly keyValueMetadata: readonly KeyValue[] | null;
  readonly createdBy: string | null;
  /** The order of each leaf's statistics. */
  readonly columnOrders: readonly "type"[] | null;
  /** Present where the file is encrypted and its footer is not. */
  readonly isEncrypted: true | null;
}

/** A value whose presence is all that matters. */
const presence: Codec<true> = {
  wire: WireType.struct,
  read: (reader) => {
    reader.skip(WireType.struct);
    return true;
  },
  write: (writer) => writer.writeStop(),
};

/** The union `ColumnOrder`; whatever order a later version defines is read as if it were this one. */
const columnOrder: Codec<"type"> = {
  wire: WireType.struct,
  read: (reader) => {
    reader.skip(WireType.struct);
    return "type";
  },
  write: (writer) => {
    writer.writeFieldHeader(1, { type: WireType.struct, previous: 0 });
    writer.writeStop();
    writer.writeStop();
  },
};

const schemaElement = struct<SchemaElement>("SchemaElement", {
  type: optional(1, i32),
  typeLength: optional(2, i32),
  repetition: optional(3, i32),
  name: required(4, string),
  numChildren: optional(5, i32),
  convertedType: optional(6, i32),
  scale: optional(7, i32),
  precision: optional(8, i32),
  fieldId: optional(9, i32),
  logicalType: optional(10, logicalTypeCodec),
});

const statistics = struct<Statistics>("Statistics", {
  legacyMax: optional(1, binary),
  legacyMin: optional(2, binary),
  nullCount: optional(3, i64),
  distinctCount: optional(4, i64),
  maxValue: optional(5, binary),
  minValue: optional(6, binary),
  isMaxExact: optional(7, bool),
  isMinExact: optional(8, bool),
});

const pageEncodingStats = struct<PageEncodingStats>("PageEncodingStats", {
  pageType: required(1, i32),
  encoding: required(2, i32),
  count: required(3, i32),
});

const histogram = list(i64, MAX_SCHEMA_ELEMENTS);

const sizeStatistics = struct<SizeStatistics>("SizeStatistics", {
  unencodedByteArrayDataBytes: optional(1, i64),
  repetitionLevelHistogram: optional(2, histogram),
  definitionLevelHistogram: optional(3, histogram),
});

const keyValue = struct<KeyValue>("KeyValue", {
  key: required(1, string),
  value: optional(2, string),
});

const columnMetaData = struct<ColumnMetaData>("ColumnMetaData", {
  type: required(1, i32),
  encodings: required(2, list(i32, MAX_KEY_VALUES)),
  pathInSchema: required(3, list(string, MAX_SCHEMA_ELEMENTS)),
  codec: required(4, i32),
  numValues: required(5, i64),
  totalUncompressedSize: required(6, i64),
  totalCompressedSize: required(7, i64),
  keyValueMetadata: optional(8, list(keyValue, MAX_KEY_VALUES)),
  dataPageOffset: required(9, i64),
  indexPageOffset: optional(10, i64),
  dictionaryPageOffset: optional(11, i64),
  statistics: optional(12, statistics),
  encodingStats: optional(13, list(pageEncodingStats, MAX_KEY_VALUES)),
  bloomFilterOffset: optional(14, i64),
  bloomFilterLength: optional(15, i32),
  sizeStatistics: optional(16, sizeStatistics),
});

const columnChunk = struct<ColumnChunk>("ColumnChunk", {
  filePath: optional(1, string),
  fileOffset: required(2, i64),
  metaData: optional(3, columnMetaData),
  offsetIndexOffset: optional(4, i64),
  offsetIndexLength: optional(5, i32),
  columnIndexOffset: optional(6, i64),
  columnIndexLength: optional(7, i32),
  isEncrypted: optional(8, presence),
});

const sortingColumn = struct<SortingColumn>("SortingColumn", {
  columnIndex: required(1, i32),
  descending: required(2, bool),
  nullsFirst: required(3, bool),
});

const rowGroup = struct<RowGroup>("RowGroup", {
  columns: required(1, list(columnChunk, MAX_COLUMN_CHUNKS)),
  totalByteSize: required(2, i64),
  numRows: required(3, i64),
  sortingColumns: optional(4, list(sortingColumn, MAX_SCHEMA_ELEMENTS)),
  fileOffset: optional(5, i64),
  totalCompressedSize: optional(6, i64),
  ordinal: optional(7, i16),
});

/** The struct `FileMetaData`. */
export const fileMetaDataCodec: Codec<FileMetaData> = struct<FileMetaData>("FileMetaData", {
  version: required(1, i32),
  schema: required(2, list(schemaElement, MAX_SCHEMA_ELEMENTS)),
  numRows: required(3, i64),
  rowGroups: required(4, list(rowGroup, MAX_ROW_GROUPS)),
  keyValueMetadata: optional(5, list(keyValue, MAX_KEY_VALUES)),
  createdBy: optional(6, string),
  columnOrders: optional(7, list(columnOrder, MAX_SCHEMA_ELEMENTS)),
  isEncrypted: optional(8, presence),
});
