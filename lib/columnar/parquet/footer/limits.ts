/**
 * Bounds of the footer reader. Each stops a file that lies about itself from costing more memory or
 * time than an honest one; honest files stay far below all of them.
 */

/** Bytes of a footer. A file of 100 row groups of 1,000 columns has about 15 MB. */
export const MAX_FOOTER_BYTES = 64 * 1024 * 1024;

/** Nodes of a schema. */
export const MAX_SCHEMA_ELEMENTS = 100_000;

/** How deep a schema nests, as deep as other readers go. */
export const MAX_SCHEMA_DEPTH = 64;

/** Row groups of a file. */
export const MAX_ROW_GROUPS = 100_000;

/** Column chunks of a row group; those of a file are bounded with all other list elements. */
export const MAX_COLUMN_CHUNKS = MAX_SCHEMA_ELEMENTS;

/** Keys of the file's metadata, and entries of the short lists of a column chunk. */
export const MAX_KEY_VALUES = 10_000;

/** Rows of a row group: what Arrow can index. */
export const MAX_ROW_GROUP_ROWS = 2 ** 31 - 1;
