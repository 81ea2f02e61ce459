/** Compacts tables of real Parquet files, in one isolate that plays all of them. */
import assert from "node:assert/strict";
import type { TableLocation } from "../../../../lib/catalog/mod.ts";
import type { FileIo } from "../../../../lib/iceberg/ports.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import type { CompactReceipt } from "../../../../lib/maintenance/contract/mod.ts";
import { installedCompactJob } from "../../../../lib/maintenance/jobs/mod.ts";
import { installedEncodePartTask } from "../../../../lib/maintenance/jobs/rewrite/encode_part.ts";
import { installedRewriteGroupTask } from "../../../../lib/maintenance/jobs/rewrite/rewrite_group.ts";
import type { RawOptions } from "../../../../lib/maintenance/plan/compaction_options.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { ParquetTable } from "../../../support/maintenance/parquet_table.ts";

/** Options of {@linkcode compactFiles}. */
export interface CompactFilesOptions {
  readonly strategy?: "binpack" | "sort" | "zorder";
  readonly sortOrder?: string;
  readonly where?: string;
  readonly options?: RawOptions;
  readonly dryRun?: boolean;
  readonly memoryBytes?: number;
  /** Isolates that the job thinks it has. */
  readonly width?: number;
  readonly location?: TableLocation;
  /** Stands in for the table's store of files. */
  readonly io?: FileIo;
  readonly signal?: AbortSignal;
  /** Called before each task. */
  readonly onTask?: (name: string) => void;
}

/** Compacts whatever there is: every file is rewritten unless options say otherwise. */
export async function compactFiles(
  table: ParquetTable,
  given: CompactFilesOptions = {},
): Promise<CompactReceipt> {
  const { strategy = "binpack", sortOrder = null, where = null, dryRun = false } = given;
  const host = testJobHost(table.store, {
    tasks: [installedEncodePartTask, installedRewriteGroupTask],
    io: given.io ?? table.store.io,
    ...(given.memoryBytes === undefined ? {} : { memoryBytes: given.memoryBytes }),
    ...(given.width === undefined ? {} : { width: given.width }),
    ...(given.signal === undefined ? {} : { signal: given.signal }),
    ...(given.onTask === undefined ? {} : { onTask: given.onTask }),
  });
  const options = given.options ?? { "rewrite-all": true };
  const location = given.location ?? ANY_LOCATION;
  return await installedCompactJob.run(
    { location, dryRun, strategy, sortOrder, where, options },
    host,
  );
}

/** Files of the table that no snapshot of it refers to any more, nor ever did. */
export async function strayFiles(table: ParquetTable): Promise<readonly string[]> {
  const known = new Set<string>();
  for (const { snapshotId } of table.metadata.snapshots) {
    for (const { dataFile, deletes } of await table.tasks(snapshotId)) {
      known.add(dataFile.filePath);
      for (const one of deletes) known.add(one.dataFile.filePath);
    }
  }
  return table.store.io.locations()
    .filter((location) => /\.(?:parquet|puffin)$/.test(location) && !known.has(location));
}

/** A second compaction changes nothing, and says of every file why. */
export async function assertSettled(
  table: ParquetTable,
  { options = {}, ...given }: CompactFilesOptions = {},
): Promise<void> {
  const versions = table.store.history.length;
  const files = (await table.tasks()).length;
  const receipt = await compactFiles(table, { ...given, options });
  assert.equal(table.store.history.length, versions);
  assert.deepEqual(receipt.snapshot_ids, []);
  assert.equal(receipt.rewritten_files, 0);
  assert.equal(receipt.skipped_files.reduce((sum, one) => sum + one.files, 0), files);
}

/** A schema of these fields. */
export function schemaOf(...fields: readonly NestedField[]): Schema {
  return new Schema({ schemaId: 0, identifierFieldIds: [], fields });
}

/** The column at a place, of all rows in the order of the table's files. */
export async function columnOf(table: ParquetTable, at: number): Promise<readonly IcebergValue[]> {
  return (await table.rows()).map((row) => row[at] ?? null);
}
