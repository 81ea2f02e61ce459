/** The two tables of a stream as they are now, and whether they are still the ones that it began with. */
import { AppError } from "../../errors.ts";
import type { TableStore } from "../../iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import { requireWritable } from "../../iceberg/require_writable.ts";
import type { JobHost } from "../../jobs/mod.ts";
import type { StreamOffset } from "../contract/offset.ts";
import type { TickParams } from "../contract/tick_job.ts";
import { fenced, readOffset } from "./offset_action.ts";

/** The sink, where there is one. */
export interface SinkTable {
  readonly store: TableStore;
  readonly table: LoadedTable;
}

/** Both tables, and what the sink says of the stream. */
export interface StreamTables {
  readonly source: LoadedTable;
  readonly sink: SinkTable | null;
  /** Null before the first batch. */
  readonly offset: StreamOffset | null;
}

/**
 * Loads both. Errors that a person has to look at: `not_found`/`source_dropped`, `sink_dropped`,
 * `conflict`/`source_replaced`, `sink_replaced`, `checkpoint_taken`, `sink_offset_missing`; and
 * `conflict`/`stream_fenced` where another server has taken the stream over.
 */
export async function openStreamTables(params: TickParams, host: JobHost): Promise<StreamTables> {
  const { signal } = host;
  const [sink, source] = await Promise.all([
    params.sink === null ? null : openSink(host, params.sink),
    host.openTable(params.source).load(signal).catch((error: unknown) => {
      throw isNotFound(error) ? dropped("source", error) : error;
    }),
  ]);
  const { tableUuid } = source.metadata;
  if (params.sourceUuid !== null && tableUuid !== params.sourceUuid) throw sourceReplaced();
  if (sink === null) {
    if (params.sinkUuid !== null) throw dropped("sink", null);
    return { source, sink, offset: null };
  }
  const { metadata } = sink.table;
  if (params.sinkUuid !== null && metadata.tableUuid !== params.sinkUuid) throw sinkReplaced();
  const offset = readOffset(metadata, params.key);
  if (offset === null) {
    if ((params.place?.batchId ?? 0) > 0) throw offsetMissing();
    return { source, sink, offset };
  }
  // Whoever has just started it takes it over, whatever the clocks of servers before were.
  if (offset.epoch > params.epoch && !params.isFirst) throw fenced();
  if (offset.source_uuid !== tableUuid) {
    const isSameName = params.sourceNames.includes(offset.source);
    throw isSameName ? sourceReplaced() : checkpointTaken(offset);
  }
  return { source, sink, offset };
}

async function openSink(
  host: JobHost,
  location: NonNullable<TickParams["sink"]>,
): Promise<SinkTable> {
  const store = host.openTable(location);
  try {
    const table = await store.load(host.signal);
    requireWritable(table);
    return { store, table };
  } catch (error) {
    throw isNotFound(error) ? dropped("sink", error) : error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.kind === "not_found";
}

function dropped(which: "source" | "sink", cause: unknown): AppError {
  const remedy = which === "source"
    ? "Bring it back under its name, or start a pipeline on another source"
    : "Start the pipeline under another checkpoint_location, and it makes a new one";
  const message = `Cannot go on: the ${which} table is not there any more. ${remedy}`;
  return new AppError("not_found", `${which}_dropped`, message, { cause });
}

function sourceReplaced(): AppError {
  const message = "Cannot go on: the source was dropped, and another table has its name now. " +
    "Start the pipeline under another checkpoint_location to read that one";
  return new AppError("conflict", "source_replaced", message);
}

function sinkReplaced(): AppError {
  const message = "Cannot go on: the sink was dropped, and another table has its name now. " +
    "Start the pipeline under another checkpoint_location to fill that one";
  return new AppError("conflict", "sink_replaced", message);
}

function checkpointTaken({ source }: StreamOffset): AppError {
  const message = `Cannot go on: the sink has rows of table "${source}" under this checkpoint. ` +
    "Use another checkpoint_location for this source";
  return new AppError("conflict", "checkpoint_taken", message);
}

function offsetMissing(): AppError {
  const message = "Cannot go on: the sink has lost the property that says how far the stream had " +
    "come. Set it again, or start the pipeline under another checkpoint_location";
  return new AppError("conflict", "sink_offset_missing", message);
}
