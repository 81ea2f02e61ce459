/** `POST /api/table/{t}/append`: what can be sent, and the receipt. */
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";
import { defineJob } from "../../jobs/mod.ts";

/** Media types of rows, and what they are called here. */
export const APPEND_FORMATS = {
  "application/vnd.apache.parquet": "parquet",
  "application/vnd.apache.arrow.stream": "arrow",
  "application/x-ndjson": "ndjson",
  "text/csv": "csv",
} as const;

/** A format of rows. */
export const AppendFormat = z.enum(["parquet", "arrow", "ndjson", "csv"]);
export type AppendFormat = z.infer<typeof AppendFormat>;

/** Parameters of {@linkcode appendJob}; the rows are streamed in with it. */
export const AppendParams = z.object({
  location: TableLocationSchema,
  format: AppendFormat,
  dryRun: z.boolean(),
});
export type AppendParams = z.infer<typeof AppendParams>;

/** What was appended. Without rows there is no snapshot. */
export const AppendReceipt = z.object({
  appended_rows_count: z.int(),
  added_data_files_count: z.int(),
  added_bytes_count: z.int(),
  snapshot_id: z.string().nullable(),
});
export type AppendReceipt = z.infer<typeof AppendReceipt>;

/** Appends streamed rows in one snapshot. */
export const appendJob = defineJob({
  name: "append",
  params: AppendParams,
  result: AppendReceipt,
});
