/** Whether a table still is what a commit was made for. */
import { AppError } from "../../errors.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { TableRequirement } from "./table_requirement.ts";

/**
 * Throws `conflict`/`commit_conflict` (retryable) for the first requirement that `metadata` does not
 * meet, saying what was expected and what is there; `metadata` is null where there is no table.
 */
export function checkRequirements(
  requirements: readonly TableRequirement[],
  metadata: TableMetadata | null,
): void {
  for (const requirement of requirements) {
    const problem = problemOf(requirement, metadata);
    if (problem === null) continue;
    throw new AppError("conflict", "commit_conflict", `Cannot commit: ${problem}`, {
      retryable: true,
      context: { requirement: requirement.type },
    });
  }
}

/** Whether `metadata` meets every requirement. */
export function meetsRequirements(
  requirements: readonly TableRequirement[],
  metadata: TableMetadata | null,
): boolean {
  return requirements.every((requirement) => problemOf(requirement, metadata) === null);
}

/** What a requirement looks at, so that two of the same subject can be told from two subjects. */
export function requirementSubject(requirement: TableRequirement): string {
  return requirement.type === "assert-ref-snapshot-id"
    ? `${requirement.type} ${requirement.ref}`
    : requirement.type;
}

/** The requirement on the same subject that `metadata` meets; null for a UUID that it lacks. */
export function requirementAsOf(
  requirement: TableRequirement,
  metadata: TableMetadata,
): TableRequirement | null {
  const { type } = requirement;
  switch (type) {
    case "assert-create":
      return requirement;
    case "assert-table-uuid":
      return metadata.tableUuid === null ? null : { type, uuid: metadata.tableUuid };
    case "assert-ref-snapshot-id": {
      const { ref } = requirement;
      return { type, ref, snapshotId: metadata.refs.get(ref)?.snapshotId ?? null };
    }
    case "assert-last-assigned-field-id":
      return { type, lastAssignedFieldId: metadata.lastColumnId };
    case "assert-current-schema-id":
      return { type, currentSchemaId: metadata.currentSchemaId };
    case "assert-last-assigned-partition-id":
      return { type, lastAssignedPartitionId: metadata.lastPartitionId };
    case "assert-default-spec-id":
      return { type, defaultSpecId: metadata.defaultSpecId };
    case "assert-default-sort-order-id":
      return { type, defaultSortOrderId: metadata.defaultSortOrderId };
  }
}

function problemOf(requirement: TableRequirement, metadata: TableMetadata | null): string | null {
  if (requirement.type === "assert-create") return metadata === null ? null : "the table exists";
  if (metadata === null) return "the table does not exist";
  switch (requirement.type) {
    case "assert-table-uuid": {
      const expected = requirement.uuid.toLowerCase();
      return differs("the table's UUID", { expected, found: metadata.tableUuid });
    }
    case "assert-ref-snapshot-id":
      return differs(`the snapshot of reference "${requirement.ref}"`, {
        expected: requirement.snapshotId,
        found: metadata.refs.get(requirement.ref)?.snapshotId ?? null,
      });
    case "assert-last-assigned-field-id":
      return differs("the last assigned field id", {
        expected: requirement.lastAssignedFieldId,
        found: metadata.lastColumnId,
      });
    case "assert-current-schema-id":
      return differs("the current schema", {
        expected: requirement.currentSchemaId,
        found: metadata.currentSchemaId,
      });
    case "assert-last-assigned-partition-id":
      return differs("the last assigned partition field id", {
        expected: requirement.lastAssignedPartitionId,
        found: metadata.lastPartitionId,
      });
    case "assert-default-spec-id":
      return differs("the default partition spec", {
        expected: requirement.defaultSpecId,
        found: metadata.defaultSpecId,
      });
    case "assert-default-sort-order-id":
      return differs("the default sort order", {
        expected: requirement.defaultSortOrderId,
        found: metadata.defaultSortOrderId,
      });
  }
}

type Compared = string | number | bigint | null;

function differs(
  what: string,
  { expected, found }: { readonly expected: Compared; readonly found: Compared },
): string | null {
  return expected === found ? null : `${what} is ${found ?? "none"}, not ${expected ?? "none"}`;
}
