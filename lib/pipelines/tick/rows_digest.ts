/**
 * Whether rows that were deleted from the source can be found in the sink by their values: only if they
 * went in as they would go in now.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { StreamOffset } from "../contract/offset.ts";
import type { PipelineOptions } from "../contract/options.ts";

/** What is done to rows on their way, in few characters. */
export function rowsDigest({ where, transform }: PipelineOptions): string {
  const text = JSON.stringify([where ?? null, transform ?? null]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** What {@linkcode requireSameRows} compares. */
export interface RowsThenAndNow {
  readonly offset: StreamOffset;
  readonly options: PipelineOptions;
  /** The source's columns when the last batch was read, and now. */
  readonly before: Schema | undefined;
  readonly now: Schema;
}

/**
 * For changelogs without key columns: refuses (`conflict`/`source_schema_changed`, `transform_changed`)
 * what would let deleted rows stay in the sink, because no row there is equal to them any more.
 */
export function requireSameRows({ offset, options, before, now }: RowsThenAndNow): void {
  const byValue = options.source_changes === "changelog" && options.key_columns === undefined;
  if (!byValue) return;
  const remedy = "Name the key_columns, or start under another checkpoint_location into a new sink";
  if (offset.rows !== rowsDigest(options)) {
    const message =
      "Cannot carry deletes to the sink: where or transform is another than that of " +
      `the rows in it, which cannot be found by their values any more. ${remedy}`;
    throw new AppError("conflict", "transform_changed", message);
  }
  // A transform names its columns, and is refused where one of them is not there.
  const passes = options.transform === undefined;
  const renamed = !passes ? undefined : before?.fields.find(({ id, name }) => {
    const found = now.findById(id);
    return found !== undefined && found.field.name !== name;
  });
  if (renamed === undefined) return;
  const message = `Cannot carry deletes to the sink: column "${renamed.name}" of the source has ` +
    `another name now, and rows in the sink cannot be found by their values any more. ${remedy}`;
  throw new AppError("conflict", "source_schema_changed", message);
}
