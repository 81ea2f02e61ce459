/**
 * The pipelines whose servers are killed. All read one table; what each makes of it is such that
 * `pyiceberg_whole.py` can tell a wrong row from a right one, as in the source.
 */
import type { LakeType } from "./_lake.ts";

/** The table that they read. */
export const SOURCE = "db.source";

/** One pipeline. */
export interface Flow {
  readonly sink: string;
  /** Beside the tables and the checkpoint. */
  readonly options: (type: LakeType) => Readonly<Record<string, unknown>>;
  /** Ids of the rows that the sink has once it has everything. */
  readonly expected: (ids: ReadonlySet<number>) => ReadonlySet<number>;
  /** Rows that are written on the way, of those that were read. */
  readonly outputRows: (ids: ReadonlySet<number>) => number;
}

/** Metadata files by which the history of a sink can be told from one check to the next. */
export const KEPT_METADATA = 2_000;
const PROPERTIES = { "write.metadata.previous-versions-max": String(KEPT_METADATA) };

/** Everything is computed anew from the id, and a third of the rows is left out. */
const TRANSFORM = `
  SELECT id, id & 3 AS part, 'n' || id AS name, 'note' || (id & 7) AS note,
    CAST(id & 1023 AS INTEGER) AS score
  FROM batch WHERE id % 3 <> 0`;
/** Rows of one key are as far apart as there are scores. */
const KEYS = 1024;

/** All of them. */
export const FLOWS: readonly Flow[] = [
  {
    sink: "db.plain",
    options: () => ({ transform: TRANSFORM, sink_properties: PROPERTIES }),
    expected: (ids) => idsWithout3(ids),
    outputRows: (ids) => idsWithout3(ids).size,
  },
  {
    sink: "db.parts",
    // An append adds four files: ticks end in the middle of it.
    options: () => ({
      max_files_per_batch: 3,
      sink_partition_by: ["part"],
      sink_properties: PROPERTIES,
    }),
    expected: (ids) => ids,
    outputRows: (ids) => ids.size,
  },
  {
    sink: "db.keys",
    options: (type) => ({
      write_mode: "upsert",
      key_columns: ["score"],
      max_files_per_batch: 8,
      sink_format_version: type === "hadoop" ? 3 : 2,
      sink_properties: PROPERTIES,
    }),
    expected: newestOfEachKey,
    outputRows: (ids) => ids.size,
  },
];

function idsWithout3(ids: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...ids].filter((id) => id % 3 !== 0));
}

/** Appends come one after the other, in the order of their ids. */
function newestOfEachKey(ids: ReadonlySet<number>): ReadonlySet<number> {
  const newest = new Map<number, number>();
  for (const id of ids) newest.set(id % KEYS, Math.max(id, newest.get(id % KEYS) ?? id));
  return new Set(newest.values());
}
