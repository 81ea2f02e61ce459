/** Operations that servers are killed in: how each is asked for, and how its effect is told. */
import { join } from "node:path/posix";
import {
  APPEND_ROWS,
  APPENDS,
  type Place,
  rowsOf,
  type SeenTable,
  type Sight,
} from "./_kill_bed.ts";
import type { Window } from "./_kill_moments.ts";

/** A request of an operation; see `ask`. */
export interface KillRequest {
  readonly path: string;
  readonly body: unknown;
}

/** One kind of operation. */
export interface KillOperation {
  readonly name: string;
  /** Those that share it have their windows counted together. */
  readonly group: string;
  /** Windows that kills must have fallen into. */
  readonly windows: readonly Window[];
  /** Changes the table that was put back. */
  readonly arrange?: (place: Place) => Promise<void>;
  readonly request: (place: Place, before: SeenTable) => KillRequest;
  /** What the table reads as when the operation has come through; null for no table. */
  readonly after: (before: SeenTable, now: Sight) => Partial<SeenTable> | null;
  /** Deletes files that nothing leads to, or leaves such by design. */
  readonly touchesOrphans?: true;
}

/** Orphans that are laid out for the operation that removes them. */
const PLANTED = 60;
const LONG_AGO = new Date("2020-01-01T00:00:00Z");

const WRITES: readonly Window[] = ["untouched", "data", "metadata", "committed", "answered"];
const CHANGES: readonly Window[] = ["untouched", "committed", "answered"];
const DELETES: readonly Window[] = ["untouched", "deleting", "answered"];

/** All kinds. */
export const KILL_OPERATIONS: readonly KillOperation[] = [
  {
    name: "append",
    group: "append",
    windows: WRITES,
    request: ({ table }) => ({ path: `/table/${table}/append`, body: rowsOf(APPENDS) }),
    after: (before, now) => ({
      snapshots: withNewest(before, now, "append"),
      current: newestOf(now),
      ids: [[0, (APPENDS + 1) * APPEND_ROWS]],
    }),
  },
  {
    name: "compact",
    group: "compact",
    windows: WRITES,
    request: ({ table }) => ({ path: "/compact", body: { table } }),
    after: rewritten,
  },
  {
    name: "expire",
    group: "expire",
    windows: ["untouched", "committed", "deleting", "answered"],
    request: ({ table }) => ({
      path: "/expire",
      body: { table, retain_last: 1, older_than: "2100-01-01T00:00:00Z" },
    }),
    after: (before) => ({ snapshots: before.snapshots.slice(-1) }),
  },
  evolution("add-column", { name: "extra", type: "double" }, (columns) => [
    ...columns,
    [6, "extra", "double"],
  ]),
  evolution(
    "rename-column",
    { old_name: "name", new_name: "label" },
    (columns) => columns.map(([id, name, type]) => [id, name === "name" ? "label" : name, type]),
  ),
  evolution("drop-column", { name: "note" }, (columns) => columns.filter(([id]) => id !== 4)),
  evolution(
    "update-column",
    { name: "score", type: "bigint", first: true },
    (columns) => [[5, "score", "long"], ...columns.filter(([id]) => id !== 5)],
  ),
  {
    name: "rewrite-manifests",
    group: "rewrite-manifests",
    windows: ["untouched", "metadata", "committed", "answered"],
    request: ({ table }) => ({ path: "/rewrite-manifests", body: { table } }),
    after: rewritten,
  },
  {
    name: "rollback",
    group: "rollback",
    windows: CHANGES,
    request: ({ table }, { snapshots }) => ({
      path: "/rollback",
      body: { table, snapshot_id: snapshots.at(-3)![0] },
    }),
    after: ({ snapshots }) => ({
      current: snapshots.at(-3)![0],
      ids: [[0, (APPENDS - 2) * APPEND_ROWS]],
    }),
  },
  {
    name: "remove-orphans",
    group: "remove-orphans",
    windows: DELETES,
    arrange: plantOrphans,
    request: ({ table }) => ({ path: "/remove-orphans", body: { table } }),
    after: () => ({}),
    touchesOrphans: true,
  },
  {
    name: "drop-table",
    group: "drop-table",
    windows: DELETES,
    request: ({ table }) => ({ path: `/table/${table}?purge=true`, body: null }),
    after: () => null,
    touchesOrphans: true,
  },
];

type Columns = SeenTable["columns"];

function evolution(
  name: string,
  change: Readonly<Record<string, unknown>>,
  columns: (before: Columns) => Columns,
): KillOperation {
  return {
    name,
    group: "evolve",
    windows: CHANGES,
    request: ({ table }) => ({ path: `/evolve/${name}`, body: { table, ...change } }),
    after: (before) => ({ columns: columns(before.columns) }),
  };
}

/** Another snapshot, and the same rows. */
function rewritten(before: SeenTable, now: Sight): Partial<SeenTable> {
  return { snapshots: withNewest(before, now, "replace"), current: newestOf(now) };
}

function newestOf({ table }: Sight): string | null {
  return table?.snapshots.at(-1)?.[0] ?? null;
}

/** The id is the server's to choose. */
function withNewest(before: SeenTable, now: Sight, operation: string): SeenTable["snapshots"] {
  return [...before.snapshots, [newestOf(now) ?? "", operation]];
}

async function plantOrphans({ folder }: Place): Promise<void> {
  for (let n = 0; n < PLANTED; n++) {
    const at = n % 3 === 0 ? "metadata" : `data/part=${n % 4}`;
    const path = join(folder, at, n % 3 === 0 ? `orphan-${n}-m0.avro` : `orphan-${n}.parquet`);
    await Deno.writeTextFile(path, "nobody's");
    await Deno.utime(path, LONG_AGO, LONG_AGO);
  }
}
