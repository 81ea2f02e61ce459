import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { NO_TOTALS, type StreamOffset } from "../../../../lib/pipelines/contract/offset.ts";
import { PipelineOptions } from "../../../../lib/pipelines/contract/options.ts";
import { requireSameRows, rowsDigest } from "../../../../lib/pipelines/tick/rows_digest.ts";

function optionsOf(more: Partial<PipelineOptions> = {}): PipelineOptions {
  return PipelineOptions.parse({ source_changes: "changelog", ...more });
}

function offsetOf(options: PipelineOptions): StreamOffset {
  return {
    version: 1,
    checkpoint: "/checkpoint",
    source: "db.source",
    source_uuid: null,
    source_schema_id: 0,
    rows: rowsDigest(options),
    position: { snapshot_id: "1", files_read: null, scan_all_files: false },
    batch_id: 1,
    epoch: 1,
    totals: NO_TOTALS,
  };
}

function schemaOf(name: string): Schema {
  const rest = { required: false, doc: null, initialDefault: undefined, writeDefault: undefined };
  const fields = [{ id: 1, name, type: { kind: "string" }, ...rest } as const];
  return new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
}

function codeOf(written: PipelineOptions, now: PipelineOptions, name = "a"): string | null {
  try {
    requireSameRows({
      offset: offsetOf(written),
      options: now,
      before: schemaOf("a"),
      now: schemaOf(name),
    });
    return null;
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.code;
  }
}

Deno.test("requireSameRows() refuses deletes by value where rows went in otherwise", () => {
  const upper = optionsOf({ transform: "SELECT upper(a) AS a FROM batch" });
  const lower = optionsOf({ transform: "SELECT lower(a) AS a FROM batch" });
  assert.equal(codeOf(upper, upper), null);
  assert.equal(codeOf(upper, lower), "transform_changed");
  assert.equal(codeOf(optionsOf(), optionsOf({ where: "a > 'x'" })), "transform_changed");
});

Deno.test("requireSameRows() refuses a column of another name, unless a transform names it", () => {
  const options = optionsOf();
  assert.equal(codeOf(options, options, "b"), "source_schema_changed");
  const named = optionsOf({ transform: "SELECT 1 AS a FROM batch" });
  assert.equal(codeOf(named, named, "b"), null);
});

Deno.test("requireSameRows() lets be what finds rows by key, or deletes none", () => {
  const keyed = optionsOf({ key_columns: ["a"] });
  assert.equal(codeOf(optionsOf(), { ...keyed, where: "a > 'x'" }, "b"), null);
  const skips = optionsOf({ source_changes: "skip", where: "a > 'x'" });
  assert.equal(codeOf(optionsOf(), skips, "b"), null);
});
