/** What a pipeline does with its rows: what clients choose when they start it. */
import { z } from "zod";

/** Longest SQL of a transform or a filter. */
const MAX_SQL_CHARS = 100_000;
/** Names of columns and expressions in a list. */
const MAX_NAMES = 100;

/** How rows get into the sink. */
export const WRITE_MODES = ["append", "upsert", "overwrite-partitions"] as const;
/** What becomes of source snapshots that overwrite or delete rows. */
export const SOURCE_CHANGES = ["fail", "skip", "added-files", "changelog"] as const;
/** What becomes of columns that the sink does not have. */
export const SCHEMA_CHANGES = ["fail", "evolve"] as const;
/** How rows of the sink are deleted. */
export const DELETE_FILES = ["positions", "equality"] as const;

const sqlText = z.string().trim().min(1).max(MAX_SQL_CHARS);
const names = z.array(z.string().min(1).max(1_000)).min(1).max(MAX_NAMES);
const limit = z.int().positive();

/** Where a stream without a checkpoint begins. */
export const StartFrom = z.union([
  z.enum(["beginning", "latest"]),
  z.strictObject({
    snapshot_id: z.string().regex(/^\d{1,19}$/, "Expected a snapshot id in decimal, as a string")
      .describe("The first snapshot whose rows are read"),
  }),
  z.strictObject({
    timestamp: z.iso.datetime({ offset: true })
      .describe("Snapshots from this time on are read"),
  }),
]);
export type StartFrom = z.infer<typeof StartFrom>;

/** Options of a pipeline, with their defaults. */
export const PipelineOptions = z.strictObject({
  start_from: StartFrom.default("beginning").describe(
    "Where to begin without a checkpoint: beginning (all rows that the source has), latest (what is " +
      "added from now on), a snapshot or a timestamp",
  ),
  where: sqlText.optional().describe("SQL predicate on the source's rows"),
  transform: sqlText.optional().describe(
    "SQL query over each batch; its FROM names the batch, as batch, source or the source table",
  ),
  write_mode: z.enum(WRITE_MODES).default("append"),
  key_columns: names.optional().describe("Columns of the sink that identify a row (upsert)"),
  delete_files: z.enum(DELETE_FILES).default("positions").describe(
    "How rows of the sink are deleted: by their positions, which every engine reads, or by " +
      "equality, which is cheaper to write",
  ),
  source_changes: z.enum(SOURCE_CHANGES).default("fail").describe(
    "What to do with source snapshots that overwrite or delete rows",
  ),
  schema_changes: z.enum(SCHEMA_CHANGES).default("fail").describe(
    "What to do where rows have columns that the sink does not have",
  ),
  max_files_per_batch: limit.default(1_000),
  max_rows_per_batch: limit.optional().describe("A single file may have more"),
  max_bytes_per_batch: limit.default(1024 ** 3).describe(
    "Of data files; a single one may be larger",
  ),
  sink_partition_by: names.optional().describe("Partitioning of a sink that does not exist yet"),
  sink_properties: z.record(z.string().min(1), z.string()).optional().describe(
    "Table properties of a sink that does not exist yet",
  ),
  sink_format_version: z.union([z.literal(2), z.literal(3)]).optional(),
});
export type PipelineOptions = z.infer<typeof PipelineOptions>;
