/**
 * One tick of a stream: look at the source, read a batch, write it, commit it with its offset.
 *
 * ```
 * load both tables ─► offset of the sink ─► plan ─┬─ nothing new: quiet
 *                                                 └─ rows ─► files ─► commit: snapshot + offset
 * ```
 *
 * Until the commit nothing can be seen of a batch, and the commit says how far the source was read:
 * wherever a tick ends, the next one goes on from what the sink says.
 */
import { BatchBuilder } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import { manifestSource } from "../../iceberg/scan/manifest_source.ts";
import { ancestorsOf } from "../../iceberg/scan/ancestors_of.ts";
import { snapshotSteps } from "../../iceberg/scan/incremental_append.ts";
import {
  currentSchema,
  currentSnapshot,
  snapshotById,
  type TableMetadata,
} from "../../iceberg/spec/table_metadata.ts";
import type { SchemaChange } from "../../iceberg/evolve/schema_change.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField } from "../../iceberg/spec/types.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { toTableBatch, type Transform } from "../../sql/mod.ts";
import type { StreamOffset, StreamPosition } from "../contract/offset.ts";
import type { TickParams, TickResult } from "../contract/tick_job.ts";
import { defineSink } from "../sink_definition.ts";
import { lagOf } from "./lag.ts";
import { type BatchPlan, planBatch, stepsAfter } from "./plan_batch.ts";
import type { WrittenBatch } from "./commit_batch.ts";
import { requireSameRows } from "./rows_digest.ts";
import { requireSameColumns, sinkChanges, sinkColumns } from "./sink_schema.ts";
import { startPosition } from "./start_position.ts";
import { keyMissing } from "./stage_rows.ts";
import type { StreamEngine } from "./stream_engine.ts";
import { openStreamTables, type SinkTable, type StreamTables } from "./stream_tables.ts";
import { writeBatch } from "./write_batch.ts";

/** Runs `tickJob`. */
export async function tick(
  params: TickParams,
  { host, engine }: { readonly host: JobHost; readonly engine: StreamEngine },
): Promise<TickResult> {
  const tables = await openStreamTables(params, host);
  const { source, offset } = tables;
  const position = positionOf(params, offset);
  const schema = currentSchema(source.metadata);
  if (position === null || params.isFirst || isUnheld(params, source.metadata, position)) {
    // What is wrong with the transform is said at the start, be there rows or not.
    const transform = await engine.transform({ params, schema, nowMs: host.clock.now() });
    const rows = transform?.outputSchema ?? schema;
    requireWritableBy(params, { transform, rows });
    if (tables.sink !== null) requireFitting(params, tables.sink, rows);
    else defineSink(sinkColumns(rows.fields), params.options);
    const start = position === null
      ? startPosition(source.metadata, params.options.start_from)
      : stillThere(source.metadata, position);
    return {
      kind: "begin",
      offset,
      position: start,
      sinkUuid: uuidOf(tables.sink),
      ...seen(tables, { position: start, host }),
    };
  }
  for (;;) {
    const limit = engine.maxFiles;
    const plan = await plannedBatch(params, tables, { position, host, maxFiles: limit });
    try {
      return await taken(plan, { params, tables, schema, host, engine });
    } catch (error) {
      if (plan.tasks.length < 2 || !isTooMuch(error) || replacesPartitions(params.options)) {
        throw error;
      }
      // The next batches of the isolate begin with what did fit.
      engine.maxFiles = Math.floor(plan.tasks.length / 2);
    }
  }
}

/** What a planned batch comes to. */
async function taken(
  plan: BatchPlan,
  { params, tables, schema, host, engine }: {
    readonly params: TickParams;
    readonly tables: StreamTables;
    readonly schema: Schema;
    readonly host: JobHost;
    readonly engine: StreamEngine;
  },
): Promise<TickResult> {
  const { offset } = tables;
  if (plan.tasks.length === 0 && plan.changes === null) {
    return {
      kind: "quiet",
      offset,
      position: plan.position,
      sinkUuid: uuidOf(tables.sink),
      changes: plan.counts,
      ...seen(tables, { position: plan.position, host }),
    };
  }
  noticeChanges(params, { tables, schema });
  const transform = await engine.transform({ params, schema, nowMs: host.clock.now() });
  const rows = transform?.outputSchema ?? schema;
  const about = seen(tables, { position: plan.position, host });
  if (tables.sink === null) {
    return { kind: "create_sink", columns: [...sinkColumns(rows.fields)], ...about };
  }
  const sink = tables.sink;
  requireWritableBy(params, { transform, rows });
  const changes = neededChanges(params, sink, rows.fields);
  const toResult = (written: WrittenBatch) =>
    ({ kind: "batch", changes: plan.counts, more: plan.more, ...written, ...about }) as const;
  return toResult(
    await writeBatch({ plan, transform, schema, changes }, {
      params,
      host,
      tables: { ...tables, sink },
      onCommit: (written) => host.announce(toResult(written)),
    }),
  );
}

/** What one batch wrote, the next one must not replace: batches are not cut where others would be. */
function replacesPartitions({ write_mode: mode }: TickParams["options"]): boolean {
  return mode === "overwrite-partitions";
}

/** A batch that does not fit into memory, where one of fewer files may. */
function isTooMuch(error: unknown): boolean {
  const codes = ["rows_too_many", "keys_too_many", "deletes_too_many", "transform_out_of_memory"];
  return error instanceof AppError && codes.includes(error.code);
}

function uuidOf(sink: SinkTable | null): string | null {
  return sink?.table.metadata.tableUuid ?? null;
}

/** Whether rows can be written, and taken back, in the way that was asked for. */
function requireWritableBy(
  { options }: TickParams,
  { transform, rows }: { readonly transform: Transform | null; readonly rows: Schema },
): void {
  const missing = options.key_columns?.find((name) => rows.findByName(name) === undefined);
  if (missing !== undefined) throw keyMissing(missing);
  if (options.source_changes !== "changelog" || transform === null) return;
  if (transform.isRowWise && transform.isRepeatable) return;
  const message = "Expected a query whose every row comes from one row of the batch, and is the " +
    "same at any time: deletes of the source go through it too, to find what is to be deleted";
  throw new AppError("invalid", "transform_not_row_wise", "Cannot carry a changelog", {
    issues: [{ path: "transform", message }],
  });
}

/** Whether the sink can take such rows: what no value could be made to fit shows without any row. */
function requireFitting(params: TickParams, sink: SinkTable, rows: Schema): void {
  const changes = neededChanges(params, sink, rows.fields);
  if (changes.length > 0) return;
  const none = new BatchBuilder({ fields: rows.fields }).finish();
  toTableBatch(none, currentSchema(sink.table.metadata));
}

function neededChanges(
  { options }: TickParams,
  { table: { metadata } }: SinkTable,
  rows: readonly NestedField[],
): readonly SchemaChange[] {
  return sinkChanges(rows, {
    sink: currentSchema(metadata),
    formatVersion: metadata.formatVersion,
    mode: options.schema_changes,
  });
}

/** The sink's word counts; the server's own records tell what the sink cannot. */
function positionOf({ place }: TickParams, offset: StreamOffset | null): StreamPosition | null {
  if (place !== null && place.batchId === (offset?.batch_id ?? 0)) return place.position;
  return offset?.position ?? null;
}

async function plannedBatch(
  { options, untilSnapshotId, ignoreLimits }: TickParams,
  { source }: StreamTables,
  { position, host, maxFiles }: {
    readonly position: StreamPosition;
    readonly host: JobHost;
    readonly maxFiles: number;
  },
): Promise<BatchPlan> {
  const { metadata, io } = source;
  const none = Number.MAX_SAFE_INTEGER;
  return await planBatch({
    metadata,
    manifests: manifestSource(io, metadata),
    position,
    sourceChanges: options.source_changes,
    limits: ignoreLimits ? { files: maxFiles, rows: none, bytes: none } : {
      files: Math.min(options.max_files_per_batch, maxFiles),
      rows: options.max_rows_per_batch ?? none,
      bytes: options.max_bytes_per_batch,
    },
    wholeSnapshots: replacesPartitions(options),
    untilSnapshotId: untilSnapshotId === null ? null : BigInt(untilSnapshotId),
    signal: host.signal,
  });
}

function noticeChanges(
  { options }: TickParams,
  { tables: { source, offset }, schema }: {
    readonly tables: StreamTables;
    readonly schema: Schema;
  },
): void {
  const { schemas } = source.metadata;
  const before = schemas.find((one) => one.schemaId === offset?.source_schema_id);
  if (offset !== null) requireSameRows({ offset, options, before, now: schema });
  const passes = options.transform === undefined && options.schema_changes === "fail";
  if (!passes || offset === null) return;
  requireSameColumns(before, schema);
}

/**
 * Whether nothing keeps what a stream needs that has read nothing yet. Either its source was empty when
 * it began, and has snapshots now; or what it was to begin with expired before it was held.
 */
function isUnheld(
  { heldSnapshotId: held }: TickParams,
  metadata: TableMetadata,
  position: StreamPosition,
): boolean {
  if (currentSnapshot(metadata) === undefined) return false;
  if (isWholeScan(position)) return !hasSnapshot(metadata, position.snapshot_id);
  return position.snapshot_id === null && !hasSnapshot(metadata, held);
}

/** Where that has expired which nothing was read of yet, all that the table holds is to be read. */
function stillThere(metadata: TableMetadata, position: StreamPosition): StreamPosition {
  const head = currentSnapshot(metadata);
  if (head === undefined) return position;
  const toSnapshotId = head.snapshotId;
  const isThere = isWholeScan(position)
    ? hasSnapshot(metadata, position.snapshot_id)
    : position.snapshot_id !== null ||
      snapshotSteps(metadata, { fromSnapshotId: null, toSnapshotId }).complete;
  if (isThere) return position;
  return { snapshot_id: String(toSnapshotId), files_read: 0, scan_all_files: true };
}

/** Everything that the table holds, of which nothing was read. */
function isWholeScan({ scan_all_files, files_read }: StreamPosition): boolean {
  return scan_all_files && files_read === 0;
}

function hasSnapshot(metadata: TableMetadata, id: string | null): boolean {
  return id !== null && snapshotById(metadata, BigInt(id)) !== undefined;
}

/** What the source looked like, for figures and pins. */
function seen(
  { source: { metadata } }: StreamTables,
  { position, host }: { readonly position: StreamPosition; readonly host: JobHost },
) {
  const head = currentSnapshot(metadata);
  return {
    sourceSnapshotId: head === undefined ? null : String(head.snapshotId),
    sourceUuid: metadata.tableUuid,
    neededSnapshotId: position.snapshot_id ?? oldestOf(metadata),
    lag: head === undefined
      ? { snapshots: 0, rows: 0, seconds: 0 }
      : lagOf(unread({ metadata, position }, head), host.clock.now()),
  };
}

/** Who has read nothing yet needs all of the history. */
function oldestOf(metadata: TableMetadata): string | null {
  const head = currentSnapshot(metadata);
  if (head === undefined) return null;
  const oldest = [...ancestorsOf(metadata, head.snapshotId)].at(-1);
  return oldest === undefined ? null : String(oldest.snapshotId);
}

/** A full scan that is under way counts as one snapshot. */
function unread(
  place: Parameters<typeof stepsAfter>[0],
  head: Parameters<typeof stepsAfter>[1],
): ReturnType<typeof stepsAfter> {
  const { position, metadata } = place;
  if (!position.scan_all_files) return stepsAfter(place, head);
  const snapshot = snapshotById(metadata, BigInt(position.snapshot_id ?? "0"));
  const rest = stepsAfter({ metadata, position: { ...position, files_read: null } }, head);
  return snapshot === undefined ? rest : [{ snapshot, change: "append" }, ...rest];
}
