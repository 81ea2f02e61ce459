/** What clients see of operations. */
import { z } from "zod";

/** How an operation stands. `unknown`: its commit may or may not have come through. */
export const OPERATION_STATES = [
  "pending",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "unknown",
] as const;

/** A state of an operation. */
export const OperationState = z.enum(OPERATION_STATES);
export type OperationState = z.infer<typeof OperationState>;

/** The answer of every operation on a table. */
export const OperationResult = z.object({
  success: z.literal(true),
  operation: z.string().describe("what was done, for example compact"),
  table: z.string(),
  details_json: z.string().describe("a JSON object as text: what was done, in figures"),
  operation_id: z.string().describe("GET /api/operations/{operation_id} tells more"),
}).meta({ id: "OperationResult" });
export type OperationResult = z.infer<typeof OperationResult>;

/** The answer to a request that asked not to wait. */
export const OperationAccepted = z.object({
  success: z.literal(true),
  operation: z.string(),
  table: z.string(),
  operation_id: z.string().describe("GET /api/operations/{operation_id} tells how it goes"),
}).meta({ id: "OperationAccepted" });
export type OperationAccepted = z.infer<typeof OperationAccepted>;

/** How far an operation has come. */
export const OperationProgress = z.object({
  phase: z.string().describe("for example planning, rewriting, committing"),
  done: z.number(),
  total: z.number().nullable().describe("null where it cannot be known yet"),
  unit: z.string().describe("what is counted: files, bytes, groups, snapshots, rows"),
}).meta({ id: "OperationProgress" });
export type OperationProgress = z.infer<typeof OperationProgress>;

/** Why an operation did not succeed. */
export const OperationFailure = z.object({
  code: z.string().describe("stable identifier to branch on"),
  detail: z.string(),
}).meta({ id: "OperationFailure" });
export type OperationFailure = z.infer<typeof OperationFailure>;

/** One operation. */
export const Operation = z.object({
  id: z.string(),
  operation: z.string(),
  table: z.string(),
  state: OperationState,
  dry_run: z.boolean(),
  input: z.record(z.string(), z.unknown()).describe("what was asked for"),
  progress: OperationProgress.nullable(),
  result: OperationResult.nullable().describe("the answer, once it succeeded"),
  error: OperationFailure.nullable().describe("why it did not succeed"),
  principal: z.string().describe("who started it"),
  agent: z.string().nullable().describe("the agent that acted for them"),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
}).meta({ id: "Operation" });
export type Operation = z.infer<typeof Operation>;

/** A page of operations, newest first. */
export const OperationList = z.object({
  operations: z.array(Operation),
  next_cursor: z.string().optional(),
}).meta({ id: "OperationList" });
export type OperationList = z.infer<typeof OperationList>;

/** Narrows a list of operations; each field given must match. */
export const OperationFilter = z.strictObject({
  operation: z.string().max(64).optional().describe("for example compact"),
  table: z.string().max(1024).optional().describe("namespace.table"),
  state: OperationState.optional(),
}).meta({ id: "OperationFilter" });
export type OperationFilter = z.infer<typeof OperationFilter>;
