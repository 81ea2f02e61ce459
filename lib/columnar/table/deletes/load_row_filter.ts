/** Makes the filter of a data file's rows from the deletes that its scan task lists. */
import { type AppError, corruptData, displayPath } from "../../../errors.ts";
import type { BoundExpression } from "../../../iceberg/expression/bound.ts";
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { type NeededColumn, neededColumn } from "../needed_column.ts";
import type { DeleteLoader } from "./delete_loader.ts";
import type { DeletedPositions } from "./deleted_positions.ts";
import type { KeySet } from "./key_set.ts";
import { checkEqualityColumn } from "./load_equality_keys.ts";
import type { EqualityDeletes, FilterAtWork } from "./row_filter.ts";

/** Options of {@linkcode loadRowFilter}. */
export interface LoadRowFilterOptions {
  readonly loader: DeleteLoader;
  /** Where the columns of equality deletes are looked for: they may have been dropped since. */
  readonly schemas: readonly Schema[];
  readonly residual: {
    readonly expression: BoundExpression;
    readonly columns: readonly NeededColumn[];
  };
  readonly signal?: AbortSignal | undefined;
}

/** Loads the deletes of a task. */
export async function loadRowFilter(
  task: Pick<FileScanTask, "dataFile" | "deletes">,
  options: LoadRowFilterOptions,
): Promise<FilterAtWork> {
  const { loader, schemas, residual, signal } = options;
  const positions: DeletedPositions[] = [];
  const groups = new Map<string, { columns: readonly NeededColumn[]; sets: KeySet[] }>();
  for (const { dataFile: file } of task.deletes) {
    if (file.content === "equality_deletes") {
      const columns = equalityColumns(file, schemas);
      const key = columns.map(({ id }) => id).join(",");
      const group = groups.get(key) ?? { columns, sets: [] };
      groups.set(key, group);
      const set = await loader.equalityKeys(file, columns, signal);
      if (set.size > 0) group.sets.push(set);
    } else {
      const found = await loader.positionsIn(file, task.dataFile.filePath, signal);
      if (found !== null) positions.push(found);
    }
  }
  const equality: readonly EqualityDeletes[] = [...groups.values()]
    .filter(({ sets }) => sets.length > 0);
  return {
    parts: { positions, equality, residual: residual.expression },
    residualColumns: residual.columns,
  };
}

/** The columns by which a file deletes, in the order of their ids. */
function equalityColumns(file: DataFile, schemas: readonly Schema[]): readonly NeededColumn[] {
  const ids = new Set(file.equalityIds ?? []);
  // Without columns, all rows would be equal.
  if (ids.size === 0) throw namesNoColumn(file);
  return [...ids].sort((a, b) => a - b)
    .map((id) => checkEqualityColumn(neededColumn(schemas, id), file));
}

function namesNoColumn({ filePath }: DataFile): AppError {
  return corruptData(
    "delete_file_malformed",
    `Cannot apply delete file "${displayPath(filePath)}": it names no columns to compare`,
    { context: { location: filePath } },
  );
}
