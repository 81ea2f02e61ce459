/**
 * How far a stream has read its source. Committed to the sink with the rows that were made of it, so
 * that both are there or neither; the checkpoint file is a copy for people.
 */
import { z } from "zod";

const id = z.string().regex(/^-?\d{1,20}$/);
const count = z.int().nonnegative();

/** No time in milliseconds comes near it. Who writes into a sink must not use up the numbers. */
const MAX_EPOCH = 2 ** 50;

/** A place in a table's history. */
export const StreamPosition = z.object({
  /** The snapshot that was read last, in decimal; null before the first one of an empty table. */
  snapshot_id: id.nullable(),
  /** Files of that snapshot that were read; null where all were. */
  files_read: count.nullable(),
  /** Whether all of the snapshot's files are meant, rather than those that it added. */
  scan_all_files: z.boolean(),
});
export type StreamPosition = z.infer<typeof StreamPosition>;

/** Sums over the life of a stream. */
export const StreamTotals = z.object({
  input_rows: count,
  input_bytes: count,
  input_files: count,
  output_rows: count,
  output_bytes: count,
  output_files: count,
  deleted_rows: count,
  /** Deletes of a changelog for which the sink had no row. */
  unmatched_deletes: count,
});
export type StreamTotals = z.infer<typeof StreamTotals>;

/** What the sink keeps of a stream. */
export const StreamOffset = z.object({
  version: z.literal(1),
  /** The checkpoint location, for people; the property's name is made of it. */
  checkpoint: z.string(),
  /** `namespace.table`, for people. */
  source: z.string(),
  /** The source table; one of the same name that was created since is another. */
  source_uuid: z.string().nullable(),
  /** Schema that the source was read with. */
  source_schema_id: z.int(),
  /** Digest of what is done to rows: those that were written otherwise are not found again by their values. */
  rows: z.string(),
  position: StreamPosition,
  /** Batches that were committed. */
  batch_id: count,
  /** Grows with each server that takes the stream over: commits of earlier ones are refused. */
  epoch: count.max(MAX_EPOCH),
  totals: StreamTotals,
});
export type StreamOffset = z.infer<typeof StreamOffset>;

/**
 * The snapshot of the sink that has a batch. The property names it beside the offset: it outlives the
 * snapshot, and where that was rolled back and removed tells that its rows are gone.
 */
export const SinkSnapshot = z.object({
  /** Of the sink; a copy of it has another one. */
  table_uuid: z.string(),
  snapshot_id: id,
  /** In decimal; it grows along a table's history. 0 in format v1, which has none. */
  sequence_number: z.string().regex(/^\d{1,19}$/),
});
export type SinkSnapshot = z.infer<typeof SinkSnapshot>;

/** What the property says; where people have set it by hand, the offset alone perhaps. */
export const OffsetProperty = StreamOffset.extend({
  sink_snapshot: SinkSnapshot.nullable().default(null),
});
export type OffsetProperty = z.infer<typeof OffsetProperty>;

/** Before the first batch. */
export const NO_TOTALS: StreamTotals = {
  input_rows: 0,
  input_bytes: 0,
  input_files: 0,
  output_rows: 0,
  output_bytes: 0,
  output_files: 0,
  deleted_rows: 0,
  unmatched_deletes: 0,
};

/** Prefix of the table property that holds an offset, and of the entry in snapshot summaries. */
export const OFFSET_PROPERTY_PREFIX = "drls.stream.";

/** The property of a stream; `key` is what the checkpoint location comes to. */
export function offsetProperty(key: string): string {
  return `${OFFSET_PROPERTY_PREFIX}${key}`;
}
