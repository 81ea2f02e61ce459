/** The metadata log: which metadata files came before (spec: "Table Metadata", `metadata-log`). */
import type { TableMetadata } from "../spec/table_metadata.ts";
import { integerProperty } from "./_properties.ts";

/** Property: how many earlier metadata files the log names. */
export const PREVIOUS_VERSIONS_MAX_PROPERTY = "write.metadata.previous-versions-max";
/** Its value where a table sets none. */
export const DEFAULT_PREVIOUS_VERSIONS_MAX = 100;

/** The metadata file that is being replaced. */
export interface PreviousMetadata {
  readonly previousLocation: string;
  /** `lastUpdatedMs` of the metadata in it. */
  readonly previousUpdatedMs: number;
}

/** Metadata with its log brought up to date. */
export interface LoggedMetadata {
  readonly metadata: TableMetadata;
  /** Files that the log named before and does not name now. */
  readonly dropped: readonly string[];
}

/**
 * `metadata` as it is written when it replaces `previous`: its log ends with that file and is no
 * longer than the table's properties allow, at least 1.
 */
export function withMetadataLog(
  metadata: TableMetadata,
  { previousLocation, previousUpdatedMs }: PreviousMetadata,
): LoggedMetadata {
  const log = metadata.metadataLog;
  const timestampMs = Math.max(previousUpdatedMs, log.at(-1)?.timestampMs ?? 0);
  const max = Math.max(
    1,
    integerProperty(metadata.properties, PREVIOUS_VERSIONS_MAX_PROPERTY) ??
      DEFAULT_PREVIOUS_VERSIONS_MAX,
  );
  const all = [...log, { timestampMs, metadataFile: previousLocation }];
  const kept = all.slice(-max);
  const named = new Set(kept.map((entry) => entry.metadataFile));
  const dropped = all.map((entry) => entry.metadataFile).filter((file) => !named.has(file));
  const lastUpdatedMs = Math.max(metadata.lastUpdatedMs, timestampMs);
  return { metadata: { ...metadata, metadataLog: kept, lastUpdatedMs }, dropped };
}
