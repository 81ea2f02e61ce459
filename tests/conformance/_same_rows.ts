/** Compares the rows that two engines see, and shows no more of them than is needed. */
import assert from "node:assert/strict";

/** Rows shown of each side where they differ. */
const SHOWN = 3;

/** Both have the same rows, row by row. */
export function assertSameRows(
  found: readonly string[],
  expected: readonly string[],
  what: string,
): void {
  const differ = expected.flatMap((row, at) => row === found[at] ? [] : [at]).slice(0, SHOWN);
  const pick = (rows: readonly string[]) => differ.map((at) => `${at}: ${rows[at]}`);
  assert.deepEqual(
    { count: found.length, rows: pick(found) },
    { count: expected.length, rows: pick(expected) },
    `${what} gives other rows:\n${pick(found).join("\n")}\nwhere there are\n${
      pick(expected).join("\n")
    }\n(${found.length} against ${expected.length})`,
  );
}

/** Both have the same rows, in whatever order. */
export function assertSameRowSet(
  found: readonly string[],
  expected: readonly string[],
  what: string,
): void {
  const count = (rows: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
    return counts;
  };
  const [left, right] = [count(found), count(expected)];
  const more = (a: Map<string, number>, b: Map<string, number>) =>
    [...a].filter(([row, n]) => n > (b.get(row) ?? 0)).map(([row]) => row).sort().slice(0, SHOWN);
  const surplus = more(left, right);
  const missing = more(right, left);
  const isSame = surplus.length === 0 && missing.length === 0;
  assert(
    isSame,
    `${what} has rows that are not there:\n${surplus.join("\n")}\nand misses\n${
      missing.join("\n")
    }\n(${found.length} against ${expected.length})`,
  );
}
