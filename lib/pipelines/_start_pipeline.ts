/** Starting a pipeline: everything that can be refused is refused before anything is recorded. */
import { createHash } from "node:crypto";
import { type CallContext, recordAudit } from "../access/mod.ts";
import { findTable, identifierOfNew } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { type Checkpoint, CheckpointFile, normalizeCheckpoint, streamKey } from "./_checkpoint.ts";
import { requireNoCircle } from "./_circles.ts";
import { NO_FIGURES, type PipelineRow } from "./_row.ts";
import { requireSoundOptions } from "./_sound_options.ts";
import {
  findByKey,
  findPipeline,
  insertPipeline,
  listPipelines,
  restartPipeline,
  type StartedPipeline,
} from "./_store.ts";
import { PipelineOptions } from "./contract/options.ts";
import type { StartPipelineRequest } from "./contract/requests.ts";
import { parseTrigger } from "./contract/trigger.ts";
import type { PipelinesDeps } from "./create_pipelines.ts";
import { isActive } from "./state_machine.ts";

/** A pipeline that is recorded as this server's. */
export interface RecordedStart {
  readonly row: PipelineRow;
  /** `known`: the same request, by its idempotency key, has started it before. */
  readonly kind: "new" | "restarted" | "known";
}

/** Who starts it. */
export interface StartContext {
  readonly ctx: CallContext;
  /** Null where repeating the request is another start. */
  readonly idempotencyKey: string | null;
}

/** Checks and records a start; the role was checked before. */
export async function recordStart(
  deps: PipelinesDeps,
  request: StartPipelineRequest,
  { ctx, idempotencyKey }: StartContext,
): Promise<RecordedStart> {
  const { source_table, sink_table, checkpoint_location, trigger_interval, ...rest } = request;
  const options = PipelineOptions.parse(rest);
  parseTrigger(trigger_interval);
  requireSoundOptions(options);
  const checkpoint = normalizeCheckpoint(checkpoint_location);
  const tables = await findTables(deps, { source_table, sink_table, signal: ctx.signal });
  const { source, sink, storage } = tables;
  requireNoCircle({ source, sink }, []);
  const found = await new CheckpointFile(checkpoint, { roots: deps.checkpointRoots, storage })
    .read(ctx.signal);
  if (found !== null) requireSameStream(found, { source, sink });
  const { state, clock, instance } = deps;
  const startRequest = idempotencyKey === null ? null : requestOf(request, ctx, idempotencyKey);
  return await state.transaction(async (tx) => {
    const key = streamKey(checkpoint);
    const known = await findByKey(tx, key);
    if (known !== null && startRequest !== null && known.start_request === startRequest) {
      return { row: known, kind: "known" } as const;
    }
    if (known !== null) requireStartable(known, { source, sink });
    const running = (await listPipelines(tx)).filter((row) => isActive(row.state));
    requireNoCircle(
      { source, sink },
      running.map((row) => ({ source: row.source_table, sink: row.sink_table })),
    );
    const nowMs = clock.now();
    const one: StartedPipeline = {
      id: known?.id ?? uuidV7(nowMs),
      key,
      checkpoint,
      source,
      sink,
      trigger: trigger_interval,
      options,
      state: "starting",
      figures: NO_FIGURES,
      ...placeOf(found),
      principalName: ctx.principal.name,
      instance,
      startRequest,
      nowMs,
    };
    await (known === null ? insertPipeline(tx, one) : restartPipeline(tx, one));
    await recordAudit(tx, {
      ctx,
      action: "pipeline.start",
      target: `pipeline:${one.id}`,
      before: known === null ? null : { status: known.state },
      after: { source, sink, checkpoint, trigger_interval, options },
      atMs: nowMs,
    });
    const row = await findPipeline(tx, one.id);
    if (row === null) throw new TypeError("A pipeline that was just recorded is not there");
    return { row, kind: known === null ? "new" : "restarted" } as const;
  }, { signal: ctx.signal });
}

/**
 * Where a stream stands that this state knows nothing of. The sink knows better, where it has not
 * lost what it was told: then nothing is read twice, and its caller hears of it.
 */
function placeOf(found: Checkpoint | null): Pick<StartedPipeline, "place" | "sinkUuid"> {
  if (found?.position == null) return { place: null, sinkUuid: null };
  const batchId = found.offset?.batch_id ?? 0;
  const sinkUuid = found.offset === null ? null : found.sink_uuid;
  return { place: { batchId, position: found.position }, sinkUuid };
}

/** The same principal, key and content: the same request. */
function requestOf(
  request: StartPipelineRequest,
  { principal }: CallContext,
  key: string,
): string {
  const text = JSON.stringify([principal.id, key, request]);
  return createHash("sha256").update(text).digest("hex");
}

interface FoundTables {
  /** `namespace.table`, without the catalog. */
  readonly source: string;
  readonly sink: string;
  /** Stores of the catalog. */
  readonly storage: StorageSpec;
}

async function findTables(
  { withCatalog }: PipelinesDeps,
  { source_table, sink_table, signal }: {
    readonly source_table: string;
    readonly sink_table: string;
    readonly signal: AbortSignal;
  },
): Promise<FoundTables> {
  return await withCatalog(async (catalog) => {
    const location = await named(
      "source_table",
      () => findTable(catalog, source_table, { signal }),
    );
    const sink = await named("sink_table", async () => {
      try {
        return (await findTable(catalog, sink_table, { signal })).identifier;
      } catch (error) {
        if (!(error instanceof AppError && error.kind === "not_found")) throw error;
        return identifierOfNew(catalog, sink_table);
      }
    });
    return {
      source: formatIdentifier(location.identifier),
      sink: formatIdentifier(sink),
      storage: location.storage,
    };
  });
}

/** Names the field of the request that an error about a table's name is about. */
async function named<T>(path: string, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof AppError) || error.issues.length === 0) throw error;
    const issues = error.issues.map(({ message }) => ({ path, message }));
    throw new AppError(error.kind, error.code, error.message, { issues, cause: error });
  }
}

/** A stream's place means nothing for other tables. */
function requireSameStream(
  { source_table, sink_table }: Pick<Checkpoint, "source_table" | "sink_table">,
  { source, sink }: Pick<FoundTables, "source" | "sink">,
): void {
  if (source_table === source && sink_table === sink) return;
  const message =
    `Cannot start the pipeline: the checkpoint is of a stream from "${source_table}" ` +
    `to "${sink_table}". Use another checkpoint_location`;
  throw new AppError("conflict", "checkpoint_taken", message);
}

function requireStartable(
  known: PipelineRow,
  tables: Pick<FoundTables, "source" | "sink">,
): void {
  requireSameStream(known, tables);
  if (!isActive(known.state)) return;
  const message = `Cannot start the pipeline: pipeline "${known.id}" runs with this checkpoint ` +
    "already. Stop it first";
  throw new AppError("conflict", "pipeline_running", message);
}
