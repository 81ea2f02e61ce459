/** Finds groups again in a newer state of the table, to rewrite them with the deletes that came. */
import { manifestSource } from "../../../iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../iceberg/scan/plan_files.ts";
import type { PlannedGroup, PlanningState } from "./group_rewriter.ts";

/** Groups as they are now, and those of which files are gone. */
export interface GroupsFound {
  readonly found: readonly PlannedGroup[];
  readonly gone: readonly PlannedGroup[];
}

/** Options of {@linkcode findAgain}. */
export interface FindAgainOptions {
  readonly state: PlanningState;
  /** The spec that new files get in this state. */
  readonly outputSpecId: number;
  readonly signal: AbortSignal;
}

/** Looks every file of the groups up by its location. */
export async function findAgain(
  groups: readonly PlannedGroup[],
  { state, outputSpecId, signal }: FindAgainOptions,
): Promise<GroupsFound> {
  const { metadata, io } = state.table;
  const wanted = new Set(groups.flatMap(({ files }) => files.map(locationOf)));
  const tasks = new Map<string, FileScanTask>();
  const scan = planFiles({
    metadata,
    snapshot: state.snapshot,
    manifests: manifestSource(io, metadata),
    rows: "all",
    signal,
  });
  for await (const task of scan) {
    if (wanted.has(locationOf(task))) tasks.set(locationOf(task), task);
  }
  const found: PlannedGroup[] = [];
  const gone: PlannedGroup[] = [];
  for (const group of groups) {
    const files = group.files.flatMap((file) => tasks.get(locationOf(file)) ?? []);
    if (files.length === group.files.length) {
      found.push(underSpec({ ...group, files }, outputSpecId));
    } else gone.push(group);
  }
  return { found, gone };
}

/** A partition of another spec says nothing about new files: the rows are sorted out anew. */
function underSpec(group: PlannedGroup, outputSpecId: number): PlannedGroup {
  const fits = group.files.every(({ dataFile }) => dataFile.specId === outputSpecId);
  return fits ? group : { ...group, partition: null };
}

function locationOf({ dataFile }: FileScanTask): string {
  return dataFile.filePath;
}
