/** The offset of a stream in its sink: read, and moved on in the same commit as the rows. */
import type { z } from "zod";
import { AppError } from "../../errors.ts";
import type { CommitAction } from "../../iceberg/commit/commit_action.ts";
import { ancestorsOf } from "../../iceberg/scan/ancestors_of.ts";
import { snapshotSteps } from "../../iceberg/scan/incremental_append.ts";
import { currentSnapshot, type TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import {
  OffsetProperty,
  offsetProperty,
  type SinkSnapshot,
  StreamOffset,
} from "../contract/offset.ts";

/**
 * The offset of the stream `key`; null where there is none. The property outlives the expiry of
 * snapshots; where somebody has removed it, the newest snapshot that has it counts. Errors:
 * `conflict`/`sink_rolled_back` where the rows of its last batches are gone, and the property says
 * that they are there.
 */
export function readOffset(metadata: TableMetadata, key: string): StreamOffset | null {
  const name = offsetProperty(key);
  const newest = newestInHistory(metadata, name);
  const property = metadata.properties[name];
  if (property === undefined) return newest;
  const { sink_snapshot, ...offset } = parse(property, OffsetProperty);
  const isBehind = newest === null
    ? isPassedBy(metadata, sink_snapshot) || isLeftOut(metadata, name)
    : newest.batch_id < offset.batch_id;
  if (isBehind) throw rolledBack(offset, newest);
  return offset;
}

/** What the newest snapshot with an offset says. */
function newestInHistory(metadata: TableMetadata, name: string): StreamOffset | null {
  const head = currentSnapshot(metadata);
  for (const snapshot of head === undefined ? [] : ancestorsOf(metadata, head.snapshotId)) {
    const text = snapshot.summary[name];
    if (text !== undefined) return parse(text, StreamOffset);
  }
  return null;
}

/**
 * Whether the history goes past a snapshot, which nobody needs to have any more: to one that is older,
 * or to its beginning. Where it breaks off before, nothing can be told.
 */
function isPassedBy(metadata: TableMetadata, snapshot: SinkSnapshot | null): boolean {
  // Who copies a sink takes its properties along.
  if (snapshot === null || snapshot.table_uuid !== metadata.tableUuid) return false;
  const head = currentSnapshot(metadata);
  if (head === undefined) return true;
  const number = BigInt(snapshot.sequence_number);
  const line = [...ancestorsOf(metadata, head.snapshotId)];
  if (line.some(({ snapshotId }) => String(snapshotId) === snapshot.snapshot_id)) return false;
  return number === 0n
    ? hasBeginning(metadata)
    : line.some(({ sequenceNumber }) => sequenceNumber < number);
}

/** Whether batches are in snapshots that the history does not lead to, and it has its beginning. */
function isLeftOut(metadata: TableMetadata, name: string): boolean {
  // Where expiry has cut the history, the batch's snapshot may be among what is gone; and who copies
  // a sink has its rows without its history.
  return metadata.snapshots.some(({ summary }) => summary[name] !== undefined) &&
    hasBeginning(metadata);
}

function hasBeginning(metadata: TableMetadata): boolean {
  const head = currentSnapshot(metadata);
  if (head === undefined) return true;
  const range = { fromSnapshotId: null, toSnapshotId: head.snapshotId };
  return snapshotSteps(metadata, range).complete;
}

/** Options of {@linkcode withOffset}. */
export interface WithOffsetOptions {
  readonly key: string;
  /** What the batch goes on from; null for the first one. */
  readonly expected: StreamOffset | null;
  readonly next: StreamOffset;
}

/**
 * The actions of a batch: `snapshot`, which makes one whose summary has `next`, and with it the offset
 * moved on, if it is still the expected one on the newest table. Errors, with which nothing is
 * committed: `conflict`/`stream_fenced` where a later owner has been here; `conflict`/`stream_moved`
 * where this stream has gone on meanwhile: to look again tells how far; `conflict`/`sink_rolled_back`
 * as above.
 */
export function withOffset(
  snapshot: CommitAction,
  options: WithOffsetOptions,
): readonly CommitAction[] {
  // Checked first: a fenced stream need not write manifests. Moved last: it names the snapshot.
  return [checking(options), snapshot, moving(options)];
}

function checking({ key, expected, next }: WithOffsetOptions): CommitAction {
  return {
    name: "check offset",
    apply({ table: { metadata } }) {
      const found = readOffset(metadata, key);
      if (found !== null && found.epoch > next.epoch) throw fenced();
      if (!isSame(found, expected)) throw moved();
      return Promise.resolve({ requirements: [], updates: [] });
    },
  };
}

function moving({ key, next }: WithOffsetOptions): CommitAction {
  const name = offsetProperty(key);
  return {
    name: "move offset",
    apply({ table: { metadata } }) {
      const head = currentSnapshot(metadata);
      // A REST catalog orders commits by the branch's head alone: without one two would pass.
      if (head?.summary[name] !== formatOffset(next)) {
        throw new TypeError("Cannot move an offset without a snapshot that has it");
      }
      const { tableUuid } = metadata;
      const property: OffsetProperty = {
        ...next,
        sink_snapshot: tableUuid === null ? null : {
          table_uuid: tableUuid,
          snapshot_id: String(head.snapshotId),
          sequence_number: String(head.sequenceNumber),
        },
      };
      const updates = { [name]: JSON.stringify(OffsetProperty.parse(property)) };
      return Promise.resolve({
        requirements: [],
        updates: [{ action: "set-properties", updates }],
      });
    },
  };
}

/** The text of an offset, as snapshots have it. */
export function formatOffset(offset: StreamOffset): string {
  return JSON.stringify(StreamOffset.parse(offset));
}

/** A later owner has taken the stream over. */
export function fenced(): AppError {
  const message =
    "Cannot commit: another server has taken the stream over. Where that server has " +
    "another state, stop the pipeline there before it is started here";
  return new AppError("conflict", "stream_fenced", message);
}

function moved(): AppError {
  const message = "Cannot commit: the stream has gone on in the meantime";
  return new AppError("conflict", "stream_moved", message);
}

function rolledBack(offset: StreamOffset, left: StreamOffset | null): AppError {
  const rest = left === null
    ? "has none of its rows"
    : `has its rows up to batch ${left.batch_id}, which ended with snapshot ` +
      `${left.position.snapshot_id} of the source`;
  return new AppError(
    "conflict",
    "sink_rolled_back",
    `Cannot go on: the sink was rolled back behind batch ${offset.batch_id} of the stream, and ` +
      `${rest}. Bring the sink back to where it was, or start the pipeline under another ` +
      "checkpoint_location: with start_from set to the snapshot after that one to read the rows " +
      'again, or with "latest" to go on without them',
  );
}

function isSame(a: StreamOffset | null, b: StreamOffset | null): boolean {
  if (a === null || b === null) return a === b;
  return a.batch_id === b.batch_id && JSON.stringify(a.position) === JSON.stringify(b.position);
}

function parse<S extends z.ZodType>(text: string, schema: S): z.infer<S> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw offsetInvalid(error);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw offsetInvalid(parsed.error);
  return parsed.data;
}

function offsetInvalid(cause: unknown): AppError {
  const message = "Cannot go on: the offset that the sink keeps cannot be read. Set the table " +
    "property drls.stream.<key> back to what it was, or start under another checkpoint_location";
  return new AppError("corrupt_data", "stream_offset_invalid", message, { cause });
}
