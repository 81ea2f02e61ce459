/** Numbers that Parquet's metadata gives to types, codecs and encodings. */

/** How a leaf's values are stored. */
export const PhysicalType = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixedLenByteArray: 7,
} as const;

/** The names of physical types, as Parquet's documents write them. */
export const PHYSICAL_TYPE_NAMES = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
] as const;

/** The name of a physical type. */
export type PhysicalTypeName = typeof PHYSICAL_TYPE_NAMES[number];

/** The names of compression codecs. */
export const CODEC_NAMES = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
] as const;

/** The name of a codec. */
export type CodecName = typeof CODEC_NAMES[number];

/** The names of encodings; 1 was never used. */
export const ENCODING_NAMES: readonly (string | null)[] = [
  "PLAIN",
  null,
  "PLAIN_DICTIONARY",
  "RLE",
  "BIT_PACKED",
  "DELTA_BINARY_PACKED",
  "DELTA_LENGTH_BYTE_ARRAY",
  "DELTA_BYTE_ARRAY",
  "RLE_DICTIONARY",
  "BYTE_STREAM_SPLIT",
];

/** Repetition of a schema node. */
export const REPETITIONS = ["required", "optional", "repeated"] as const;

/** Repetition of a schema node. */
export type Repetition = typeof REPETITIONS[number];
