/** What turns a group of data files into new ones. */
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../../iceberg/ports.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import type { Snapshot } from "../../../iceberg/spec/snapshot.ts";
import type { RewriteGroup } from "../../plan/plan_compaction.ts";

/** A group of files of a real table. */
export type PlannedGroup = RewriteGroup<FileScanTask>;

/** The state of the table that a group was planned in, and is read in. */
export interface PlanningState {
  readonly table: LoadedTable;
  readonly snapshot: Snapshot;
}

/** Options of {@linkcode GroupRewriter.rewrite}. */
export interface RewriteGroupOptions {
  readonly state: PlanningState;
  readonly signal: AbortSignal;
}

/** Writes the rows of groups anew. */
export interface GroupRewriter {
  /**
   * The new data files, none where every row was deleted. Deletes that the tasks carry are applied.
   * Where it rejects, nothing that it wrote is left behind.
   */
  rewrite(group: PlannedGroup, options: RewriteGroupOptions): Promise<readonly DataFile[]>;
}

/** A group with the files that would take its place. */
export interface FinishedGroup {
  readonly group: PlannedGroup;
  readonly state: PlanningState;
  readonly added: readonly DataFile[];
}
