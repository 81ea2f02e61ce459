/**
 * Slows down guessing: counts failures by key and says how long to wait after too many. Successes
 * are never counted.
 *
 * One number per key (the "theoretical arrival time" of the generic cell rate algorithm).
 */
import type { Clock } from "../clock.ts";

/** Most keys that are remembered; the longest quiet ones are forgotten first. */
export const MAX_TRACKED_KEYS = 10_000;

/** How many failures in a row are answered as what they are. */
export const FAILURE_BURST = 10;

/** Each such span forgives one failure. */
export const FAILURE_INTERVAL_MS = 6_000;

/** Options of {@linkcode FailureLimit}. */
export interface FailureLimitOptions {
  readonly clock: Clock;
  readonly burst?: number;
  readonly intervalMs?: number;
  readonly maxKeys?: number;
}

/** Failures by key, within bounded memory. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #toleranceMs: number;
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  /** When each key would be even again; in order of the last counted failure. */
  readonly #evenAtMs = new Map<string, number>();

  constructor(options: FailureLimitOptions) {
    const { burst = FAILURE_BURST, intervalMs = FAILURE_INTERVAL_MS } = options;
    this.#clock = options.clock;
    this.#intervalMs = intervalMs;
    this.#toleranceMs = (burst - 1) * intervalMs;
    this.#maxKeys = options.maxKeys ?? MAX_TRACKED_KEYS;
  }

  /** Counts a failure; null while within the limit, otherwise the seconds to wait. */
  fail(key: string): number | null {
    const waitSeconds = this.wait(key);
    if (waitSeconds !== null) return waitSeconds;
    const nowMs = this.#clock.now();
    const evenAtMs = Math.max(nowMs, this.#evenAtMs.get(key) ?? nowMs);
    this.#evenAtMs.delete(key);
    this.#evenAtMs.set(key, evenAtMs + this.#intervalMs);
    if (this.#evenAtMs.size > this.#maxKeys) {
      const [oldest] = this.#evenAtMs.keys();
      if (oldest !== undefined) this.#evenAtMs.delete(oldest);
    }
    return null;
  }

  /** How many seconds a key must wait; null while it is within the limit. */
  wait(key: string): number | null {
    const nowMs = this.#clock.now();
    const allowedAtMs = (this.#evenAtMs.get(key) ?? nowMs) - this.#toleranceMs;
    return nowMs < allowedAtMs ? Math.ceil((allowedAtMs - nowMs) / 1000) : null;
  }

  /** Keys that are remembered now. */
  get trackedKeys(): number {
    return this.#evenAtMs.size;
  }
}

/** A client's address as a key: one IPv6 customer holds a whole /64. */
export function addressKey(address: string): string {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "");
  if (!plain.includes(":")) return `address ${plain}`;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return `address ${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}
