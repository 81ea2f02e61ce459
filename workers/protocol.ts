/**
 * What crosses between the main isolate and a worker isolate: tagged, versioned messages. Envelopes
 * are checked on both sides here; params and results by the method table that both sides import.
 */
import { z } from "zod";
import type { FlatError } from "../lib/errors.ts";

/** Both sides must speak the same version; a mismatch is a build error of ours. */
export const PROTOCOL_VERSION = 2;

const FlatErrorSchema: z.ZodType<FlatError> = z.object({
  kind: z.enum([
    "malformed",
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "already_exists",
    "conflict",
    "precondition_failed",
    "too_large",
    "unsupported_media_type",
    "not_acceptable",
    "rate_limited",
    "corrupt_data",
    "unsupported",
    "unavailable",
    "deadline_exceeded",
    "cancelled",
    "commit_state_unknown",
    "internal",
  ]),
  code: z.string(),
  message: z.string(),
  context: z.record(z.string(), z.unknown()),
  issues: z.array(z.object({ path: z.string(), message: z.string() })),
  retryable: z.boolean(),
  retryAfterSeconds: z.number().nullable(),
});

const v = z.literal(PROTOCOL_VERSION);

/** Main isolate to worker. `id` is a call's, but for `answer` and `refusal`: there a question's. */
export const HostMessage = z.discriminatedUnion("type", [
  z.object({
    v,
    type: z.literal("call"),
    id: z.int(),
    method: z.string(),
    params: z.unknown(),
    /** Whether bytes follow, as `chunk`s until `end` or `broken`. */
    input: z.boolean(),
  }),
  z.object({ v, type: z.literal("cancel"), id: z.int() }),
  z.object({ v, type: z.literal("chunk"), id: z.int(), bytes: z.instanceof(Uint8Array) }),
  z.object({ v, type: z.literal("end"), id: z.int() }),
  z.object({ v, type: z.literal("broken"), id: z.int(), error: FlatErrorSchema }),
  z.object({ v, type: z.literal("answer"), id: z.int(), value: z.unknown() }),
  z.object({ v, type: z.literal("refusal"), id: z.int(), error: FlatErrorSchema }),
]);
export type HostMessage = z.infer<typeof HostMessage>;

/** Worker to main isolate. `id` is a call's, but for `withdraw`: there a question's. */
export const WorkerMessage = z.discriminatedUnion("type", [
  z.object({ v, type: z.literal("ready") }),
  z.object({ v, type: z.literal("result"), id: z.int(), value: z.unknown() }),
  z.object({ v, type: z.literal("error"), id: z.int(), error: FlatErrorSchema }),
  z.object({ v, type: z.literal("progress"), id: z.int(), value: z.unknown() }),
  /** The call may be sent this many bytes of its input more. */
  z.object({ v, type: z.literal("credit"), id: z.int(), bytes: z.int().positive() }),
  /** A question that the isolate asks for one of its calls. */
  z.object({
    v,
    type: z.literal("ask"),
    id: z.int(),
    question: z.int(),
    method: z.string(),
    params: z.unknown(),
    /** Whether byte arrays of the answer move rather than being copied. */
    moves: z.boolean(),
  }),
  z.object({ v, type: z.literal("withdraw"), id: z.int() }),
]);
export type WorkerMessage = z.infer<typeof WorkerMessage>;

/** One callable method: how its params and its result look. */
export interface MethodSchema<P, R> {
  readonly params: z.ZodType<P>;
  readonly result: z.ZodType<R>;
  /** Byte arrays of both move to the other side rather than being copied; none bounds their size. */
  readonly moves?: boolean;
}

/** A method table, shared by both sides. */
// deno-lint-ignore no-explicit-any -- variance: each method has its own types, recovered below.
export type Methods = Readonly<Record<string, MethodSchema<any, any>>>;

/** Params of method `K`. */
export type ParamsOf<M extends Methods, K extends keyof M> = z.infer<M[K]["params"]>;
/** Result of method `K`. */
export type ResultOf<M extends Methods, K extends keyof M> = z.infer<M[K]["result"]>;
