/** Where a stream begins that has no offset yet. */
import { AppError } from "../../errors.ts";
import { ancestorsOf } from "../../iceberg/scan/ancestors_of.ts";
import { snapshotSteps } from "../../iceberg/scan/incremental_append.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import {
  currentSnapshot,
  snapshotById,
  type TableMetadata,
} from "../../iceberg/spec/table_metadata.ts";
import type { StreamPosition } from "../contract/offset.ts";
import type { StartFrom } from "../contract/options.ts";

/** Before the first snapshot of a table. */
const BEFORE_EVERYTHING: StreamPosition = {
  snapshot_id: null,
  files_read: null,
  scan_all_files: false,
};

/**
 * The place before the first row that the stream wants. `beginning` is the whole history where all
 * of it is there and nothing was ever overwritten, so that rows come in the order they were
 * appended; otherwise it is all that the table holds now. Errors: `not_found`/`snapshot_not_found`,
 * `source_snapshots_expired`, `invalid`/`snapshot_not_ancestor`.
 */
export function startPosition(metadata: TableMetadata, from: StartFrom): StreamPosition {
  const head = currentSnapshot(metadata);
  if (typeof from === "object" && "snapshot_id" in from) {
    return atSnapshot(metadata, BigInt(from.snapshot_id));
  }
  if (head === undefined) return BEFORE_EVERYTHING;
  if (from === "latest") return after(head);
  if (from === "beginning") return beginning(metadata, head);
  return atTime(metadata, { head, timestampMs: Date.parse(from.timestamp) });
}

function beginning(metadata: TableMetadata, head: Snapshot): StreamPosition {
  const { steps, complete } = snapshotSteps(metadata, {
    fromSnapshotId: null,
    toSnapshotId: head.snapshotId,
  });
  const onlyAppends = steps.every(({ change }) => change === "append" || change === "replace");
  if (complete && onlyAppends) return BEFORE_EVERYTHING;
  return { snapshot_id: String(head.snapshotId), files_read: 0, scan_all_files: true };
}

function atSnapshot(metadata: TableMetadata, snapshotId: bigint): StreamPosition {
  const head = currentSnapshot(metadata);
  const path = "start_from.snapshot_id";
  if (snapshotById(metadata, snapshotId) === undefined || head === undefined) {
    const message =
      `Cannot begin at snapshot ${snapshotId}: the source has no such snapshot (any ` +
      "more)";
    throw new AppError("not_found", "snapshot_not_found", message, { issues: [{ path, message }] });
  }
  const line = [...ancestorsOf(metadata, head.snapshotId)];
  if (line.every((snapshot) => snapshot.snapshotId !== snapshotId)) {
    const message = `Cannot begin at snapshot ${snapshotId}: it is not an ancestor of the ` +
      "source's current snapshot";
    throw new AppError("invalid", "snapshot_not_ancestor", message, {
      issues: [{ path, message }],
    });
  }
  return before(snapshotId);
}

/** The first snapshot of the line that is not older. */
function atTime(
  metadata: TableMetadata,
  { head, timestampMs }: { readonly head: Snapshot; readonly timestampMs: number },
): StreamPosition {
  let first: Snapshot | null = null;
  for (const snapshot of ancestorsOf(metadata, head.snapshotId)) {
    if (snapshot.timestampMs < timestampMs) return first === null ? after(head) : at(first);
    first = snapshot;
  }
  const { complete } = snapshotSteps(metadata, {
    fromSnapshotId: null,
    toSnapshotId: head.snapshotId,
  });
  if (first === null || (!complete && timestampMs < first.timestampMs)) throw expiredSince();
  return at(first);
}

function at({ snapshotId }: Snapshot): StreamPosition {
  return before(snapshotId);
}

/** What was added at that time may be gone. */
function expiredSince(): AppError {
  const message =
    "Cannot begin at this time: the source has no snapshot from before it any more, so " +
    'that rows may be missing. Begin later, or with "beginning" for all rows that there are';
  return new AppError("not_found", "source_snapshots_expired", message, {
    issues: [{ path: "start_from.timestamp", message }],
  });
}

function before(snapshotId: bigint): StreamPosition {
  return { snapshot_id: String(snapshotId), files_read: 0, scan_all_files: false };
}

function after({ snapshotId }: Snapshot): StreamPosition {
  return { snapshot_id: String(snapshotId), files_read: null, scan_all_files: false };
}
