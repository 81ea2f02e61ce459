/** What the isolate of a pipeline is told of it for one tick. Pure. */
import type { LocatedTables } from "./_locate_tables.ts";
import type { PipelineRow } from "./_row.ts";
import type { TickParams } from "./contract/tick_job.ts";

/** What a row does not say. */
export interface TickParamsOptions extends LocatedTables {
  /** As the catalog is called now. */
  readonly catalogName: string;
  readonly isFirst: boolean;
  readonly heldSnapshotId: string | null;
  readonly ignoreLimits: boolean;
}

/** Parameters of the next tick. */
export function tickParams(
  row: PipelineRow,
  { catalogName, ...more }: TickParamsOptions,
): TickParams {
  return {
    pipelineId: row.id,
    key: row.stream_key,
    checkpoint: row.checkpoint_location,
    options: row.options,
    sourceNames: [row.source_table, `${catalogName}.${row.source_table}`],
    sourceUuid: row.source_uuid,
    sinkUuid: row.sink_uuid,
    epoch: row.epoch,
    place: row.place,
    untilSnapshotId: row.until_snapshot_id,
    ...more,
  };
}
