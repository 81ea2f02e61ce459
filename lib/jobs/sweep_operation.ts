/**
 * The job that looks after what a dead one left: it finds out whether the last commit came through,
 * and removes the files that were written for nothing.
 */
import { z } from "zod";
import { TableLocationSchema } from "../catalog/load/mod.ts";
import { TriedCommit, TriedCommitOutcome } from "./find_commit.ts";
import { defineJob } from "./job.ts";

/** What is known of the dead job. */
const Params = z.object({
  location: TableLocationSchema,
  /** Part of the name of every file that it wrote. */
  deadOperationId: z.string(),
  /** Its last commit, see `CommitNote`; null where it had tried none. */
  commit: TriedCommit.nullable(),
  /** How long that commit may still be on its way to the store, in milliseconds from now. */
  settleMs: z.number().nonnegative(),
});
/** What is known of the dead job. */
export type SweepOperationParams = z.infer<typeof Params>;

/** What was found out, and done. */
export const SweepOperationReceipt = z.object({
  /** What became of the last commit; `not_landed` also where there was none. */
  outcome: TriedCommitOutcome,
  /** Whether a commit before the last one did. */
  landedBefore: z.boolean(),
  removedFiles: z.int(),
  /** Files of the dead job that the table uses. */
  keptFiles: z.int(),
  /** Files that could not be removed. */
  failedFiles: z.int(),
});
/** What was found out, and done. */
export type SweepOperationReceipt = z.infer<typeof SweepOperationReceipt>;

/**
 * Rejects with what loading the table does, `not_found` where it is gone, and then nothing was
 * removed: without the table nobody knows what is in use.
 */
export const sweepOperationJob = defineJob({
  name: "sweep-operation",
  params: Params,
  result: SweepOperationReceipt,
  lane: "short",
});
