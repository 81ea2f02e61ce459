/**
 * What must still hold of a table for a commit to go through (REST specification:
 * `TableRequirement`). File catalogs check the same list against the metadata they replace.
 */

/** One requirement, by its name in the REST specification. */
export type TableRequirement =
  | { readonly type: "assert-create" }
  | { readonly type: "assert-table-uuid"; readonly uuid: string }
  /** `snapshotId` null: the ref must not exist. */
  | {
    readonly type: "assert-ref-snapshot-id";
    readonly ref: string;
    readonly snapshotId: bigint | null;
  }
  | { readonly type: "assert-last-assigned-field-id"; readonly lastAssignedFieldId: number }
  | { readonly type: "assert-current-schema-id"; readonly currentSchemaId: number }
  | { readonly type: "assert-last-assigned-partition-id"; readonly lastAssignedPartitionId: number }
  | { readonly type: "assert-default-spec-id"; readonly defaultSpecId: number }
  | { readonly type: "assert-default-sort-order-id"; readonly defaultSortOrderId: number };
