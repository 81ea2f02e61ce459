/**
 * Bounds of the Avro reader. Each stops a file that lies about its lengths from costing more memory
 * or time than an honest one; honest files stay far below all of them.
 */

/** Bytes of file metadata (schema texts included) in front of the first block. */
export const MAX_HEADER_BYTES = 64 * 1024 * 1024;

/** Keys of the file metadata map. */
export const MAX_HEADER_ENTRIES = 1_000;

/** Characters of the writer schema (`avro.schema`). */
export const MAX_SCHEMA_CHARS = 4 * 1024 * 1024;

/** How deep types may nest inside the writer schema. */
export const MAX_SCHEMA_DEPTH = 32;

/** Types in the writer schema once every named reference is written out. */
export const MAX_SCHEMA_NODES = 50_000;

/** Bytes of one block after decompression. */
export const MAX_BLOCK_BYTES = 128 * 1024 * 1024;

/** Bytes of all blocks of one file after decompression. */
export const MAX_FILE_BYTES = 1024 * 1024 * 1024;

/** Records in one file; writers aim at some ten thousand. */
export const MAX_RECORDS = 2_000_000;

/** Items of one array or map that is decoded; skipped ones are bounded by their bytes. */
export const MAX_COLLECTION_ITEMS = 1_000_000;

/** Items of all arrays and maps of one file that are decoded: many lists must not add up either. */
export const MAX_FILE_ITEMS = 5_000_000;

/**
 * Decoding steps of one file that consume no byte (`null`, empty records, `fixed` of size 0). They
 * are the only work that the length of a file does not bound.
 */
export const MAX_FREE_STEPS = 100_000_000;

/** Compiled readers kept, each for one writer schema and projection. */
export const MAX_COMPILED_READERS = 128;
