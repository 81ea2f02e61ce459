/** A job that appends a file of numbers and takes its isolate down on the way. */
import { z } from "zod";
import { TableLocationSchema } from "../../lib/catalog/load/mod.ts";
import { defineJob } from "../../lib/jobs/mod.ts";

/** Where the job ends its isolate; `nowhere` for not at all. */
export const DYING_STEPS = [
  "nowhere",
  /** A file is being written. */
  "writing",
  /** A file is written, nothing is committed. */
  "written",
  /** In the middle of the commit: the catalog has it, and the isolate does not know. */
  "committing",
  /** The commit is over, the answer not given. */
  "committed",
] as const;

/** Appends one file. */
export const dyingJob = defineJob({
  name: "dying",
  params: z.object({
    location: TableLocationSchema,
    step: z.enum(DYING_STEPS),
    /** Whether the job says what it would answer. */
    announces: z.boolean(),
  }),
  result: z.object({ rows: z.int() }),
});
