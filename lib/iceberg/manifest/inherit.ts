/** What entries inherit from their manifest (spec: "Sequence Number Inheritance"). */
import type { ManifestFile } from "./manifest_file.ts";

/** Status codes of entries (spec: "Manifest Entry Fields"). */
export const ENTRY_STATUSES = ["existing", "added", "deleted"] as const;

/** Status of an entry. */
export type EntryStatus = typeof ENTRY_STATUSES[number];

/** The part of a manifest's description that entries inherit from. */
export type InheritedFrom = Pick<
  ManifestFile,
  "content" | "sequenceNumber" | "addedSnapshotId" | "firstRowId"
>;

/**
 * A data or file sequence number: its own, else the manifest's if the entry was added with it. A
 * manifest with number 0 comes from a v1 table, where all numbers are 0, whatever the status. Null
 * is left only where an existing or deleted entry breaks the rule to carry its own.
 */
export function inheritSequenceNumber(
  own: bigint | null,
  status: EntryStatus,
  manifest: InheritedFrom,
): bigint | null {
  if (own !== null) return own;
  return status === "added" || manifest.sequenceNumber === 0n ? manifest.sequenceNumber : null;
}

/**
 * Assigns `first_row_id` over the entries of one manifest, in their order (spec: "First Row ID
 * Inheritance"). Deleted entries neither take nor use up ids, as in the Java implementation. In a
 * manifest without a first id no file has one: its snapshot is older than row lineage.
 */
export class FirstRowIdAssigner {
  #next: bigint | null;

  constructor(manifest: InheritedFrom) {
    this.#next = manifest.content === "data" ? manifest.firstRowId : null;
  }

  /** The id of the next entry's first row. */
  assign(
    own: bigint | null,
    entry: { readonly status: EntryStatus; readonly recordCount: number },
  ): bigint | null {
    if (this.#next === null) return null;
    if (own !== null || entry.status === "deleted") return own;
    const assigned = this.#next;
    this.#next += BigInt(entry.recordCount);
    return assigned;
  }
}
