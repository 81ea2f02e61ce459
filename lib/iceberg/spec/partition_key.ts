/** Equality of partitions (spec: "Scan Planning", notes 3 and 4), as text to look up by. */
import type { IcebergValue } from "./types.ts";

/**
 * A key that two files share exactly if they have the same spec and equal partition values.
 * Integers of either width are equal by value, floats by bits with all NaN being one, so that
 * -0.0 and 0.0 differ.
 */
export function partitionKey(specId: number, partition: readonly IcebergValue[]): string {
  let key = String(specId);
  for (const value of partition) key += `|${valueKey(value)}`;
  return key;
}

function valueKey(value: IcebergValue): string {
  switch (typeof value) {
    case "string":
      // The length keeps a separator inside one value from looking like two values.
      return `s${value.length}:${value}`;
    case "number":
      return Object.is(value, -0) ? "n-0" : `n${value}`;
    case "bigint":
      return `n${value}`;
    case "boolean":
      return `b${value}`;
  }
  if (value === null) return "null";
  if (value instanceof Uint8Array) return `x${value.toHex()}`;
  return `[${value.map(valueKey).join(",")}]`;
}
