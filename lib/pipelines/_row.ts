/** A pipeline as it is recorded, and what clients see of it. */
import { z } from "zod";
import type { CatalogConfig } from "../catalog/mod.ts";
import { catalogKey } from "./_catalog_key.ts";
import {
  BatchMetrics,
  PipelineError,
  PipelineLag,
  PipelineMetrics,
  SourceChangeCounts,
} from "./contract/metrics.ts";
import { NO_TOTALS, StreamPosition, StreamTotals } from "./contract/offset.ts";
import { PipelineOptions } from "./contract/options.ts";
import { PipelineState } from "./contract/pipeline_state.ts";

/** A column that holds JSON. */
function json<S extends z.ZodType>(schema: S) {
  return z.string().transform((text): unknown => JSON.parse(text)).pipe(schema);
}

/** Figures that grow over the life of a pipeline. */
export const Figures = z.object({
  batches: z.int(),
  totals: StreamTotals,
  changes: SourceChangeCounts,
  last_batch: BatchMetrics.nullable(),
  lag: PipelineLag,
});
export type Figures = z.infer<typeof Figures>;

/** Where a stream stands by the server's records; see `TickParams`. */
const Place = z.object({ batchId: z.int(), position: StreamPosition });

/** A row of `pipelines`. */
export const PipelineRow = z.object({
  id: z.string(),
  stream_key: z.string(),
  checkpoint_location: z.string(),
  catalog_name: z.string(),
  catalog_key: z.string(),
  source_table: z.string(),
  sink_table: z.string(),
  trigger_interval: z.string(),
  options: json(PipelineOptions),
  desired: z.enum(["running", "stopped"]),
  state: PipelineState,
  state_since: z.int(),
  instance: z.string().nullable(),
  epoch: z.int(),
  version: z.int(),
  change_seq: z.int(),
  source_uuid: z.string().nullable(),
  sink_uuid: z.string().nullable(),
  place: json(Place).nullable(),
  until_snapshot_id: z.string().nullable(),
  figures: json(Figures),
  restarts: z.int(),
  failures: z.int(),
  failing_since: z.int().nullable(),
  last_error: json(PipelineError).nullable(),
  principal_name: z.string(),
  start_key: z.string().nullable(),
  start_request: z.string().nullable(),
  created_at: z.int(),
  started_at: z.int(),
  updated_at: z.int(),
});
/** A pipeline as it is recorded. */
export type PipelineRow = z.infer<typeof PipelineRow>;

/** Figures of a pipeline that has done nothing yet. */
export const NO_FIGURES: Figures = {
  batches: 0,
  totals: NO_TOTALS,
  changes: { replace_skipped: 0, skipped: 0, added_files: 0, changelog: 0 },
  last_batch: null,
  lag: { snapshots: null, rows: null, seconds: null },
};

/** What the monitor sends of a pipeline, whose tables are named after the catalog as it is called now. */
export function toMetrics(row: PipelineRow, catalog: CatalogConfig): PipelineMetrics {
  const { figures: { batches, totals, changes, last_batch: last, lag } } = row;
  const name = catalogKey(catalog) === row.catalog_key ? catalog.name : row.catalog_name;
  const perSecond = (rows: number) =>
    last === null || last.duration_ms === 0 ? 0 : rows * 1000 / last.duration_ms;
  return {
    pipeline_id: row.id,
    status: row.state,
    batches_processed: batches,
    rows_processed: totals.input_rows,
    source_table: `${name}.${row.source_table}`,
    sink_table: `${name}.${row.sink_table}`,
    status_since: isoTime(row.state_since),
    version: row.version,
    at: isoTime(row.updated_at),
    ...totals,
    source_changes: changes,
    input_rows_per_second: perSecond(last?.input_rows ?? 0),
    output_rows_per_second: perSecond(last?.output_rows ?? 0),
    last_batch: last,
    lag,
    restarts: row.restarts,
    last_error: row.last_error,
  };
}

/** Whether nothing has come of its start: its server died before the stream began. */
export function hasNotBegun({ state, state_since, started_at }: PipelineRow): boolean {
  return state === "starting" && state_since === started_at;
}

/** A time as clients read it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
