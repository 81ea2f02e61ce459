/** Tables of events, alike whether Spark or PyIceberg makes them and writes into them. */
import type { StreamLake } from "./stream_bed.ts";

/** Their columns, in order. */
export const EVENT_COLUMNS = ["id", "k", "name", "ts", "amount", "st"] as const;

const DEFINITION = "id BIGINT NOT NULL, k INT, name STRING, ts TIMESTAMP, amount DECIMAL(10,2), " +
  "st STRUCT<a: INT, c: STRING>";

/** How Spark changes rows. */
export type RowMode = "copy-on-write" | "merge-on-read";

/** Options of {@linkcode createEvents}. */
export interface EventsOptions {
  readonly version?: 2 | 3;
  /** Transforms as Spark writes them. */
  readonly partitionBy?: readonly string[];
  readonly mode?: RowMode;
}

/** Spark makes a table. */
export async function createEvents(
  lake: StreamLake,
  table: string,
  { version = 2, partitionBy = [], mode }: EventsOptions = {},
): Promise<void> {
  const properties = [`'format-version'='${version}'`];
  for (const verb of mode === undefined ? [] : ["delete", "update", "merge"]) {
    properties.push(`'write.${verb}.mode'='${mode}'`);
  }
  const parts = partitionBy.length === 0 ? "" : ` PARTITIONED BY (${partitionBy.join(", ")})`;
  await lake.spark(
    `CREATE TABLE ${table} (${DEFINITION}) USING iceberg${parts} TBLPROPERTIES (${properties})`,
  );
}

/** Rows by their numbers. */
export interface EventRange {
  readonly first: number;
  readonly count: number;
  /** What `k` is the rest of a division by; 7 where it is not given. */
  readonly keys?: number;
}

/** A query of Spark's for rows. */
export function eventRows({ first, count, keys = 7 }: EventRange): string {
  return `SELECT id, CAST(id % ${keys} AS INT) k, ` +
    "IF(id % 5 = 0, NULL, concat('n', id % 11)) name, " +
    "timestamp '2024-02-27 22:00:00' + make_interval(0,0,0,0,CAST(id AS INT)) ts, " +
    "CAST(id * 1.25 - 40 AS DECIMAL(10,2)) amount, " +
    "IF(id % 6 = 0, NULL, named_struct('a', CAST(id % 3 AS INT), 'c', concat('c', id))) st " +
    `FROM range(${first}, ${first + count}) AS r(id)`;
}

/** Spark appends rows. */
export async function insertEvents(
  lake: StreamLake,
  table: string,
  range: EventRange,
): Promise<void> {
  await lake.spark(`INSERT INTO ${table} ${eventRows(range)}`);
}

/** Both engines append by turns, where both can; as many rows each time, with numbers that grow. */
export async function appendByTurns(
  lake: StreamLake,
  table: string,
  { rounds, rows, first = 0, keys }: {
    readonly rounds: number;
    readonly rows: number;
    readonly first?: number;
    readonly keys?: number;
  },
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const range = {
      first: first + round * rows,
      count: rows,
      ...(keys === undefined ? {} : { keys }),
    };
    if (lake.isPyIcebergs && round % 2 === 1) {
      await lake.pyiceberg("append", table, range.first, range.count, keys ?? null);
    } else await insertEvents(lake, table, range);
  }
}
