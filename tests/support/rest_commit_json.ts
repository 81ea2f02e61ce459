/** Commits of REST clients, read from JSON: what a catalog server makes of a request. */
import type { TableRequirement } from "../../lib/iceberg/commit/table_requirement.ts";
import type { TableUpdate } from "../../lib/iceberg/commit/table_update.ts";
import {
  partitionSpecFromJson,
  schemaFromJson,
  snapshotFromJson,
  sortOrderFromJson,
} from "../../lib/iceberg/spec/metadata_parts.ts";
import type { SnapshotRef } from "../../lib/iceberg/spec/snapshot.ts";
import type { FormatVersion } from "../../lib/iceberg/spec/table_metadata.ts";
import { AppError } from "../../lib/errors.ts";
import type { JsonValue } from "../../lib/json.ts";

type Json = Record<string, JsonValue>;

/** A requirement. */
export function requirementFromJson(json: Json): TableRequirement {
  const type = json["type"];
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: String(json["uuid"]) };
    case "assert-ref-snapshot-id":
      return { type, ref: String(json["ref"]), snapshotId: idOrNull(json["snapshot-id"]) };
    case "assert-last-assigned-field-id":
      return { type, lastAssignedFieldId: Number(json["last-assigned-field-id"]) };
    case "assert-current-schema-id":
      return { type, currentSchemaId: Number(json["current-schema-id"]) };
    case "assert-last-assigned-partition-id":
      return { type, lastAssignedPartitionId: Number(json["last-assigned-partition-id"]) };
    case "assert-default-spec-id":
      return { type, defaultSpecId: Number(json["default-spec-id"]) };
    case "assert-default-sort-order-id":
      return { type, defaultSortOrderId: Number(json["default-sort-order-id"]) };
    default:
      throw new AppError("invalid", "unknown_requirement", `No such requirement: ${type}`);
  }
}

/** An update of a table of this format version; statistics are none of this server's business. */
export function updateFromJson(json: Json, version: FormatVersion): TableUpdate {
  const action = json["action"];
  switch (action) {
    case "assign-uuid":
      return { action, uuid: String(json["uuid"]) };
    case "upgrade-format-version":
      return { action, formatVersion: Number(json["format-version"]) as FormatVersion };
    case "add-schema":
      return { action, schema: schemaFromJson(json["schema"] ?? null) };
    case "set-current-schema":
      return { action, schemaId: Number(json["schema-id"]) };
    case "add-spec":
      return { action, spec: partitionSpecFromJson(json["spec"] ?? null) };
    case "set-default-spec":
      return { action, specId: Number(json["spec-id"]) };
    case "add-sort-order":
      return { action, sortOrder: sortOrderFromJson(json["sort-order"] ?? null) };
    case "set-default-sort-order":
      return { action, sortOrderId: Number(json["sort-order-id"]) };
    case "add-snapshot":
      return { action, snapshot: snapshotFromJson(json["snapshot"] ?? null, version) };
    case "remove-snapshots":
      return { action, snapshotIds: (json["snapshot-ids"] as JsonValue[]).map(id) };
    case "set-snapshot-ref":
      return { action, ref: refFromJson(json) };
    case "remove-snapshot-ref":
      return { action, name: String(json["ref-name"]) };
    case "set-properties":
      return { action, updates: { ...json["updates"] as Record<string, string> } };
    case "remove-properties":
      return { action, removals: [...json["removals"] as string[]] };
    case "remove-partition-specs":
      return { action, specIds: (json["spec-ids"] as JsonValue[]).map(Number) };
    case "remove-schemas":
      return { action, schemaIds: (json["schema-ids"] as JsonValue[]).map(Number) };
    default:
      throw new AppError("invalid", "unknown_update", `No such update: ${action}`);
  }
}

function refFromJson(json: Json): SnapshotRef {
  const number = (key: string) => json[key] === undefined ? null : Number(json[key]);
  return {
    name: String(json["ref-name"]),
    snapshotId: id(json["snapshot-id"]),
    type: json["type"] === "tag" ? "tag" : "branch",
    minSnapshotsToKeep: number("min-snapshots-to-keep"),
    maxSnapshotAgeMs: number("max-snapshot-age-ms"),
    maxRefAgeMs: number("max-ref-age-ms"),
  };
}

/** Ids are 64 bits wide: JSON is read so that large ones arrive as `bigint`. */
function id(json: JsonValue | undefined): bigint {
  if (typeof json !== "number" && typeof json !== "bigint") {
    throw new AppError("invalid", "invalid_id", `Not an id: ${String(json)}`);
  }
  return BigInt(json);
}

function idOrNull(json: JsonValue | undefined): bigint | null {
  return json === undefined || json === null ? null : id(json);
}
