/** Operations as engines run them: planned on one snapshot, committed on whatever the table is then. */
import type { CommitAction } from "../../../../../lib/iceberg/commit/commit_action.ts";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { overwriteFiles } from "../../../../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { RemoveDanglingDeletes } from "../../../../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import {
  RewriteConflictError,
  rewriteFiles,
} from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { replacePartitions } from "../../../../../lib/iceberg/commit/snapshot/replace_partitions.ts";
import { RewriteManifests } from "../../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { eq } from "../../../../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import { isDeletionVector } from "../../../../../lib/iceberg/scan/delete_index.ts";
import type { ReadFile, Row, RowModel } from "./_row_model.ts";
import { deletionVector, equalityDeletes, positionDeletes, type TestTable } from "./_table.ts";

/** Regions of the table, each a partition. */
export const REGIONS = ["eu", "us"] as const;
/** Keys that rows have. */
export const KEYS = 6;

/** An operation that has read the table and is ready to be committed. */
export interface Planned {
  readonly action: CommitAction;
  /** Rows after the commit, given those right before it and the file that each is in. */
  readonly effect: (rows: readonly PlacedRow[]) => readonly Row[];
  /** A smaller operation for what a conflict has left untouched; null where there is none. */
  readonly withoutConflicts?: (error: unknown) => Planned | null;
}

/** A row and where it lies. */
export interface PlacedRow extends Row {
  readonly filePath: string;
}

/** Numbers that decide all choices of an operation. */
export interface Choice {
  readonly kind: typeof KINDS[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Kinds of operations. */
export const KINDS = [
  "append",
  "delete rows",
  "upsert",
  "compact",
  "delete files",
  "overwrite",
  "replace partition",
  "rewrite manifests",
  "remove dangling deletes",
] as const;

const UNCHANGED = (rows: readonly Row[]) => rows;

/** Plans an operation on the table as it is; null where it finds nothing to work on. */
export async function planOperation(
  table: TestTable,
  model: RowModel,
  choice: Choice,
): Promise<Planned | null> {
  const { currentSnapshotId } = table.metadata;
  const files = currentSnapshotId === null ? [] : await model.read(table, table.head);
  switch (choice.kind) {
    case "append":
      return append(model, choice);
    case "upsert":
      return upsert(model, choice, currentSnapshotId);
    case "delete rows":
      return deleteRows({ table, model, files }, choice);
    case "compact":
      return compact({ table, model, files }, choice);
    case "delete files":
      return deleteWhole(files, choice);
    case "overwrite":
      return overwrite(model, choice);
    case "replace partition":
      return replacePartition(model, choice);
    case "rewrite manifests":
      return { action: new RewriteManifests(), effect: UNCHANGED };
    case "remove dangling deletes":
      return { action: new RemoveDanglingDeletes(), effect: UNCHANGED };
  }
}

interface Reading {
  readonly table: TestTable;
  readonly model: RowModel;
  readonly files: readonly ReadFile[];
}

function append(model: RowModel, { a, b, c }: Choice): Planned {
  const region = pick(REGIONS, a);
  const rows = model.newRows(keysFrom(b, 1 + c % 4), region);
  const files = [model.addData(rows, region)];
  return {
    action: a % 2 === 0 ? mergeAppend({ files }) : fastAppend({ files }),
    effect: (before) => [...before, ...rows],
  };
}

function upsert(model: RowModel, { a, b, c }: Choice, start: bigint | null): Planned {
  const region = pick(REGIONS, a);
  const everywhere = b % 3 === 0;
  const keys = new Set(keysFrom(c, 1 + b % 3));
  const scope = everywhere ? { specId: 1, partition: [] } : { partition: [region] };
  const file = equalityDeletes(model.newName(), { ...scope, recordCount: keys.size });
  const rows = c % 2 === 0 ? model.newRows([...keys], region) : [];
  return {
    action: rowDelta({
      rows: rows.length === 0 ? [] : [model.addData(rows, region)],
      deletes: [model.addDeletes(file, { keys })],
      startingSnapshotId: start,
    }),
    effect: (before) => [
      ...before.filter((row) => !(keys.has(row.key) && (everywhere || row.region === region))),
      ...rows,
    ],
  };
}

function deleteRows({ table, model, files }: Reading, { a, b, c }: Choice): Planned | null {
  const target = pick(files, a);
  if (target === undefined) return null;
  const { task, rows } = target;
  const { dataFile: data } = task;
  const size = model.sizeOf(data);
  const chosen = new Set([b % size, c % size]);
  const ids = new Set([...chosen].flatMap((position) => rows.get(position)?.id ?? []));
  const isV3 = table.metadata.formatVersion === 3;
  const positions = new Set(chosen);
  // A vector holds every deleted position of its file; older position deletes are taken over.
  for (const one of isV3 ? task.deletes.map((each) => each.dataFile) : []) {
    if (one.content === "equality_deletes") continue;
    for (const position of model.positionsOf(one, data.filePath)) positions.add(position);
  }
  const file = isV3
    ? deletionVector(model.newName(), data, 4)
    : positionDeletes(model.newName(), data, b % 2 === 0 ? {} : { referencedDataFile: null });
  const deletes = [model.addDeletes(file, { positions: new Map([[data.filePath, positions]]) })];
  return {
    action: rowDelta({
      deletes,
      referencedDataFiles: [data.filePath],
      startingSnapshotId: table.head.snapshotId,
    }),
    effect: (before) => before.filter((row) => !ids.has(row.id)),
  };
}

/** Rewrites files one by one, so that those without conflict can be committed alone. */
function compact({ table, model, files }: Reading, { a, b, c }: Choice): Planned | null {
  const region = pick(REGIONS, a);
  const chosen = files.filter(({ task }, i) =>
    task.dataFile.partition[0] === region && (b >> i) % 2 === 0
  );
  if (chosen.length === 0) return null;
  const { snapshotId, sequenceNumber } = table.head;
  const pairs = chosen.map(({ task, rows }) => ({
    task,
    made: rows.size === 0 ? null : model.addData([...rows.values()], region),
  }));
  const keepsAge = c % 2 === 0;
  const plan = (some: typeof pairs): Planned => ({
    action: rewriteFiles({
      replaced: some.map(({ task }) => task),
      added: some.flatMap(({ made }) => made ?? []),
      // Vectors go by themselves; other deletes of one file may be named, or left to dangle.
      replacedDeletes: c % 3 === 0 ? namedDeletes(some.map(({ task }) => task)) : [],
      startingSnapshotId: snapshotId,
      ...(keepsAge ? { dataSequenceNumber: sequenceNumber } : {}),
    }),
    effect: UNCHANGED,
    withoutConflicts: (error) => {
      if (!(error instanceof RewriteConflictError)) return null;
      const touched = new Set(error.conflicts.map((conflict) => conflict.filePath));
      const rest = some.filter(({ task }) => !touched.has(task.dataFile.filePath));
      return rest.length === 0 || rest.length === some.length ? null : plan(rest);
    },
  });
  return plan(pairs);
}

/** Deletes that are for one data file only, and go with it. */
function namedDeletes(tasks: readonly ReadFile["task"][]): { readonly dataFile: DataFile }[] {
  return tasks.flatMap((task) => task.deletes).filter(({ dataFile: file }) =>
    file.content === "position_deletes" && file.referencedDataFile !== null &&
    !isDeletionVector(file)
  );
}

function deleteWhole(files: readonly ReadFile[], { a, b }: Choice): Planned | null {
  const target = pick(files, a)?.task.dataFile;
  if (target === undefined) return null;
  return {
    action: b % 2 === 0
      ? deleteFiles({ files: [{ dataFile: target }] })
      : deleteFiles({ paths: [target.filePath] }),
    effect: (before) => before.filter((row) => row.filePath !== target.filePath),
  };
}

function overwrite(model: RowModel, { a, b, c }: Choice): Planned {
  const region = pick(REGIONS, a);
  const rows = b % 2 === 0 ? model.newRows(keysFrom(c, 2), region) : [];
  return {
    action: overwriteFiles({
      where: eq("region", region),
      add: rows.length === 0 ? [] : [model.addData(rows, region)],
    }),
    effect: (before) => [...before.filter((row) => row.region !== region), ...rows],
  };
}

function replacePartition(model: RowModel, { a, b, c }: Choice): Planned {
  const region = pick(REGIONS, a);
  const rows = model.newRows(keysFrom(c, 1 + b % 3), region);
  return {
    action: replacePartitions({ files: [model.addData(rows, region)] }),
    effect: (before) => [...before.filter((row) => row.region !== region), ...rows],
  };
}

function keysFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (first + i) % KEYS);
}

function pick<T>(items: readonly [T, ...T[]], at: number): T;
function pick<T>(items: readonly T[], at: number): T | undefined;
function pick<T>(items: readonly T[], at: number): T | undefined {
  return items[at % Math.max(1, items.length)];
}
