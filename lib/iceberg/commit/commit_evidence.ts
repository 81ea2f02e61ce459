/**
 * Whether a commit whose reply was lost has happened, judged from the table as it is now.
 *
 * The table may have moved on in between, and a request that nobody waits for may still arrive. So
 * there are four answers, and "it did not happen" is only said where it cannot happen any more.
 */
import type { LoadedTable } from "../ports.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import {
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  type TableMetadata,
} from "../spec/table_metadata.ts";
import { meetsRequirements } from "./check_requirements.ts";
import { isSameOrder, isSameSchema, isSameSpec } from "./same_parts.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableChange } from "./table_store.ts";

/** A commit of which nobody knows whether it happened. */
export interface CommitInDoubt {
  readonly base: LoadedTable;
  readonly change: TableChange;
  /**
   * The metadata file that would have become current, where nobody else can have written that file
   * and where it could only replace `base`; null for catalogs that choose the file themselves.
   */
  readonly metadataLocation: string | null;
}

/** What the table says of a {@linkcode CommitInDoubt}. */
export type CommitVerdict =
  /** It happened, or somebody else has done exactly the same. */
  | "committed"
  /** It has not happened and cannot happen any more. */
  | "dead"
  /** It has not happened yet. */
  | "pending"
  | "unknown";

/** Judges by what is there now. */
export function judgeCommit(now: LoadedTable, doubt: CommitInDoubt): CommitVerdict {
  const { base, change, metadataLocation } = doubt;
  // A table of the same name that was created since says nothing about the one before.
  if (!isSameTable(now.metadata, doubt)) return "unknown";
  if (metadataLocation !== null && isInHistory(now, metadataLocation)) return "committed";
  const added = addedSnapshots(change.metadata, base.metadata);
  if (added.length > 0 ? hasAny(now.metadata, added) : isDone(now.metadata, doubt)) {
    return "committed";
  }
  if (isUnchanged(now, base)) return "pending";
  // The file could only replace `base`, and another file has done so.
  if (metadataLocation !== null && isInHistory(now, base.metadataLocation)) return "dead";
  if (added.length > 0) return judgeSnapshots(now.metadata, { added, change });
  return isOutOfDate(change.requirements, now.metadata) ? "dead" : "unknown";
}

/**
 * Whether everything that `change` did to `base` can be seen in `metadata`. Another writer may have
 * done the same; that it was undone or overlaid since reads as false.
 */
export function changeIsVisible(
  metadata: TableMetadata,
  change: Pick<TableChange, "metadata">,
  base: TableMetadata,
): boolean {
  const wanted = change.metadata;
  return isTableVisible(metadata, wanted, { base }) &&
    areDefinitionsVisible(metadata, wanted, { base }) &&
    areSnapshotsVisible(metadata, wanted, { base });
}

/** Whether the same change, sent again, can be applied at most once, however late it arrives. */
export function appliesAtMostOnce({ base, change, metadataLocation }: CommitInDoubt): boolean {
  // A snapshot id is taken once, a metadata file is replaced once; a requirement that the change
  // itself breaks holds off the second.
  return metadataLocation !== null ||
    addedSnapshots(change.metadata, base.metadata).length > 0 ||
    !meetsRequirements(change.requirements, change.metadata);
}

/**
 * Whether of this commit and any later one that adds a snapshot to the same table at most one can
 * happen, as long as this one has not: both need the next sequence number.
 */
export function excludesSuccessors({ base, change }: CommitInDoubt): boolean {
  return change.metadata.formatVersion > 1 &&
    addedSnapshots(change.metadata, base.metadata).length > 0;
}

interface Before {
  readonly base: TableMetadata;
}

function isSameTable({ tableUuid }: TableMetadata, { base, change }: CommitInDoubt): boolean {
  return tableUuid === base.metadata.tableUuid || tableUuid === change.metadata.tableUuid;
}

function isInHistory({ metadata, metadataLocation }: LoadedTable, location: string): boolean {
  return metadataLocation === location ||
    metadata.metadataLog.some((entry) => entry.metadataFile === location);
}

function isUnchanged(now: LoadedTable, base: LoadedTable): boolean {
  return now.metadataLocation === base.metadataLocation &&
    now.metadata.lastUpdatedMs === base.metadata.lastUpdatedMs &&
    now.metadata.lastSequenceNumber === base.metadata.lastSequenceNumber;
}

function addedSnapshots(wanted: TableMetadata, base: TableMetadata): readonly Snapshot[] {
  const before = new Set(base.snapshots.map((snapshot) => snapshot.snapshotId));
  return wanted.snapshots.filter((snapshot) => !before.has(snapshot.snapshotId));
}

/** One is enough, as all come at once; as somebody's parent it is still known after it has expired. */
function hasAny(now: TableMetadata, added: readonly Snapshot[]): boolean {
  const known = new Set(now.snapshots.flatMap((one) => [one.snapshotId, one.parentSnapshotId]));
  return added.some(({ snapshotId }) => known.has(snapshotId));
}

/** Without snapshots: as wanted, or with the wanted schemas, specs and orders, since replaced. */
function isDone(now: TableMetadata, { base, change }: CommitInDoubt): boolean {
  const wanted = change.metadata;
  const before = { base: base.metadata };
  if (!isTableVisible(now, wanted, before) || !areSnapshotsVisible(now, wanted, before)) {
    return false;
  }
  const areFound = <T>(parts: (metadata: TableMetadata) => readonly T[], same: Same<T>) => {
    const isIn = (metadata: TableMetadata, part: T) =>
      parts(metadata).some((one) => same(one, part));
    return parts(wanted).filter((part) => !isIn(base.metadata, part)).map((part) =>
      isIn(now, part)
    );
  };
  const found = [
    ...areFound((metadata) => metadata.schemas, isSameSchema),
    ...areFound((metadata) => metadata.partitionSpecs, isSameSpec),
    ...areFound((metadata) => metadata.sortOrders, isSameOrder),
  ];
  return found.length > 0 ? !found.includes(false) : areDefinitionsVisible(now, wanted, before);
}

type Same<T> = (a: T, b: T) => boolean;

/** Sequence numbers are given once (spec: "Sequence Numbers"), so that one taken is lost for ever. */
function judgeSnapshots(
  now: TableMetadata,
  { added, change }: { readonly added: readonly Snapshot[]; readonly change: TableChange },
): CommitVerdict {
  const [first] = added;
  if (first === undefined || now.formatVersion === 1) return "unknown";
  if (now.lastSequenceNumber < first.sequenceNumber) return "pending";
  const isTaken = now.snapshots.some((one) => one.sequenceNumber === first.sequenceNumber);
  // Java takes a snapshot without a parent whatever its number is; its reference must be free still.
  const isHeldOff = first.parentSnapshotId !== null ||
    !meetsRequirements(change.requirements, now);
  // Number gone, snapshot not there: it may have been this one, and have expired since.
  return isTaken && isHeldOff ? "dead" : "unknown";
}

/** Ids are only ever counted up: a requirement on one that does not hold never will again. */
function isOutOfDate(requirements: readonly TableRequirement[], now: TableMetadata): boolean {
  return requirements.some((requirement) => {
    const { type } = requirement;
    return (type === "assert-last-assigned-field-id" ||
      type === "assert-last-assigned-partition-id") && !meetsRequirements([requirement], now);
  });
}

function isTableVisible(now: TableMetadata, wanted: TableMetadata, { base }: Before): boolean {
  if (now.formatVersion < wanted.formatVersion) return false;
  if (now.lastColumnId < wanted.lastColumnId) return false;
  if (wanted.location !== base.location && now.location !== wanted.location) return false;
  const keys = new Set([...Object.keys(base.properties), ...Object.keys(wanted.properties)]);
  for (const key of keys) {
    const value = wanted.properties[key];
    if (value !== base.properties[key] && now.properties[key] !== value) return false;
  }
  return true;
}

function areDefinitionsVisible(
  now: TableMetadata,
  wanted: TableMetadata,
  { base }: Before,
): boolean {
  // The catalog may have numbered them otherwise: what they say is compared, not their ids.
  const chosen = <T>(choose: (metadata: TableMetadata) => T, same: Same<T>) =>
    same(choose(base), choose(wanted)) || same(choose(now), choose(wanted));
  const removed = <T>(ids: (metadata: TableMetadata) => readonly T[]) => {
    const left = new Set(ids(wanted));
    const found = new Set(ids(now));
    return ids(base).every((id) => left.has(id) || !found.has(id));
  };
  return chosen(currentSchema, isSameSchema) && chosen(defaultSpec, isSameSpec) &&
    chosen(defaultSortOrder, isSameOrder) &&
    removed((metadata) => metadata.schemas.map((schema) => schema.schemaId)) &&
    removed((metadata) => metadata.partitionSpecs.map((spec) => spec.specId));
}

function areSnapshotsVisible(now: TableMetadata, wanted: TableMetadata, { base }: Before): boolean {
  const left = new Set(wanted.snapshots.map((snapshot) => snapshot.snapshotId));
  const found = new Set(now.snapshots.map((snapshot) => snapshot.snapshotId));
  if (addedSnapshots(wanted, base).some(({ snapshotId }) => !found.has(snapshotId))) return false;
  if (base.snapshots.some(({ snapshotId: id }) => !left.has(id) && found.has(id))) return false;
  const refs = (metadata: TableMetadata) =>
    new Map([...metadata.refs].map(([name, { extra: _, ...ref }]) => [name, textOf(ref)]));
  return isMapVisible(refs(now), refs(wanted), { base: refs(base) }) &&
    isMapVisible(files(now), files(wanted), { base: files(base) });
}

/** Statistics of either kind by snapshot. */
function files({ statistics, partitionStatistics }: TableMetadata): ReadonlyMap<string, string> {
  const entries = (kind: string, list: typeof partitionStatistics) =>
    list.map((file) => [`${kind} ${file.snapshotId}`, file.statisticsPath] as const);
  return new Map([...entries("table", statistics), ...entries("partition", partitionStatistics)]);
}

type TextMap = ReadonlyMap<string, string>;

function isMapVisible(
  now: TextMap,
  wanted: TextMap,
  { base }: { readonly base: TextMap },
): boolean {
  return [...new Set([...base.keys(), ...wanted.keys()])].every((key) =>
    wanted.get(key) === base.get(key) || now.get(key) === wanted.get(key)
  );
}

function textOf(value: object): string {
  return JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part);
}
