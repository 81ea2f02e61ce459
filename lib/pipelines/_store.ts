/** Pipelines in the state. What a server writes about one counts only while it is the one that runs it. */
import { z } from "zod";
import { type Sql, sql, type SqlReader, type Transaction } from "../state/mod.ts";
import { type Figures, PipelineRow } from "./_row.ts";
import { BatchMetrics } from "./contract/metrics.ts";
import type { PipelineOptions } from "./contract/options.ts";
import type { PipelineState } from "./contract/pipeline_state.ts";

/** Batches of a pipeline that history keeps. */
export const KEPT_BATCHES = 500;

/** One pipeline; null where there is none. */
export async function findPipeline(reader: SqlReader, id: string): Promise<PipelineRow | null> {
  const [row] = await reader.read(PipelineRow, sql`SELECT * FROM pipelines WHERE id = ${id}`);
  return row ?? null;
}

/** The pipeline of a checkpoint; null where there is none. */
export async function findByKey(reader: SqlReader, key: string): Promise<PipelineRow | null> {
  const [row] = await reader.read(
    PipelineRow,
    sql`SELECT * FROM pipelines WHERE stream_key = ${key}`,
  );
  return row ?? null;
}

/** The pipeline that a request with this key has started; null where none remembers it. */
export async function findByStartKey(reader: SqlReader, key: string): Promise<PipelineRow | null> {
  const [row] = await reader.read(
    PipelineRow,
    sql`SELECT * FROM pipelines WHERE start_key = ${key}`,
  );
  return row ?? null;
}

/** All pipelines, oldest first. */
export async function listPipelines(reader: SqlReader): Promise<readonly PipelineRow[]> {
  return await reader.read(PipelineRow, sql`SELECT * FROM pipelines ORDER BY created_at, id`);
}

/** Rows that changed since, in the order of their changes. */
export async function changedPipelines(
  reader: SqlReader,
  afterSeq: number,
): Promise<readonly PipelineRow[]> {
  return await reader.read(
    PipelineRow,
    sql`SELECT * FROM pipelines WHERE change_seq > ${afterSeq} ORDER BY change_seq`,
  );
}

/** Ids of all pipelines. */
export async function pipelineIds(reader: SqlReader): Promise<readonly string[]> {
  const rows = await reader.read(z.object({ id: z.string() }), sql`SELECT id FROM pipelines`);
  return rows.map(({ id }) => id);
}

/** What somebody asks for who starts a pipeline. */
export interface StartedPipeline {
  readonly id: string;
  readonly key: string;
  readonly checkpoint: string;
  readonly catalog: { readonly name: string; readonly key: string };
  readonly source: string;
  readonly sink: string;
  readonly trigger: string;
  readonly options: PipelineOptions;
  readonly state: PipelineState;
  readonly figures: Figures;
  /** Of a new one: where its checkpoint says that it stands, and the tables that it is about. */
  readonly place: PipelineRow["place"];
  readonly sourceUuid: string | null;
  readonly sinkUuid: string | null;
  readonly principalName: string;
  readonly instance: string | null;
  /** Null where the request had no idempotency key. */
  readonly startKey: StartKey | null;
  readonly nowMs: number;
}

/** Digests of an idempotency key, with its principal, and of the request that it came with. */
export interface StartKey {
  readonly key: string;
  readonly request: string;
}

/**
 * Epochs begin with the time, so that one that was forgotten and is started anew still comes after
 * what the sink knows of it.
 */
function firstEpoch(nowMs: number): number {
  return nowMs;
}

/** Numbers the change that follows in the transaction: others see by it what is new to them. */
async function countChange(tx: Transaction): Promise<Sql> {
  await tx.run(sql`UPDATE pipeline_changes SET seq = seq + 1`);
  return sql`(SELECT seq FROM pipeline_changes)`;
}

/** Records a new pipeline. */
export async function insertPipeline(tx: Transaction, one: StartedPipeline): Promise<void> {
  const { nowMs } = one;
  const change = await countChange(tx);
  await tx.run(sql`INSERT INTO pipelines
    (id, stream_key, checkpoint_location, catalog_name, catalog_key, source_table, sink_table,
      trigger_interval, options, desired, state, state_since, instance, epoch, version, change_seq,
      figures, restarts, failures, place, source_uuid, sink_uuid, principal_name, start_key,
      start_request, created_at, started_at, updated_at)
    VALUES (${one.id}, ${one.key}, ${one.checkpoint}, ${one.catalog.name}, ${one.catalog.key},
      ${one.source}, ${one.sink}, ${one.trigger}, ${JSON.stringify(one.options)}, 'running',
      ${one.state}, ${nowMs}, ${one.instance}, ${firstEpoch(nowMs)}, 1, ${change},
      ${JSON.stringify(one.figures)}, 0, 0,
      ${one.place === null ? null : JSON.stringify(one.place)}, ${one.sourceUuid}, ${one.sinkUuid},
      ${one.principalName}, ${one.startKey?.key ?? null}, ${one.startKey?.request ?? null},
      ${nowMs}, ${nowMs}, ${nowMs})`);
}

/** Starts one again that has stopped or failed, with other options perhaps. */
export async function restartPipeline(tx: Transaction, one: StartedPipeline): Promise<void> {
  const { nowMs } = one;
  const change = await countChange(tx);
  await tx.run(sql`UPDATE pipelines SET trigger_interval = ${one.trigger},
      options = ${JSON.stringify(one.options)}, desired = 'running', state = ${one.state},
      state_since = ${nowMs}, instance = ${one.instance},
      epoch = max(epoch + 1, ${firstEpoch(nowMs)}), version = version + 1, change_seq = ${change},
      until_snapshot_id = NULL, failures = 0, failing_since = NULL,
      last_error = NULL, catalog_name = ${one.catalog.name},
      principal_name = ${one.principalName}, start_key = ${one.startKey?.key ?? null},
      start_request = ${one.startKey?.request ?? null},
      started_at = ${nowMs}, updated_at = ${nowMs}
    WHERE id = ${one.id}`);
}

/** A server and the pipeline that it runs, as it believes. */
export interface Ownership {
  readonly id: string;
  readonly instance: string;
  readonly epoch: number;
}

/**
 * Records the row as it is to be; false where another server has taken the pipeline. That somebody
 * has asked for it to stop in the meantime stays so.
 */
export async function savePipeline(
  tx: Transaction,
  row: PipelineRow,
  { id, instance, epoch }: Ownership,
): Promise<boolean> {
  const place = row.place === null ? null : JSON.stringify(row.place);
  const lastError = row.last_error === null ? null : JSON.stringify(row.last_error);
  const change = await countChange(tx);
  const changed = await tx.run(sql`UPDATE pipelines SET state = ${row.state},
      state_since = ${row.state_since}, instance = ${row.instance},
      desired = CASE WHEN ${row.desired} = 'stopped' THEN 'stopped' ELSE desired END,
      epoch = ${row.epoch},
      place = ${place}, source_uuid = ${row.source_uuid}, sink_uuid = ${row.sink_uuid},
      until_snapshot_id = ${row.until_snapshot_id}, figures = ${JSON.stringify(row.figures)},
      restarts = ${row.restarts}, failures = ${row.failures},
      failing_since = ${row.failing_since}, last_error = ${lastError}, version = ${row.version},
      change_seq = ${change}, updated_at = ${row.updated_at}
    WHERE id = ${id} AND instance = ${instance} AND epoch = ${epoch}`);
  return changed === 1;
}

/** Whether a server still is the one that runs a pipeline. */
export async function isOwner(
  reader: SqlReader,
  { id, instance, epoch }: Ownership,
): Promise<boolean> {
  const found = await reader.read(
    z.object({ id: z.string() }),
    sql`SELECT id FROM pipelines
      WHERE id = ${id} AND instance = ${instance} AND epoch = ${epoch}`,
  );
  return found.length === 1;
}

/** Keeps a batch in the history, and forgets the oldest ones beyond the bound. */
export async function insertBatch(
  tx: Transaction,
  { id, batch, nowMs }: {
    readonly id: string;
    readonly batch: BatchMetrics;
    readonly nowMs: number;
  },
): Promise<void> {
  await tx.run(sql`INSERT INTO pipeline_batches (pipeline_id, batch_id, at, batch)
    VALUES (${id}, ${batch.batch_id}, ${nowMs}, ${JSON.stringify(batch)})
    ON CONFLICT (pipeline_id, batch_id) DO NOTHING`);
  await tx.run(sql`DELETE FROM pipeline_batches WHERE pipeline_id = ${id}
    AND batch_id <= ${batch.batch_id - KEPT_BATCHES}`);
}

/** The last batches, newest first, older than `before` where that is given. */
export async function listBatches(
  reader: SqlReader,
  { id, before, limit }: {
    readonly id: string;
    readonly before: number | null;
    readonly limit: number;
  },
): Promise<readonly BatchMetrics[]> {
  const Row = z.object({ batch: z.string() });
  const rows = await reader.read(
    Row,
    sql`SELECT batch FROM pipeline_batches
      WHERE pipeline_id = ${id} AND batch_id < ${before ?? Number.MAX_SAFE_INTEGER}
      ORDER BY batch_id DESC LIMIT ${limit}`,
  );
  return rows.map(({ batch }) => BatchMetrics.parse(JSON.parse(batch)));
}

/** Asks the server that runs it to stop. */
export async function requestStop(
  tx: Transaction,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): Promise<void> {
  const change = await countChange(tx);
  await tx.run(sql`UPDATE pipelines SET desired = 'stopped', change_seq = ${change},
      updated_at = ${nowMs}
    WHERE id = ${id}`);
}

/** One that has failed is as good as stopped. */
export async function markStopped(
  tx: Transaction,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): Promise<void> {
  const change = await countChange(tx);
  await tx.run(sql`UPDATE pipelines SET desired = 'stopped', state = 'stopped',
      state_since = ${nowMs}, version = version + 1, change_seq = ${change}, updated_at = ${nowMs}
    WHERE id = ${id} AND state = 'failed'`);
}

/** Forgets a pipeline and its history. */
export async function deletePipeline(tx: Transaction, id: string): Promise<void> {
  await tx.run(sql`DELETE FROM pipeline_batches WHERE pipeline_id = ${id}`);
  await tx.run(sql`DELETE FROM pipelines WHERE id = ${id}`);
}

/**
 * Forgets one whose start has failed; false where somebody has started it again since, so that its
 * epoch is another.
 */
export async function deleteFailed(
  tx: Transaction,
  { id, epoch }: Pick<PipelineRow, "id" | "epoch">,
): Promise<boolean> {
  const row = await findPipeline(tx, id);
  if (row?.state !== "failed" || row.epoch !== epoch) return false;
  await deletePipeline(tx, id);
  return true;
}

/** Which server a pipeline belongs to; null where none runs it. */
const Owner = PipelineRow.pick({ id: true, instance: true, epoch: true, desired: true });
type Owner = z.infer<typeof Owner>;

/** Of pipelines that ought to be run, or brought to their end; those without news come first. */
export async function activeOwners(reader: SqlReader): Promise<readonly Owner[]> {
  return await reader.read(
    Owner,
    sql`SELECT id, instance, epoch, desired FROM pipelines
      WHERE state NOT IN ('stopped', 'failed') ORDER BY updated_at, id`,
  );
}

/** Versions that the server before may have shown and not recorded, at most. */
const SHOWN_VERSIONS = 10;
/** A pipeline without news for so long was tried by nobody, in milliseconds: it has not been failing. */
const UNTRIED_AFTER_MS = 5 * 60_000;

/** When one began to fail that changes hands, without the time in which nobody tried. */
function failingSince(nowMs: number): Sql {
  return sql`failing_since + CASE WHEN ${nowMs} - updated_at > ${UNTRIED_AFTER_MS}
    THEN ${nowMs} - updated_at ELSE 0 END`;
}

/** Takes a pipeline over, if nobody else has since `row` was read; false otherwise. */
export async function takePipeline(
  tx: Transaction,
  { row, instance, nowMs }: {
    readonly row: Owner;
    readonly instance: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const change = await countChange(tx);
  const changed = await tx.run(sql`UPDATE pipelines SET instance = ${instance},
      epoch = epoch + 1, version = version + ${SHOWN_VERSIONS}, change_seq = ${change},
      failing_since = ${failingSince(nowMs)},
      updated_at = ${nowMs}
    WHERE id = ${row.id} AND epoch = ${row.epoch} AND instance IS ${row.instance}`);
  return changed === 1;
}

/** Of one whose server is gone and that no other has room for: it waits to be taken up. */
export async function orphanPipeline(
  tx: Transaction,
  { row, nowMs }: { readonly row: Owner; readonly nowMs: number },
): Promise<void> {
  const change = await countChange(tx);
  await tx.run(sql`UPDATE pipelines SET instance = NULL, state = 'starting',
      state_since = ${nowMs}, epoch = epoch + 1, version = version + ${SHOWN_VERSIONS},
      change_seq = ${change}, failing_since = ${failingSince(nowMs)},
      updated_at = max(${nowMs}, updated_at)
    WHERE id = ${row.id} AND epoch = ${row.epoch} AND instance IS ${row.instance}
      AND desired = 'running' AND state NOT IN ('stopping', 'stopped', 'failed')`);
}

/** Servers over this state that say that they live. */
export async function livingInstances(reader: SqlReader): Promise<ReadonlySet<string>> {
  const rows = await reader.read(z.object({ id: z.string() }), sql`SELECT id FROM instances`);
  return new Set(rows.map(({ id }) => id));
}
