/** Whether a data file's rows can go to a new file without becoming rows in JavaScript. */
import {
  openParquetFile,
  type ParquetSource,
  planTranscode,
  type TranscodePlan,
} from "../../../columnar/parquet/mod.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import type { SentTask } from "./rewrite_tasks.ts";
import type { TableContext } from "./table_context.ts";

/** Whether all rows of a file stay, with nothing added to them. */
export function staysAsItIs({ deletes, dataFile }: SentTask, table: TableContext): boolean {
  // Rows of v3 get columns that say where they came from.
  return deletes.length === 0 && dataFile.fileFormat === "parquet" && !table.keepsLineage;
}

/**
 * How an open file of the table, all of whose rows stay, becomes part of another one; null where its
 * rows have to be read.
 */
export function planFile(
  source: ParquetSource,
  { specId }: SentTask["dataFile"],
  { metadata, schema }: TableContext,
): TranscodePlan | null {
  const plan = planTranscode(source, { schema });
  if (plan === null) return null;
  // A column that the file lacks may be one that its partition has the value of.
  const spec = metadata.partitionSpecs.find((one) => one.specId === specId);
  const isPartitioned = spec?.fields.some(({ transform }) => transform.kind === "identity");
  return isPartitioned === true && plan.leaves.includes(null) ? null : plan;
}

/** Opens a data file as Parquet. */
export async function openFile(
  io: FileIo,
  { filePath, fileSizeInBytes }: SentTask["dataFile"],
  signal: AbortSignal,
): Promise<ParquetSource> {
  return await openParquetFile(io, { location: filePath, sizeBytes: fileSizeInBytes, signal });
}
