/** Names that look like table properties but are parts of the metadata itself. */

const RESERVED: ReadonlySet<string> = new Set([
  "format-version",
  "uuid",
  "snapshot-count",
  "current-snapshot-id",
  "current-snapshot-summary",
  "current-snapshot-timestamp-ms",
  "current-schema",
  "default-partition-spec",
  "default-sort-order",
]);

/** Whether engines show this name as a property although it is none: it cannot be set. */
export function isReservedProperty(key: string): boolean {
  return RESERVED.has(key);
}
