/**
 * Rows of a file that were live under one state of its deletes and are not under another. Deletes that
 * both have are looked at once; where the others go by position, only their row groups are read.
 */
import type { RecordBatch } from "apache-arrow";
import { alwaysTrue } from "../../../iceberg/expression/expression.ts";
import type { DeleteFile } from "../../../iceberg/scan/delete_index.ts";
import { deleteKey } from "../../../iceberg/scan/plan_changes.ts";
import type { FileScanTask } from "../../../iceberg/scan/plan_files.ts";
import { filterRows } from "../../arrow/batch.ts";
import { newBitmap } from "../../arrow/bitmap.ts";
import type { DeleteLoader } from "../deletes/delete_loader.ts";
import type { PositionRange } from "../deletes/deleted_positions.ts";
import { loadRowFilter } from "../deletes/load_row_filter.ts";
import type { FilterAtWork } from "../deletes/row_filter.ts";
import { type ReadTaskOptions, schemasToSearch } from "../read_task.ts";
import { taskRows } from "../_task_rows.ts";

/** The same data file in two states. */
export interface TwoStates {
  /** In which the rows are live. */
  readonly live: FileScanTask;
  /** In which they are not. */
  readonly dead: FileScanTask;
}

/** The rows that are live in one state and dead in the other. */
export async function* changedRows(
  { live, dead }: TwoStates,
  options: ReadTaskOptions & { readonly deletes: DeleteLoader },
): AsyncGenerator<RecordBatch> {
  const killers = without(dead.deletes, live.deletes);
  // Without deletes that only the other state has, nothing is dead there alone.
  if (killers.length === 0) return;
  const load = (deletes: readonly DeleteFile[]) =>
    loadRowFilter({ dataFile: live.dataFile, deletes }, {
      loader: options.deletes,
      schemas: schemasToSearch(options.schema, options.metadata),
      residual: { expression: alwaysTrue, columns: [] },
      signal: options.signal,
    });
  const alive = await load(live.deletes);
  const killing = await load(killers);
  const positions = killing.parts.equality.length > 0 ? null : newPositions(killing, alive);
  if (positions?.length === 0) return;
  const holds = positions === null ? {} : {
    holds: (range: PositionRange) => hasWithin(positions, range),
  };
  const batches = taskRows(live, [alive, killing], { ...options, ...holds });
  for await (const { batch, live: [before = null, after = null] } of batches) {
    if (after === null) continue;
    const rows = filterRows(batch, { bits: andNot(before, after, batch.numRows) });
    if (rows.numRows > 0) yield rows;
  }
}

/** Delete files of one list that the other has not. */
function without(
  files: readonly DeleteFile[],
  others: readonly DeleteFile[],
): readonly DeleteFile[] {
  const keys = new Set(others.map(({ dataFile }) => deleteKey(dataFile)));
  return files.filter(({ dataFile }) => !keys.has(deleteKey(dataFile)));
}

/** Positions that are deleted by one filter and by none of the other's, ascending. */
function newPositions(killing: FilterAtWork, alive: FilterAtWork): Float64Array {
  const before = new Set<number>();
  for (const deleted of alive.parts.positions) {
    for (const position of deleted.positions()) before.add(position);
  }
  const found = new Set<number>();
  for (const deleted of killing.parts.positions) {
    for (const position of deleted.positions()) if (!before.has(position)) found.add(position);
  }
  return Float64Array.from(found).sort();
}

function hasWithin(sorted: Float64Array, { firstPosition, length }: PositionRange): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < firstPosition) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length && sorted[low]! < firstPosition + length;
}

/** Bits that are set in the first, null for all, and not in the second. */
function andNot(bits: Uint8Array | null, without: Uint8Array, length: number): Uint8Array {
  const result = newBitmap(length);
  for (let at = 0; 8 * at < length; at++) {
    const mask = 8 * at + 8 <= length ? 0xff : (1 << (length - 8 * at)) - 1;
    result[at] = (bits?.[at] ?? 0xff) & ~without[at]! & mask;
  }
  return result;
}
