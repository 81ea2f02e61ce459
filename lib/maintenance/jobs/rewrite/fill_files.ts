/** Fills files with what a group was cut into: first the row groups that stay, then the parts. */
import { throwIfAborted } from "../../../abort.ts";
import { copyRowGroup, type EncodedRowGroup } from "../../../columnar/parquet/mod.ts";
import type { CopiedInput, CutInputs } from "./cut_inputs.ts";
import { openFile, planFile } from "./plan_file.ts";
import { remainders, type RollingFiles } from "./rolling_files.ts";
import type { TableContext } from "./table_context.ts";

/** Options of {@linkcode fillFiles}. */
export interface FillFilesOptions {
  readonly table: TableContext;
  /** Called for each part in turn; what was taken before is in its file. */
  readonly takePart: (at: number) => Promise<readonly EncodedRowGroup[]>;
  readonly signal: AbortSignal;
}

/** Fills files, up to `finish`. Errors are those of reading, encoding and writing. */
export async function fillFiles(
  files: RollingFiles,
  { copies, parts }: CutInputs,
  { table, takePart, signal }: FillFilesOptions,
): Promise<void> {
  const copied = copies.flatMap(({ rowGroups }) => rowGroups.map(({ bytes }) => bytes));
  const remaining = remainders([...copied, ...parts.map(({ bytes }) => bytes)]);
  let step = 0;
  for (const input of copies) {
    for await (const rowGroup of rowGroupsOf(input, table, signal)) {
      await files.copy(rowGroup, remaining[step++]!);
    }
  }
  for (const at of parts.keys()) {
    throwIfAborted(signal);
    await files.append(await takePart(at), remaining[step++]!);
  }
}

/** Files are opened again when it is their turn: footers of thousands would take much memory. */
async function* rowGroupsOf(
  { task: { dataFile }, rowGroups }: CopiedInput,
  table: TableContext,
  signal: AbortSignal,
) {
  const plan = planFile(await openFile(table.io, dataFile, signal), dataFile, table);
  if (plan === null) throw new TypeError(`Cannot copy from "${dataFile.filePath}" any more`);
  const { schema } = table;
  for (const { at } of rowGroups) yield await copyRowGroup(plan, at, { schema, signal });
}
