/** Finds out what became of a commit whose server died, and changes nothing. */
import {
  findCommitJob,
  type FindCommitParams,
  type FindCommitReceipt,
  installJob,
  type JobHost,
} from "../../../jobs/mod.ts";
import { isOperationIn, settledTable } from "./settled_table.ts";

/** The job. */
export const installedFindCommitJob = installJob(findCommitJob, findCommit);

/** Runs the job. */
export async function findCommit(
  params: FindCommitParams,
  host: JobHost,
): Promise<FindCommitReceipt> {
  const store = host.openTable(params.location);
  const pending = { ...params, isAnswered: false };
  const { table, outcome } = await settledTable(store, pending, host.signal);
  return { outcome, landedBefore: isOperationIn(table, params.operationId) };
}
