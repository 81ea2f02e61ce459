/**
 * What a list of updates makes of table metadata: the rules of the specification and of the
 * reference implementation's metadata builder, as a function from values to values.
 */
import type { TableMetadata } from "../spec/table_metadata.ts";
import { addSchema, removeSchemas, setCurrentSchema } from "./_apply_schema.ts";
import {
  addSnapshot,
  prunedSnapshotLog,
  removePartitionStatistics,
  removeSnapshotRef,
  removeSnapshots,
  removeStatistics,
  setPartitionStatistics,
  setSnapshotRef,
  setStatistics,
} from "./_apply_snapshot.ts";
import {
  addSortOrder,
  addSpec,
  checkDefaultsFit,
  removeSpecs,
  setDefaultSortOrder,
  setDefaultSpec,
} from "./_apply_spec.ts";
import {
  assignUuid,
  removeProperties,
  setLocation,
  setProperties,
  upgradeFormatVersion,
} from "./_apply_table.ts";
import { invalidUpdate, type MetadataDraft, newDraft } from "./_draft.ts";
import type { TableUpdate } from "./table_update.ts";

/** Options of {@linkcode applyUpdates}. */
export interface ApplyUpdatesOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * The metadata after `updates`, in their order; `base` itself where they change nothing. Its time of
 * update is never before that of `base`, nor before an entry of its logs: Java refuses tables whose
 * time runs backwards. The metadata log is the catalog's part, see `withMetadataLog`.
 *
 * Errors: `invalid`/`invalid_table_update` for what no state of the table would make right;
 * `conflict`/`commit_conflict` (retryable) for a snapshot whose sequence number or first row id
 * another commit has taken.
 */
export function applyUpdates(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  { nowMs }: ApplyUpdatesOptions,
): TableMetadata {
  const draft = updates.reduce(applyUpdate, newDraft(base, nowMs));
  const { metadata } = draft;
  if (metadata === base) return base;
  checkWhole(base, metadata);
  const snapshotLog = prunedSnapshotLog(draft);
  const lastUpdatedMs = Math.max(
    draft.stampMs,
    base.lastUpdatedMs,
    snapshotLog.at(-1)?.timestampMs ?? 0,
    metadata.metadataLog.at(-1)?.timestampMs ?? 0,
  );
  return { ...metadata, snapshotLog, lastUpdatedMs };
}

function applyUpdate(draft: MetadataDraft, update: TableUpdate): MetadataDraft {
  switch (update.action) {
    case "assign-uuid":
      return assignUuid(draft, update);
    case "upgrade-format-version":
      return upgradeFormatVersion(draft, update);
    case "add-schema":
      return addSchema(draft, update);
    case "set-current-schema":
      return setCurrentSchema(draft, update);
    case "add-spec":
      return addSpec(draft, update);
    case "set-default-spec":
      return setDefaultSpec(draft, update);
    case "add-sort-order":
      return addSortOrder(draft, update);
    case "set-default-sort-order":
      return setDefaultSortOrder(draft, update);
    case "add-snapshot":
      return addSnapshot(draft, update);
    case "remove-snapshots":
      return removeSnapshots(draft, update);
    case "set-snapshot-ref":
      return setSnapshotRef(draft, update);
    case "remove-snapshot-ref":
      return removeSnapshotRef(draft, update);
    case "set-location":
      return setLocation(draft, update);
    case "set-properties":
      return setProperties(draft, update);
    case "remove-properties":
      return removeProperties(draft, update);
    case "set-statistics":
      return setStatistics(draft, update);
    case "remove-statistics":
      return removeStatistics(draft, update);
    case "set-partition-statistics":
      return setPartitionStatistics(draft, update);
    case "remove-partition-statistics":
      return removePartitionStatistics(draft, update);
    case "remove-partition-specs":
      return removeSpecs(draft, update);
    case "remove-schemas":
      return removeSchemas(draft, update);
  }
}

function checkWhole(base: TableMetadata, metadata: TableMetadata): void {
  const { formatVersion, tableUuid } = metadata;
  if (formatVersion > 1 && tableUuid === null) {
    throw invalidUpdate(
      `Cannot upgrade the table to format version ${formatVersion}: it has no UUID; assign one first`,
    );
  }
  const fits = base.currentSchemaId === metadata.currentSchemaId &&
    base.defaultSpecId === metadata.defaultSpecId &&
    base.defaultSortOrderId === metadata.defaultSortOrderId;
  if (!fits) checkDefaultsFit(metadata);
}
