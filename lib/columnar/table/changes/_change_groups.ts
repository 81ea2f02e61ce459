/** Changed files by partition: rows that are equal lie in one, so that each can be compared by itself. */
import { type ChangePlan, deleteKey } from "../../../iceberg/scan/plan_changes.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import { partitionKey } from "../../../iceberg/spec/partition_key.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { TwoStates } from "./_changed_rows.ts";

/** Rows of some files: all live ones of tasks, and those of files that changed. */
export interface ChangeSide {
  readonly tasks: FileScanTask[];
  readonly changed: TwoStates[];
}

/** Files whose rows may be equal to one another. */
export interface ChangeGroup {
  readonly deleted: ChangeSide;
  readonly inserted: ChangeSide;
}

/** The groups, in the order of their first file. */
export function groupChanges(plan: ChangePlan, schema: Schema): readonly ChangeGroup[] {
  const groups = new Map<string, ChangeGroup>();
  const isSplit = tellsPartitions(plan, schema);
  const groupOf = ({ dataFile }: FileScanTask): ChangeGroup => {
    const key = isSplit ? partitionKey(dataFile.specId, dataFile.partition) : "";
    const known = groups.get(key) ?? {
      deleted: { tasks: [], changed: [] },
      inserted: { tasks: [], changed: [] },
    };
    groups.set(key, known);
    return known;
  };
  for (const task of plan.removed) groupOf(task).deleted.tasks.push(task);
  for (const task of plan.added) groupOf(task).inserted.tasks.push(task);
  for (const { before, after } of plan.changed) {
    const { deleted, inserted } = groupOf(after);
    deleted.changed.push({ live: before, dead: after });
    inserted.changed.push({ live: after, dead: before });
  }
  return [...groups.values()];
}

/** Rows of a side, at most. */
export function rowsAtMost({ tasks, changed }: ChangeSide): number {
  const whole = tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  return changed.reduce((sum, states) => sum + changedAtMost(states), whole);
}

function changedAtMost({ live, dead }: TwoStates): number {
  const keys = new Set(live.deletes.map(({ dataFile }) => deleteKey(dataFile)));
  const killers = dead.deletes.filter(({ dataFile }) => !keys.has(deleteKey(dataFile)));
  const { recordCount } = live.dataFile;
  let rows = 0;
  for (const { dataFile } of killers) {
    // A delete by value may be for every row.
    rows += dataFile.content === "position_deletes" ? dataFile.recordCount : recordCount;
  }
  return Math.min(rows, recordCount);
}

/** Whether equal rows of the schema are always in equal partitions. */
function tellsPartitions({ removed, added, changed }: ChangePlan, schema: Schema): boolean {
  const tasks = [...removed, ...added, ...changed.map(({ after }) => after)];
  const specs = new Map(tasks.map(({ spec }) => [spec.specId, spec]));
  const [only, ...others] = specs.values();
  if (only === undefined || others.length > 0) return false;
  return only.fields.every(({ transform, sourceIds }) =>
    transform.kind === "void" ||
    (transform.kind !== "unknown" && sourceIds.every((id) => schema.findById(id) !== undefined))
  );
}
