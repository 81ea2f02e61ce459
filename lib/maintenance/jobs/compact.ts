/** The compaction job, with the rewriter of real tables. */
import { installJob } from "../../jobs/mod.ts";
import { compactJob } from "../contract/mod.ts";
import { compactTable } from "./compaction/compact_job.ts";
import { ParquetGroupRewriter } from "./rewrite/parquet_group_rewriter.ts";

/** The job. */
export const installedCompactJob = installJob(
  compactJob,
  (params, host) =>
    compactTable(params, host, {
      createRewriter: (input) => new ParquetGroupRewriter(input),
      // Rows are streamed, and sorted outside of memory: groups may have any size.
      maxGroupBytes: () => null,
    }),
);
