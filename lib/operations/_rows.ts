/** Rows of operations, as the state holds them and as clients see them. */
import { z } from "zod";
import {
  type Operation,
  OperationProgress,
  type OperationResult,
  OperationState,
} from "./schemas.ts";

const json = z.string().transform((text): unknown => JSON.parse(text));
const flag = z.int().transform((value) => value === 1);

/** One row. */
export const OperationRow = z.object({
  seq: z.int(),
  id: z.string(),
  kind: z.string(),
  table_name: z.string(),
  state: OperationState,
  dry_run: flag,
  input: json.pipe(z.record(z.string(), z.json())),
  progress: json.pipe(OperationProgress).nullable(),
  commit_note: z.string().nullable(),
  details: z.string().nullable(),
  error_kind: z.string().nullable(),
  error_code: z.string().nullable(),
  error_detail: z.string().nullable(),
  principal_id: z.string(),
  principal_name: z.string(),
  agent: z.string().nullable(),
  instance: z.string(),
  created_at: z.int(),
  started_at: z.int().nullable(),
  ended_at: z.int().nullable(),
  cancel_requested_at: z.int().nullable(),
});
export type OperationRow = z.output<typeof OperationRow>;

/** A row as clients see it; `progress` is newer than the row's where the operation runs here. */
export function toOperation(row: OperationRow, progress: OperationProgress | null): Operation {
  const { error_code: code, error_detail: detail } = row;
  return {
    id: row.id,
    operation: row.kind,
    table: row.table_name,
    state: row.state,
    dry_run: row.dry_run,
    input: row.input,
    progress: progress ?? row.progress,
    result: row.state === "succeeded" ? toResult(row) : null,
    error: code === null ? null : { code, detail: detail ?? "" },
    principal: row.principal_name,
    agent: row.agent,
    created_at: isoTime(row.created_at),
    started_at: maybeTime(row.started_at),
    ended_at: maybeTime(row.ended_at),
    cancel_requested_at: maybeTime(row.cancel_requested_at),
  };
}

/** The answer of an operation that succeeded. */
export function toResult(
  row: Pick<OperationRow, "id" | "kind" | "table_name" | "details">,
): OperationResult {
  return {
    success: true,
    operation: row.kind,
    table: row.table_name,
    details_json: row.details ?? "{}",
    operation_id: row.id,
  };
}

function maybeTime(atMs: number | null): string | null {
  return atMs === null ? null : isoTime(atMs);
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
