/** Starting a pipeline: everything that can be refused is refused before anything is recorded. */
import { type CallContext, recordAudit } from "../access/mod.ts";
import { findTable, identifierOfNew } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { formatIdentifier } from "../iceberg/ports.ts";
import type { SqlReader } from "../state/mod.ts";
import type { StorageSpec } from "../storage/mod.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { catalogKey } from "./_catalog_key.ts";
import { type Checkpoint, CheckpointFile, normalizeCheckpoint, streamKey } from "./_checkpoint.ts";
import { requireNoCircle } from "./_circles.ts";
import { isoTime, NO_FIGURES, type PipelineRow } from "./_row.ts";
import { requireSoundOptions } from "./_sound_options.ts";
import { repeatedAmong } from "./_start_key.ts";
import {
  findPipeline,
  insertPipeline,
  listPipelines,
  restartPipeline,
  type StartedPipeline,
  type StartKey,
} from "./_store.ts";
import { PipelineOptions } from "./contract/options.ts";
import type { StartPipelineRequest } from "./contract/requests.ts";
import { parseTrigger } from "./contract/trigger.ts";
import type { PipelinesDeps } from "./create_pipelines.ts";
import { isActive } from "./state_machine.ts";

/** Pipelines that are kept, also those that have ended: each is a row that every server reads. */
export const MAX_KEPT_PIPELINES = 1_000;

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
  readonly startKey: StartKey | null;
}

/** Checks and records a start; the role was checked before. */
export async function recordStart(
  deps: PipelinesDeps,
  request: StartPipelineRequest,
  { ctx, startKey }: StartContext,
): Promise<RecordedStart> {
  const { source_table, sink_table, checkpoint_location, trigger_interval, ...rest } = request;
  const options = PipelineOptions.parse(rest);
  parseTrigger(trigger_interval);
  requireSoundOptions(options);
  const checkpoint = normalizeCheckpoint(checkpoint_location);
  const tables = await findTables(deps, { source_table, sink_table, signal: ctx.signal });
  requireNoCircle(tables, []);
  const { state, clock, instance } = deps;
  const stream = { key: streamKey(checkpoint), startKey, ...tables };
  const id = uuidV7(clock.now());
  const place = await claim(deps, { checkpoint, stream, id, signal: ctx.signal });
  return await state.transaction(async (tx) => {
    const { known, isRepeat } = await requireRoom(tx, stream);
    if (known !== null && isRepeat) return { row: known, kind: "known" } as const;
    const nowMs = clock.now();
    const { catalog, source, sink } = tables;
    const one: StartedPipeline = {
      id: known?.id ?? id,
      key: stream.key,
      checkpoint,
      catalog,
      source,
      sink,
      trigger: trigger_interval,
      options,
      state: "starting",
      figures: NO_FIGURES,
      ...place,
      principalName: ctx.principal.name,
      instance,
      startKey,
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

/** A stream that is to be started. */
interface Stream extends FoundTables {
  readonly key: string;
  readonly startKey: StartKey | null;
}

/** What is known of a stream. */
interface KnownStream {
  /** Null where it is new. */
  readonly known: PipelineRow | null;
  /** Whether this very request has started it. */
  readonly isRepeat: boolean;
}

/** Refuses a stream that recorded ones leave no room for. */
async function requireRoom(reader: SqlReader, stream: Stream): Promise<KnownStream> {
  const all = await listPipelines(reader);
  const repeated = repeatedAmong(all, stream.startKey);
  if (repeated !== null) return { known: repeated, isRepeat: true };
  const known = all.find((row) => row.stream_key === stream.key) ?? null;
  if (known !== null) requireStartable(known, stream);
  else if (all.length >= MAX_KEPT_PIPELINES) throw tooMany();
  const running = all.filter((row) =>
    isActive(row.state) && row.catalog_key === stream.catalog.key
  );
  requireNoCircle(
    stream,
    running.map((row) => ({ source: row.source_table, sink: row.sink_table })),
  );
  return { known, isRepeat: false };
}

/** Of a stream that has written nothing. */
const NOWHERE = { place: null, sourceUuid: null, sinkUuid: null };

/**
 * Reads and writes the checkpoint's file, so that a place where none can be is refused. Resolves to where
 * a stream stands that this state knows nothing of. The sink knows better, where it has not lost what it
 * was told: then nothing is read twice, and its caller hears of it. Before the first batch the file
 * only says where somebody began once, which counts for nobody else.
 */
async function claim(
  deps: PipelinesDeps,
  { checkpoint, stream, id, signal }: {
    readonly checkpoint: string;
    readonly stream: Stream;
    readonly id: string;
    readonly signal: AbortSignal;
  },
): Promise<Pick<StartedPipeline, "place" | "sourceUuid" | "sinkUuid">> {
  const { state, clock, checkpointRoots: roots } = deps;
  const { warehouse, storage } = stream;
  const file = new CheckpointFile(checkpoint, { roots, warehouse, storage });
  const found = await file.read(signal);
  const written = found?.offset == null ? null : found;
  if (written !== null) requireSameStream(written, stream);
  // What is refused anyway leaves no file.
  const { known, isRepeat } = await requireRoom(state, stream);
  if (isRepeat) return NOWHERE;
  await file.write(
    written ?? {
      version: 1,
      pipeline_id: known?.id ?? id,
      source_table: stream.source,
      source_uuid: known?.source_uuid ?? null,
      sink_table: stream.sink,
      sink_uuid: known?.sink_uuid ?? null,
      position: known?.place?.position ?? null,
      offset: null,
      updated_at: isoTime(clock.now()),
    },
  );
  if (written?.offset == null || written.position === null) {
    return NOWHERE;
  }
  const { position, offset, source_uuid: sourceUuid, sink_uuid: sinkUuid } = written;
  return { place: { batchId: offset.batch_id, position }, sourceUuid, sinkUuid };
}

interface FoundTables {
  /** `namespace.table`, without the catalog. */
  readonly source: string;
  readonly sink: string;
  /** What the tables are in, its warehouse, and its stores. */
  readonly catalog: { readonly name: string; readonly key: string };
  readonly warehouse: string | null;
  readonly storage: StorageSpec;
}

async function findTables(
  { withCatalog, catalog: configured }: PipelinesDeps,
  { source_table, sink_table, signal }: {
    readonly source_table: string;
    readonly sink_table: string;
    readonly signal: AbortSignal;
  },
): Promise<FoundTables> {
  return await withCatalog(async (catalog) => {
    // Another one may be configured while tables are looked for in this one.
    const config = configured();
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
      catalog: { name: config.name, key: catalogKey(config) },
      warehouse: config.warehouse,
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

function requireStartable(known: PipelineRow, stream: Stream): void {
  if (known.catalog_key !== stream.catalog.key) throw otherCatalog(known);
  requireSameStream(known, stream);
  if (!isActive(known.state)) return;
  const message = `Cannot start the pipeline: pipeline "${known.id}" runs with this checkpoint ` +
    "already. Stop it first";
  throw new AppError("conflict", "pipeline_running", message);
}

function otherCatalog({ id, catalog_name: name }: PipelineRow): AppError {
  const message = `Cannot start the pipeline: pipeline "${id}" began with this checkpoint in ` +
    `catalog "${name}", which is not the one that is configured now. Use another ` +
    "checkpoint_location; or forget that pipeline, if this is its catalog at another address";
  return new AppError("conflict", "checkpoint_taken", message);
}

function tooMany(): AppError {
  const message = `Cannot start the pipeline: ${MAX_KEPT_PIPELINES} pipelines are kept already. ` +
    "Forget some that have ended, with DELETE /api/pipeline/{pipeline_id}";
  return new AppError("conflict", "pipelines_too_many", message);
}
