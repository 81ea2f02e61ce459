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
  rows: "",
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

const INTERVAL = { kind: "interval", everyMs: 0 } as const;
const ONCE = { kind: "once" } as const;
const AVAILABLE = { kind: "available-now" } as const;

Deno.test("outcomeOf() of a batch: more at once, then news, or the end", () => {
  const cases = [
    [INTERVAL, true, "more", "work"],
    [INTERVAL, false, "quiet", "quiet"],
    [ONCE, true, "more", "work"],
    [ONCE, false, "done", "quiet"],
    [AVAILABLE, true, "more", "work"],
    [AVAILABLE, false, "done", "quiet"],
  ] as const;
  for (const [trigger, more, next, event] of cases) {
    const outcome = outcomeOf(batch({ more }), { ...asBefore(), trigger });
    const label = `${trigger.kind}, more: ${more}`;
    assert.deepEqual([outcome.next, outcome.news?.event], [next, event], label);
    assert.equal(outcome.checkpoint, OFFSET, label);
  }
});

Deno.test("outcomeOf() of a quiet tick: waits for news, or ends", () => {
  for (
    const [trigger, next] of [[INTERVAL, "quiet"], [ONCE, "done"], [AVAILABLE, "done"]] as const
  ) {
    assert.equal(outcomeOf(quiet(OFFSET), { ...asBefore(), trigger }).next, next);
  }
});

Deno.test("outcomeOf() bounds what is to end by itself by what was there at its start", () => {
  const { row, nowMs } = asBefore();
  for (const [trigger, until] of [[INTERVAL, null], [ONCE, "101"], [AVAILABLE, "101"]] as const) {
    for (const result of [begin(null), batch({})]) {
      const { news } = outcomeOf(result, { row, nowMs, trigger });
      assert.equal(news?.changes.until_snapshot_id, until, `${trigger.kind} ${result.kind}`);
      const known = { ...row, until_snapshot_id: "99" };
      const later = outcomeOf(result, { row: known, nowMs, trigger }).news?.changes;
      assert.equal(later?.until_snapshot_id, trigger === INTERVAL ? null : "99");
    }
  }
});

Deno.test("outcomeOf() of a beginning shows what the sink has, and needs what was not read", () => {
  const { row, nowMs } = asBefore();
  const anew = outcomeOf(begin(OFFSET), { row, nowMs, trigger: INTERVAL });
  assert.equal(anew.next, "again");
  assert.equal(anew.checkpoint, OFFSET);
  assert.deepEqual(anew.news?.changes.place, { batchId: 1, position: POSITION });
  assert.equal(anew.news?.changes.figures?.totals, OFFSET.totals);
  assert.equal(anew.news?.changes.sink_uuid, SINK);
  assert.equal(anew.news?.extras.needed, 101n);
  const first = outcomeOf(begin(null), { row, nowMs, trigger: INTERVAL });
  assert.deepEqual([first.checkpoint, first.news?.changes.sink_uuid], [null, null]);
  assert.deepEqual(first.news?.changes.place, { batchId: 0, position: POSITION });
});

Deno.test("outcomeOf() of a beginning puts its epoch above what the sink has, and never below its own", () => {
  const { row, nowMs } = asBefore();
  const epochs = [[null, 1], [0, 1], [1, 2], [2_000, 2_001]] as const;
  for (const [epoch, expected] of epochs) {
    const offset = epoch === null ? null : { ...OFFSET, epoch };
    const { news } = outcomeOf(begin(offset), { row, nowMs, trigger: INTERVAL });
    assert.equal(news?.changes.epoch, expected);
  }
});

Deno.test("outcomeOf() records a batch with its figures, and adds what was skipped on the way", () => {
  const { row, trigger } = asBefore();
  const changes = { replace_skipped: 1, skipped: 2, added_files: 3, changelog: 4 };
  const known = { ...row, figures: { ...row.figures, changes }, last_error: null };
  const result = { ...batch({}), changes, startedMs: 1_000 };
  const { news } = outcomeOf(result, { row: known, trigger, nowMs: 900 });
  assert.deepEqual(news?.changes.figures?.changes, {
    replace_skipped: 2,
    skipped: 4,
    added_files: 6,
    changelog: 8,
  });
  // A clock that was set back makes no batch end before it began.
  assert.equal(news?.extras.batch?.duration_ms, 0);
  assert.equal(news?.extras.batch?.started_at, "1970-01-01T00:00:01.000Z");
  assert.equal(news?.changes.last_error, null);
});

Deno.test("outcomeOf() has no news of an idle pipeline whose source did not move", () => {
  const place = { batchId: 1, position: POSITION };
  const lag = { snapshots: 0, rows: 0, seconds: 0 };
  const { row, trigger, nowMs } = asBefore();
  const idle = { ...row, state: "idle", place, figures: { ...row.figures, lag } } as PipelineRow;
  const { news, checkpoint, next } = outcomeOf(quiet(OFFSET), { row: idle, trigger, nowMs });
  assert.deepEqual([news, checkpoint, next], [null, undefined, "quiet"]);
  const behind = { ...quiet(OFFSET), lag: { snapshots: 2, rows: 5, seconds: 1 } };
  assert.notEqual(outcomeOf(behind, { row: idle, trigger, nowMs }).news, null);
  const moved = { ...quiet(OFFSET), position: { ...POSITION, snapshot_id: "102" } };
  const outcome = outcomeOf(moved, { row: idle, trigger, nowMs });
  assert.deepEqual(outcome.news?.changes.place, { batchId: 1, position: moved.position });
  assert.equal(outcome.checkpoint, OFFSET);
});

const SEEN = {
  sourceSnapshotId: "101",
  sourceUuid: SOURCE,
  neededSnapshotId: "101",
  lag: { snapshots: 0, rows: 0, seconds: 0 },
  startedMs: 0,
} as const;

function begin(offset: StreamOffset | null): Ticked {
  return { kind: "begin", offset, position: POSITION, sinkUuid: SINK, ...SEEN };
}

function batch({ more = false }: { readonly more?: boolean }): Extract<Ticked, { kind: "batch" }> {
  return {
    kind: "batch",
    offset: OFFSET,
    sinkUuid: SINK,
    batch: {
      batchId: 1,
      inputRows: 40,
      inputBytes: 400,
      inputFiles: 1,
      outputRows: 40,
      outputBytes: 400,
      outputFiles: 1,
      deletedRows: 0,
      unmatchedDeletes: 0,
      sourceSnapshotId: "101",
      sinkSnapshotId: "201",
    },
    changes: NO_FIGURES.changes,
    more,
    ...SEEN,
  };
}

function quiet(offset: StreamOffset | null): Extract<Ticked, { kind: "quiet" }> {
  return {
    kind: "quiet",
    offset,
    position: POSITION,
    sinkUuid: SINK,
    changes: NO_FIGURES.changes,
    ...SEEN,
  };
}

/** Taken over from a server that had begun, and had recorded no batch. */
function asBefore() {
  const position = { snapshot_id: null, files_read: null, scan_all_files: false };
  const row = {
    state: "running",
    place: { batchId: 0, position },
    epoch: 1,
    sink_uuid: null,
    until_snapshot_id: null,
    figures: NO_FIGURES,
  } as PipelineRow;
  return { row, trigger: { kind: "interval", everyMs: 0 }, nowMs: 1 } as const;
}
