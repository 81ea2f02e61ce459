/** A pin: somebody needs a table, and its snapshots from one of them on. */

/** Longest part of a display name that is shown, in characters. */
const MAX_NAME_CHARS = 100;

/** What a holder says of one table. */
export interface Pin {
  /** Who, for ever: `pipeline 0192…`. */
  readonly holder: string;
  /** What people call the holder. */
  readonly name: string;
  /** The identifier's dotted name, without the catalog. */
  readonly table: string;
  /** Null where the table has none. */
  readonly tableUuid: string | null;
  /** The oldest snapshot that is still needed; null where the table is used, but none of them is. */
  readonly snapshotId: bigint | null;
  /** When it ends by itself; null for as long as the holder runs. Milliseconds since the epoch. */
  readonly untilMs: number | null;
}

/** A pin as it is kept. */
export interface HeldPin extends Pin {
  /** The same while the holder keeps the pin without a break, however often it moves. */
  readonly id: number;
  readonly sinceMs: number;
  /** When it moved last. */
  readonly pinnedAtMs: number;
}

/** The holder as messages and receipts name it. */
export function describeHolder({ holder, name }: Pick<Pin, "holder" | "name">): string {
  return name === "" || name === holder ? holder : `${holder} (${name.slice(0, MAX_NAME_CHARS)})`;
}
