/** One look at the source and, where there is news, one batch: what the isolate of a pipeline does. */
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";
import { defineJob } from "../../jobs/mod.ts";
import { PipelineLag, SourceChangeCounts } from "./metrics.ts";
import { StreamOffset, StreamPosition } from "./offset.ts";
import { PipelineOptions } from "./options.ts";

const count = z.int().nonnegative();

/** What the isolate needs to know of its pipeline. */
export const TickParams = z.object({
  pipelineId: z.string(),
  /** Made of the checkpoint location; names the property of the sink. */
  key: z.string(),
  checkpoint: z.string(),
  options: PipelineOptions,
  source: TableLocationSchema,
  /** The source as clients may name it in SQL. */
  sourceNames: z.array(z.string()),
  /** Null where the sink does not exist yet. */
  sink: TableLocationSchema.nullable(),
  /** UUID of the source that was read before; null before the first look. */
  sourceUuid: z.string().nullable(),
  /** UUID of the sink that batches went to before; null before the first. */
  sinkUuid: z.string().nullable(),
  epoch: count,
  /**
   * Where the stream stands by the server's own records: before the first batch where it begins,
   * later how far it got over snapshots without rows. Counts while the sink has had as many batches.
   */
  place: z.object({ batchId: count, position: StreamPosition }).nullable(),
  /** The first look since somebody started the pipeline: it begins, and nothing is read yet. */
  isFirst: z.boolean(),
  /** The snapshot from which on the source is kept for the stream; null for none. */
  heldSnapshotId: z.string().nullable(),
  /** Reads no further than this snapshot; null for no bound. */
  untilSnapshotId: z.string().nullable(),
  /** Takes everything that there is in one batch, whatever the limits say. */
  ignoreLimits: z.boolean(),
});
export type TickParams = z.infer<typeof TickParams>;

/** A column of a sink to be created. */
export const SinkColumn = z.object({
  name: z.string(),
  /** As Spark writes it. */
  type: z.string(),
  nullable: z.boolean(),
  comment: z.string().nullable(),
});
export type SinkColumn = z.infer<typeof SinkColumn>;

const seen = {
  /** Snapshot of the source that was current. */
  sourceSnapshotId: z.string().nullable(),
  sourceUuid: z.string().nullable(),
  /** Snapshot that the stream still needs. */
  neededSnapshotId: z.string().nullable(),
  lag: PipelineLag,
};

/** What was written, without when. */
export const TickBatch = z.object({
  batchId: count,
  inputRows: count,
  inputBytes: count,
  inputFiles: count,
  outputRows: count,
  outputBytes: count,
  outputFiles: count,
  deletedRows: count,
  unmatchedDeletes: count,
  sourceSnapshotId: z.string(),
  sinkSnapshotId: z.string(),
});
export type TickBatch = z.infer<typeof TickBatch>;

/** What came of a tick. */
export const TickResult = z.discriminatedUnion("kind", [
  /** The stream begins, or goes on, here: to be recorded before anything is written. */
  z.object({
    kind: z.literal("begin"),
    /** What the sink has; null before the first batch. */
    offset: StreamOffset.nullable(),
    position: StreamPosition,
    sinkUuid: z.string().nullable(),
    ...seen,
  }),
  /** There are rows for a sink that does not exist. */
  z.object({ kind: z.literal("create_sink"), columns: z.array(SinkColumn), ...seen }),
  /** Nothing to write; the stream may have moved on over snapshots without rows. */
  z.object({
    kind: z.literal("quiet"),
    /** What the sink has; null before the first batch. */
    offset: StreamOffset.nullable(),
    /** Where the stream stands now. */
    position: StreamPosition,
    sinkUuid: z.string().nullable(),
    changes: SourceChangeCounts,
    ...seen,
  }),
  z.object({
    kind: z.literal("batch"),
    offset: StreamOffset,
    sinkUuid: z.string().nullable(),
    batch: TickBatch,
    changes: SourceChangeCounts,
    /** Whether the source had more than went into this batch. */
    more: z.boolean(),
    ...seen,
  }),
]);
export type TickResult = z.infer<typeof TickResult>;

/**
 * Errors that a person has to look at are `invalid`, `conflict` without retry, `not_found`,
 * `unsupported`, `corrupt_data`, `too_large`; the others may pass.
 */
export const tickJob = defineJob({ name: "stream-tick", params: TickParams, result: TickResult });
