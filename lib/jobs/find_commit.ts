/** The job that finds out, from the table alone, what became of a commit whose server died. */
import { z } from "zod";
import { TableLocationSchema } from "../catalog/load/mod.ts";
import { defineJob } from "./job.ts";

/** A commit that was about to be tried; see `CommitNote`. */
export const TriedCommit = z.object({
  base: z.string(),
  lastUpdatedMs: z.number(),
  snapshotIds: z.array(z.string()),
});
/** A commit that was about to be tried; see `CommitNote`. */
export type TriedCommit = z.infer<typeof TriedCommit>;

/** What is known of the commit. */
const Params = z.object({
  location: TableLocationSchema,
  operationId: z.string(),
  commit: TriedCommit,
  /** How long the commit may still be on its way to the store, in milliseconds from now. */
  settleMs: z.number().nonnegative(),
});
/** What is known of the commit. */
export type FindCommitParams = z.infer<typeof Params>;

/** What became of a commit; `unsure` where the table has since forgotten what would tell. */
export const TriedCommitOutcome = z.enum(["landed", "not_landed", "unsure"]);
/** What became of a commit; `unsure` where the table has since forgotten what would tell. */
export type TriedCommitOutcome = z.infer<typeof TriedCommitOutcome>;

/** What was found out. */
export const FindCommitReceipt = z.object({
  outcome: TriedCommitOutcome,
  /** Whether another commit of the operation came through before; false where nothing tells. */
  landedBefore: z.boolean(),
});
/** What was found out. */
export type FindCommitReceipt = z.infer<typeof FindCommitReceipt>;

/** Changes nothing. Rejects with what loading the table does. */
export const findCommitJob = defineJob({
  name: "find-commit",
  params: Params,
  result: FindCommitReceipt,
  lane: "short",
});
