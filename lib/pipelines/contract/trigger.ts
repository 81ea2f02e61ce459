/** When a pipeline looks for news: the syntax of Spark's triggers. */
import { AppError } from "../../errors.ts";

/** A parsed trigger. */
export type Trigger =
  /** Every so often; 0 for as soon as there is data. */
  | { readonly kind: "interval"; readonly everyMs: number }
  /** Everything that there is at the start, in batches as large as they come, then it stops. */
  | { readonly kind: "once" }
  /** Everything that there is at the start, in batches as limits say, then it stops. */
  | { readonly kind: "available-now" };

/** Longest interval. */
const MAX_INTERVAL_MS = 7 * 24 * 3_600_000;

const UNITS: ReadonlyMap<string, number> = new Map([
  ["millisecond", 1],
  ["second", 1_000],
  ["minute", 60_000],
  ["hour", 3_600_000],
  ["day", 24 * 3_600_000],
  ["week", 7 * 24 * 3_600_000],
]);
const PART = /^([0-9]{1,12})\s+([a-z]+?)s?(?:\s+|$)/;
const SYNTAX =
  'Expected an interval such as "10 seconds", "1 minute" or "0 seconds", or "once", or "available-now"';

/** Parses `10 seconds`, `interval 1 minute 30 seconds`, `once`, `available-now`; errors are `invalid`. */
export function parseTrigger(text: string): Trigger {
  const plain = text.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if (plain === "once") return { kind: "once" };
  if (plain === "available-now" || plain === "availablenow") return { kind: "available-now" };
  let rest = plain.replace(/^interval /, "");
  let everyMs = 0;
  if (rest === "") throw invalidTrigger(SYNTAX);
  while (rest !== "") {
    const match = PART.exec(rest);
    const unit = UNITS.get(match?.[2] ?? "");
    if (match === null || unit === undefined) throw invalidTrigger(SYNTAX);
    everyMs += Number(match[1]) * unit;
    rest = rest.slice(match[0].length);
  }
  if (everyMs > MAX_INTERVAL_MS) throw invalidTrigger("Expected an interval of at most 7 days");
  return { kind: "interval", everyMs };
}

function invalidTrigger(message: string): AppError {
  return new AppError("invalid", "trigger_invalid", "Cannot use the trigger interval", {
    issues: [{ path: "trigger_interval", message }],
  });
}
