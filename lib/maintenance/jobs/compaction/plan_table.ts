/** Plans the compaction of a real table, in one of its states. */
import { AppError } from "../../../errors.ts";
import { bind } from "../../../iceberg/expression/bind.ts";
import { parseWhere } from "../../../iceberg/expression/parse_where.ts";
import { manifestSource } from "../../../iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../iceberg/scan/plan_files.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import { currentSchema, type TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { CompactionOptions } from "../../plan/compaction_options.ts";
import { type CompactionPlan, CompactionPlanner } from "../../plan/plan_compaction.ts";
import type { PlanningState } from "./group_rewriter.ts";

/** Options of {@linkcode planTable}. */
export interface PlanTableOptions {
  readonly options: CompactionOptions;
  /** Only files that may hold rows which match; null for all. */
  readonly where: string | null;
  /** Bytes of data files that one group may have; null for no bound beside the option's. */
  readonly maxGroupBytes: number | null;
  readonly signal: AbortSignal;
}

/** The spec that new files get. Error: `invalid`/`partition_spec_unknown`. */
export function outputSpec(
  metadata: TableMetadata,
  { outputSpecId }: CompactionOptions,
): PartitionSpec {
  const specId = outputSpecId ?? metadata.defaultSpecId;
  const spec = metadata.partitionSpecs.find((one) => one.specId === specId);
  if (spec !== undefined) return spec;
  const known = metadata.partitionSpecs.map((one) => one.specId).join(", ");
  const message = `Cannot write files of partition spec ${specId}: the table has ${known}`;
  throw new AppError("invalid", "partition_spec_unknown", message, {
    issues: [{ path: "options.output-spec-id", message }],
  });
}

/** Reads the state's manifests. Errors are those of the filter (field `where`) and of planning. */
export async function planTable(
  { table, snapshot }: PlanningState,
  { options, where, maxGroupBytes, signal }: PlanTableOptions,
): Promise<CompactionPlan<FileScanTask>> {
  const { metadata, io } = table;
  const { specId: outputSpecId } = outputSpec(metadata, options);
  const planner = new CompactionPlanner<FileScanTask>({ options, outputSpecId, maxGroupBytes });
  const filter = where === null ? {} : { filter: bindWhere(where, metadata) };
  const manifests = manifestSource(io, metadata);
  const scan = planFiles({ metadata, snapshot, manifests, rows: "all", signal, ...filter });
  for await (const task of scan) planner.add(task);
  return planner.finish();
}

/** As Spark does, names of columns may be written in any case. */
function bindWhere(where: string, metadata: TableMetadata) {
  try {
    return bind(parseWhere(where), currentSchema(metadata), { caseSensitive: false });
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    const { code, message } = error;
    throw new AppError("invalid", code, message, {
      issues: [{ path: "where", message }],
      cause: error,
    });
  }
}
