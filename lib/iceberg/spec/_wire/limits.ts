/** Bounds on what one metadata document may make drls hold: far above real tables, far below harm. */

/** Bytes of a metadata document after decompression, unless the caller asks for other. */
export const MAX_METADATA_BYTES = 128 * 1024 * 1024;
/** Nested structs, lists and maps in one column. */
export const MAX_TYPE_DEPTH = 64;
/** Fields of one schema, nested ones included. */
export const MAX_SCHEMA_FIELDS = 100_000;
/** Characters of one name of a field, partition field, reference. */
export const MAX_NAME_LENGTH = 4_096;
/** Characters of all full dotted names in one schema; nesting multiplies them. */
export const MAX_FULL_NAME_CHARS = 32 * 1024 * 1024;
/** Largest field id; the ones above are reserved (spec "Reserved Field IDs"). */
export const MAX_FIELD_ID = 2_147_483_447;

/** Schemas of a table. */
export const MAX_SCHEMAS = 100_000;
/** Partition specs of a table. */
export const MAX_PARTITION_SPECS = 10_000;
/** Fields of one partition spec or sort order. */
export const MAX_SPEC_FIELDS = 1_000;
/** Sort orders of a table. */
export const MAX_SORT_ORDERS = 10_000;
/** Snapshots of a table, and entries of either log. */
export const MAX_SNAPSHOTS = 1_000_000;
/** Branches and tags. */
export const MAX_REFS = 100_000;
/** Statistics files of either kind. */
export const MAX_STATISTICS = 1_000_000;
/** Encryption keys. */
export const MAX_ENCRYPTION_KEYS = 100_000;
/** Whatever else is a list: field ids, blobs, manifests of a v1 snapshot. */
export const MAX_LIST_LENGTH = 1_000_000;
/** Keys of a string map, such as properties. */
export const MAX_MAP_KEYS = 100_000;
