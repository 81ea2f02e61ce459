import assert from "node:assert/strict";
import { NO_FIGURES, type PipelineRow } from "../../../lib/pipelines/_row.ts";
import { outcomeOf, type Ticked } from "../../../lib/pipelines/_tick_outcome.ts";
import { NO_TOTALS, type StreamOffset } from "../../../lib/pipelines/contract/offset.ts";

const SOURCE = "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10";
const SINK = "18ad4f3e-61b2-4c3b-8f0a-3f1f7f3b9c55";
const POSITION = { snapshot_id: "101", files_read: null, scan_all_files: false };
const OFFSET: StreamOffset = {
  version: 1,
  checkpoint: "/checkpoints/a",
  source: "db.source",
  source_uuid: SOURCE,
  source_schema_id: 0,
  position: POSITION,
  batch_id: 1,
  epoch: 1,
  totals: { ...NO_TOTALS, input_rows: 40, output_rows: 40 },
};

Deno.test("outcomeOf() takes from the sink what its server died before recording", () => {
  const { news } = outcomeOf(quiet(OFFSET), asBefore());
  assert(news !== null);
  // Without the uuid, a sink that is dropped now would be taken for one that never was.
  assert.equal(news.changes.sink_uuid, SINK);
  assert.deepEqual(news.changes.place, { batchId: 1, position: POSITION });
  assert.equal(news.changes.figures?.batches, 1);
  assert.deepEqual(news.changes.figures?.totals, OFFSET.totals);
});

Deno.test("outcomeOf() is not bound to a sink that nothing was written to", () => {
  const { news } = outcomeOf(quiet(null), asBefore());
  assert.equal(news?.changes.sink_uuid, null);
});

function quiet(offset: StreamOffset | null): Ticked {
  return {
    kind: "quiet",
    offset,
    position: POSITION,
    sinkUuid: SINK,
    changes: NO_FIGURES.changes,
    sourceSnapshotId: "101",
    sourceUuid: SOURCE,
    neededSnapshotId: "101",
    lag: { snapshots: 0, rows: 0, seconds: 0 },
    startedMs: 0,
  };
}

/** Taken over from a server that had begun, and had recorded no batch. */
function asBefore() {
  const position = { snapshot_id: null, files_read: null, scan_all_files: false };
  const row = {
    state: "running",
    place: { batchId: 0, position },
    sink_uuid: null,
    until_snapshot_id: null,
    figures: NO_FIGURES,
  } as PipelineRow;
  return { row, trigger: { kind: "interval", everyMs: 0 }, nowMs: 1 } as const;
}
