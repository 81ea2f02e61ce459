/** Rewrites a whole group in one isolate, and writes its files. */
import { DataFileWriter } from "../../../columnar/mod.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import { encodePart } from "./encode_part.ts";
import { cutInputs, largestPart } from "./cut_inputs.ts";
import { fillFiles } from "./fill_files.ts";
import { readRows } from "./read_rows.ts";
import { type RewriteGroupParams, rewriteGroupTask } from "./rewrite_tasks.ts";
import { RollingFiles } from "./rolling_files.ts";
import { ExternalSort } from "./sort/external_sort.ts";
import { rowKeysOf } from "./sort/row_keys_of.ts";
import { receivedTable, type TableContext } from "./table_context.ts";

/** Share of memory that writing takes where rows are sorted, too. */
const WRITER_SHARE = 1 / 4;
/** Share of memory that one step of reading makes rows for, where they are sorted. */
const READER_SHARE = 1 / 8;

/** The task. */
export const installedRewriteGroupTask = installJob(rewriteGroupTask, async (params, host) => {
  const table = await receivedTable(params, host);
  const spec = table.metadata.partitionSpecs.find(({ specId }) => specId === params.outputSpecId);
  if (spec === undefined) throw new TypeError(`Cannot find partition spec ${params.outputSpecId}`);
  const files = params.order.kind === "as_is" && params.partition !== null
    ? await rewriteInOrder(params, { table, spec, partition: params.partition, host })
    : await rewriteSorted(params, { table, spec, host });
  return { files };
});

interface GroupPlace {
  readonly table: TableContext;
  readonly spec: PartitionSpec;
  readonly host: JobHost;
}

/** Rows stay in the order of their files, and are all of one partition. */
async function rewriteInOrder(
  { inputs, outputs, taskId }: RewriteGroupParams,
  place: GroupPlace & { readonly partition: NonNullable<RewriteGroupParams["partition"]> },
): Promise<readonly DataFile[]> {
  const { table, spec, partition, host } = place;
  const { operationId, memoryBytes, signal } = host;
  const files = new RollingFiles({ table, spec, partition, outputs, operationId, taskId });
  try {
    const size = largestPart({ outputs, settings: table.settings, memoryBytes });
    const cut = await cutInputs(inputs, { table, outputs, size, signal });
    const takePart = (at: number) => encodePart(cut.parts[at]?.inputs ?? [], table, host);
    await fillFiles(files, cut, { table, takePart, signal });
    return await files.finish();
  } catch (error) {
    await files.abort();
    throw error;
  }
}

/** Rows are sorted: by partition where there are several, and by the order that is asked for. */
async function rewriteSorted(
  { inputs, order, outputs, partition, taskId }: RewriteGroupParams,
  { table, spec, host }: GroupPlace,
): Promise<readonly DataFile[]> {
  const { io, metadata, schema } = table;
  const { operationId, memoryBytes, signal } = host;
  let runs = 0;
  const folder = metadata.properties["write.metadata.path"] ?? `${metadata.location}/metadata`;
  const sort = new ExternalSort({
    schema,
    keysOf: rowKeysOf(order, { schema, partitionedBy: partition === null ? spec : null }),
    memoryBytes,
    spill: {
      io,
      nextLocation: () => `${folder}/${operationId}-run-${taskId}-${runs++}.parquet`,
    },
    signal,
  });
  const writer = new DataFileWriter({
    io,
    metadata,
    schema,
    spec,
    sortOrder: order.kind === "sort" ? order.order : null,
    operationId,
    taskId,
    targetFileSizeBytes: outputs.rollBytes,
    memoryBytes: memoryBytes * WRITER_SHARE,
    signal,
  });
  try {
    const reading = { windowBytes: memoryBytes * READER_SHARE, signal };
    for await (const batch of readRows(inputs, table, reading)) await sort.add(batch);
    for await (const batch of sort.sorted()) await writer.write(batch);
    return await writer.finish();
  } catch (error) {
    await writer.abort().catch(() => {/* what stays is found by its name */});
    throw error;
  } finally {
    await sort.discard();
  }
}
