/** How often and how long a transaction tries, by the table's own properties. */
import type { CommitRuntime } from "./commit_runtime.ts";
import { integerProperty } from "./_properties.ts";

/** Bounds of a series of tries. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly numRetries: number;
  readonly minWaitMs: number;
  readonly maxWaitMs: number;
  /** No further try begins after this long. */
  readonly totalTimeoutMs: number;
}

const COMMIT_DEFAULTS: RetryPolicy = {
  numRetries: 4,
  minWaitMs: 100,
  maxWaitMs: 60_000,
  totalTimeoutMs: 1_800_000,
};
const STATUS_DEFAULTS: RetryPolicy = { ...COMMIT_DEFAULTS, numRetries: 3, minWaitMs: 1_000 };

type Properties = Readonly<Record<string, string>>;

/** `commit.retry.*`: how often a commit that lost a race is made anew. */
export function commitRetryPolicy(properties: Properties): RetryPolicy {
  return readPolicy(properties, { prefix: "commit.retry.", defaults: COMMIT_DEFAULTS });
}

/** `commit.status-check.*`: how often it is looked whether a commit without a reply came through. */
export function statusCheckPolicy(properties: Properties): RetryPolicy {
  return readPolicy(properties, { prefix: "commit.status-check.", defaults: STATUS_DEFAULTS });
}

/**
 * The wait before try `retry` (1 for the first repetition): doubled each time, and shortened by
 * chance to between half and all of it, so that writers who collided do not collide again.
 */
export function waitBefore(
  retry: number,
  policy: RetryPolicy,
  runtime: CommitRuntime,
): number {
  const doubled = policy.minWaitMs * 2 ** Math.min(retry - 1, 52);
  const wait = Math.min(doubled, policy.maxWaitMs);
  const fraction = Number(runtime.randomLong() >> 10n) / 2 ** 53;
  return Math.ceil(wait / 2 + fraction * wait / 2);
}

function readPolicy(
  properties: Properties,
  { prefix, defaults }: { readonly prefix: string; readonly defaults: RetryPolicy },
): RetryPolicy {
  const read = (key: string) => integerProperty(properties, prefix + key);
  return {
    numRetries: read("num-retries") ?? defaults.numRetries,
    minWaitMs: read("min-wait-ms") ?? defaults.minWaitMs,
    maxWaitMs: read("max-wait-ms") ?? defaults.maxWaitMs,
    totalTimeoutMs: read("total-timeout-ms") ?? defaults.totalTimeoutMs,
  };
}
