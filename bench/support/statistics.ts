/** Order statistics of measured times. */

/** The value that `percent` % of `values` do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1);
  const value = sorted[Math.max(0, index)];
  if (value === undefined) throw new RangeError("Cannot take a percentile of no values");
  return value;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** `12.3 ms`. */
export function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}
