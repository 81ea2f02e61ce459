/** Options that make sense by themselves and do not together. */
import { AppError, type FieldIssue } from "../errors.ts";
import type { PipelineOptions } from "./contract/options.ts";

/** Refuses (`invalid`/`validation_failed`) what contradicts itself; each field is named. */
export function requireSoundOptions(options: PipelineOptions): void {
  const issues = [...keyIssues(options), ...changelogIssues(options)];
  if (issues.length === 0) return;
  const message = "Cannot start the pipeline: its options contradict each other";
  throw new AppError("invalid", "validation_failed", message, { issues });
}

function keyIssues({ write_mode: mode, key_columns: keys }: PipelineOptions): FieldIssue[] {
  if (mode === "upsert" && keys === undefined) {
    return [{ path: "key_columns", message: "Expected the columns that identify a row" }];
  }
  if (mode === "overwrite-partitions" && keys !== undefined) {
    return [{ path: "key_columns", message: "Expected no key: whole partitions are replaced" }];
  }
  return [];
}

function changelogIssues(options: PipelineOptions): FieldIssue[] {
  const { write_mode: mode, source_changes: changes, key_columns: keys } = options;
  if (changes === "changelog" && mode === "overwrite-partitions") {
    const message = "Expected append or upsert: deletes of single rows replace no partition";
    return [{ path: "write_mode", message }];
  }
  if (mode === "append" && keys !== undefined && changes !== "changelog") {
    const message = "Expected no key: rows are appended, whatever their key is";
    return [{ path: "key_columns", message }];
  }
  return [];
}
