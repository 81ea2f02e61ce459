/**
 * Commits as REST catalogs take them (REST specification: `CommitTableRequest`). Where versions of
 * the specification differ, both are served: what newer ones dropped is still written if older ones
 * require it.
 */
import type { JsonOutput } from "../../json.ts";
import type { TableIdentifier } from "../ports.ts";
import {
  partitionSpecToJson,
  partitionStatisticsToJson,
  schemaToJson,
  snapshotRefToJson,
  snapshotToJson,
  sortOrderToJson,
  statisticsToJson,
} from "../spec/metadata_parts.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableUpdate } from "./table_update.ts";

/** What a commit asks of a REST catalog. */
export interface CommitRequest {
  readonly identifier: TableIdentifier;
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
  /** The table after the updates: snapshots are written as its format version has them. */
  readonly metadata: Pick<TableMetadata, "formatVersion" | "lastColumnId">;
}

/** The body of a commit; print it with `stringifyJson`, which keeps 64-bit ids exact. */
export function commitRequestToJson(request: CommitRequest): JsonOutput {
  const { identifier, requirements, updates, metadata } = request;
  return {
    identifier: identifierToJson(identifier),
    requirements: requirements.map(requirementToJson),
    updates: updates.flatMap((update) => updateToJson(update, metadata)),
  };
}

/** A table's name. */
export function identifierToJson({ namespace, name }: TableIdentifier): JsonOutput {
  return { namespace, name };
}

/** A requirement. */
export function requirementToJson(requirement: TableRequirement): JsonOutput {
  const { type } = requirement;
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: requirement.uuid };
    case "assert-ref-snapshot-id":
      // Null is written: it means that the reference must not exist.
      return { type, ref: requirement.ref, "snapshot-id": requirement.snapshotId };
    case "assert-last-assigned-field-id":
      return { type, "last-assigned-field-id": requirement.lastAssignedFieldId };
    case "assert-current-schema-id":
      return { type, "current-schema-id": requirement.currentSchemaId };
    case "assert-last-assigned-partition-id":
      return { type, "last-assigned-partition-id": requirement.lastAssignedPartitionId };
    case "assert-default-spec-id":
      return { type, "default-spec-id": requirement.defaultSpecId };
    case "assert-default-sort-order-id":
      return { type, "default-sort-order-id": requirement.defaultSortOrderId };
  }
}

/** An update; several where older servers take one thing at a time. */
export function updateToJson(
  update: TableUpdate,
  metadata: CommitRequest["metadata"],
): readonly JsonOutput[] {
  if (update.action !== "remove-snapshots") return [oneUpdateToJson(update, metadata)];
  const { action, snapshotIds } = update;
  return snapshotIds.map((id) => ({ action, "snapshot-ids": [id] }));
}

function oneUpdateToJson(
  update: Exclude<TableUpdate, { readonly action: "remove-snapshots" }>,
  { formatVersion, lastColumnId }: CommitRequest["metadata"],
): JsonOutput {
  const { action } = update;
  switch (action) {
    case "assign-uuid":
      return { action, uuid: update.uuid };
    case "upgrade-format-version":
      return { action, "format-version": update.formatVersion };
    case "add-schema":
      // Newer servers find the last column's id themselves; Nessie (0.99) insists on being told.
      return { action, schema: schemaToJson(update.schema), "last-column-id": lastColumnId };
    case "set-current-schema":
      return { action, "schema-id": update.schemaId };
    case "add-spec":
      return { action, spec: partitionSpecToJson(update.spec) };
    case "set-default-spec":
      return { action, "spec-id": update.specId };
    case "add-sort-order":
      return { action, "sort-order": sortOrderToJson(update.sortOrder) };
    case "set-default-sort-order":
      return { action, "sort-order-id": update.sortOrderId };
    case "add-snapshot":
      return { action, snapshot: snapshotToJson(update.snapshot, formatVersion) };
    case "set-snapshot-ref":
      return { ...snapshotRefToJson(update.ref), action, "ref-name": update.ref.name };
    case "remove-snapshot-ref":
      return { action, "ref-name": update.name };
    case "set-location":
      return { action, location: update.location };
    case "set-properties":
      return { action, updates: update.updates };
    case "remove-properties":
      return { action, removals: update.removals };
    case "set-statistics": {
      // Newer servers read the id from the statistics themselves.
      const { statistics } = update;
      const statisticsJson = statisticsToJson(statistics);
      return { action, "snapshot-id": statistics.snapshotId, statistics: statisticsJson };
    }
    case "set-partition-statistics":
      return { action, "partition-statistics": partitionStatisticsToJson(update.statistics) };
    case "remove-statistics":
    case "remove-partition-statistics":
      return { action, "snapshot-id": update.snapshotId };
    case "remove-partition-specs":
      return { action, "spec-ids": update.specIds };
    case "remove-schemas":
      return { action, "schema-ids": update.schemaIds };
  }
}
