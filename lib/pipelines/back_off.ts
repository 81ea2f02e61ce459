/** How long a pipeline that failed waits before it tries again, and when it gives up. */
import { AppError } from "../errors.ts";

/** First wait, in milliseconds; each further one is twice as long. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** How long an outage of a store or a catalog is waited for, in milliseconds. */
const MAX_OUTAGE_MS = 3_600_000;
/** Tries of what has failed without a known reason, before a person has to look at it. */
const MAX_TRIES = 6;

/** Failures since the last batch that came through. */
export interface Failures {
  readonly count: number;
  /** When the first of them was, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** What to do after a failure. */
export type Verdict =
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "give_up" };

/**
 * `unavailable` outages are waited for, for an hour; what a person must change is given up at once;
 * anything else is tried a few times. `random` is from 0 to 1: pipelines that failed together do not
 * come back together.
 */
export function afterFailure(
  error: unknown,
  { failures, nowMs, random }: {
    readonly failures: Failures;
    readonly nowMs: number;
    readonly random: number;
  },
): Verdict {
  const patience = patienceWith(error);
  const isOver = patience === "none" ||
    (patience === "outage"
      ? nowMs - failures.sinceMs >= MAX_OUTAGE_MS
      : failures.count >= MAX_TRIES);
  if (isOver) return { kind: "give_up" };
  const longest = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures.count - 1, 16));
  return { kind: "wait", waitMs: Math.round(longest * (0.5 + random / 2)) };
}

function patienceWith(error: unknown): "none" | "tries" | "outage" {
  if (!(error instanceof AppError)) return "tries";
  // A step of SQL that took all its time: a busy machine may be the reason, an outage is not.
  if (error.code === "query_cut_off") return "tries";
  switch (error.kind) {
    case "unavailable":
      return error.retryable ? "outage" : "tries";
    case "rate_limited":
    case "deadline_exceeded":
    case "commit_state_unknown":
      return "outage";
    case "conflict":
      return error.retryable ? "outage" : "none";
    // Credentials that are being exchanged, and isolates that were lost.
    case "unauthenticated":
    case "forbidden":
    case "cancelled":
    case "internal":
      return "tries";
    default:
      return "none";
  }
}
