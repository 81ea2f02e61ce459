/** Jobs of the isolate that the pool's tests drive. */
import { z } from "zod";
import { TableLocationSchema } from "../../lib/catalog/load/mod.ts";
import { defineJob } from "../../lib/jobs/mod.ts";

const nothing = z.object({});
const bytes = z.object({ bytes: z.instanceof(Uint8Array) });

/** Reports every step. */
export const countJob = defineJob({
  name: "count",
  params: z.object({ to: z.int() }),
  result: z.object({ operationId: z.string(), memoryBytes: z.int() }),
  lane: "short",
});
/** Waits until it is cancelled. */
export const waitJob = defineJob({ name: "wait", params: nothing, result: z.null() });
/** Never lets go. */
export const spinJob = defineJob({ name: "spin", params: nothing, result: z.null() });
/** Takes its isolate down. */
export const crashJob = defineJob({ name: "crash", params: nothing, result: z.null() });
/** Counts what is streamed in. */
export const readJob = defineJob({
  name: "read",
  params: nothing,
  result: z.object({ bytes: z.int() }),
});
/** Gives twice as many bytes back. */
export const doubleTask = defineJob({ name: "double", params: bytes, result: bytes });
/** Hands parts of its work to other isolates. */
export const shareJob = defineJob({
  name: "share",
  params: z.object({ parts: z.int() }),
  result: z.object({ bytes: z.int(), width: z.int() }),
});
const located = z.object({ location: TableLocationSchema });
/** Loads a table; why it cannot. */
export const loadTask = defineJob({
  name: "load",
  params: located,
  result: z.object({ code: z.string() }),
});
/** Has a table loaded by other isolates. */
export const loadManyJob = defineJob({
  name: "load-many",
  params: located.extend({ parts: z.int() }),
  result: z.object({ codes: z.array(z.string()) }),
});
