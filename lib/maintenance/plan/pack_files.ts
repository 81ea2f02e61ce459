/** Packs files into groups that are rewritten one by one. */

/** Bounds of one group. */
export interface PackOptions {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/**
 * Splits a list into runs within the bounds, in its order: neighbours in a table's manifests were
 * written together and stay together. A file larger than the bound is a group of its own.
 */
export function packFiles<T>(
  files: readonly T[],
  sizeOf: (file: T) => number,
  { maxBytes, maxFiles }: PackOptions,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let group: T[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = sizeOf(file);
    if (group.length > 0 && (bytes + size > maxBytes || group.length >= maxFiles)) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += size;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
