/** The snapshot and reference answers. */
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { type Snapshot, snapshotOperation, type SnapshotRef } from "../../iceberg/spec/snapshot.ts";
import { decodeCursor, encodeCursor, invalidCursor } from "../../cursor.ts";
import type { RefList, SnapshotInfo, SnapshotList } from "../contract/schemas.ts";
import type { Page } from "../contract/table_reader.ts";
import { isoTime } from "./iso_time.ts";
import { fillPage } from "./page_budget.ts";

/** Longest name that a cursor holds, in characters: it has to fit into a URL. */
const MAX_CURSOR_NAME = 256;

/** Snapshots of a table, newest first. */
export function describeSnapshots(table: LoadedTable, page: Page): SnapshotList {
  const { metadata } = table;
  const ordered = metadata.snapshots.toSorted(newestFirst);
  const start = page.cursor === null ? 0 : positionAfter(ordered, page.cursor);
  const refsById = refNamesBySnapshot(table);
  const snapshots = fillPage(
    ordered.slice(start, start + page.limit),
    (snapshot) => snapshotInfo(table, snapshot, refsById),
    page,
  );
  const last = snapshots.at(-1);
  const more = last !== undefined && start + snapshots.length < ordered.length;
  return {
    success: true,
    table: formatIdentifier(table.identifier),
    current_snapshot_id: metadata.currentSnapshotId?.toString() ?? null,
    snapshots,
    ...(more ? { next_cursor: encodeCursor("snapshots", [last.snapshot_id]) } : {}),
  };
}

/** Branches and tags of a table, by name. */
export function describeRefs(table: LoadedTable, page: Page): RefList {
  const refs = [...table.metadata.refs.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  const rest = page.cursor === null ? refs : refsAfter(refs, page.cursor);
  const shown = fillPage(rest, refInfo, page);
  const last = shown.at(-1);
  const more = last !== undefined && rest.length > shown.length;
  return {
    success: true,
    table: formatIdentifier(table.identifier),
    refs: shown,
    ...(more ? { next_cursor: refCursor(refs, last.name) } : {}),
  };
}

/**
 * A cursor after this name. Of a name too long for a cursor only the beginning is kept, with the
 * number of names from there on that have been shown.
 */
function refCursor(refs: readonly SnapshotRef[], name: string): string {
  if (name.length <= MAX_CURSOR_NAME) return encodeCursor("refs", [name, ""]);
  const start = name.slice(0, MAX_CURSOR_NAME);
  const shown = refs.filter((ref) => ref.name >= start && ref.name <= name).length;
  return encodeCursor("refs", [start, String(shown)]);
}

/** The references behind a cursor; `refs` are sorted by name. */
function refsAfter(refs: readonly SnapshotRef[], cursor: string): readonly SnapshotRef[] {
  const [name = "", shown = ""] = decodeCursor("refs", cursor, { parts: 2 });
  if (shown === "") return refs.filter((ref) => ref.name > name);
  if (!/^\d{1,9}$/.test(shown)) {
    throw invalidCursor("Expected a next_cursor of an earlier page of this list");
  }
  return refs.filter((ref) => ref.name >= name).slice(Number(shown));
}

function refInfo(ref: SnapshotRef): RefList["refs"][number] {
  return {
    name: ref.name,
    type: ref.type,
    snapshot_id: String(ref.snapshotId),
    min_snapshots_to_keep: ref.minSnapshotsToKeep,
    max_snapshot_age_ms: ref.maxSnapshotAgeMs,
    max_ref_age_ms: ref.maxRefAgeMs,
  };
}

/** By sequence number where there is one; v1 snapshots all have 0 and go by time. */
function newestFirst(a: Snapshot, b: Snapshot): number {
  if (a.sequenceNumber !== b.sequenceNumber) return a.sequenceNumber > b.sequenceNumber ? -1 : 1;
  return b.timestampMs - a.timestampMs;
}

function positionAfter(ordered: readonly Snapshot[], cursor: string): number {
  const [id] = decodeCursor("snapshots", cursor, { parts: 1 });
  const position = ordered.findIndex((snapshot) => String(snapshot.snapshotId) === id);
  if (position !== -1) return position + 1;
  throw invalidCursor("Expected a cursor whose snapshot still exists; list from the start again");
}

function refNamesBySnapshot(table: LoadedTable): ReadonlyMap<bigint, readonly string[]> {
  const names = new Map<bigint, string[]>();
  for (const ref of table.metadata.refs.values()) {
    const list = names.get(ref.snapshotId);
    if (list === undefined) names.set(ref.snapshotId, [ref.name]);
    else list.push(ref.name);
  }
  return names;
}

function snapshotInfo(
  table: LoadedTable,
  snapshot: Snapshot,
  refsById: ReadonlyMap<bigint, readonly string[]>,
): SnapshotInfo {
  return {
    snapshot_id: String(snapshot.snapshotId),
    parent_id: snapshot.parentSnapshotId?.toString() ?? null,
    sequence_number: String(snapshot.sequenceNumber),
    timestamp: isoTime(snapshot.timestampMs),
    operation: snapshotOperation(snapshot),
    summary: { ...snapshot.summary },
    schema_id: snapshot.schemaId,
    manifest_list: snapshot.manifestList,
    refs: [...(refsById.get(snapshot.snapshotId) ?? [])],
    is_current: snapshot.snapshotId === table.metadata.currentSnapshotId,
  };
}
