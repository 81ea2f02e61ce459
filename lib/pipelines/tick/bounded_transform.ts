/**
 * A transform that may compute for so long and no longer over one batch. Each step of the engine is
 * bounded by itself; a query of endlessly many would keep its pipeline, and a turn, for an hour.
 */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Transform } from "../../sql/mod.ts";

/** Time that a transform may compute over one batch, in milliseconds. */
export const MAX_TRANSFORM_MS = 10 * 60_000;

/** Options of {@linkcode boundedTransform}. */
export interface BoundedTransformOptions {
  readonly limitMs?: number;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * The transform, whose runs fail with `too_large`/`transform_too_slow` once they have computed for
 * `limitMs` in all. Reading the batch and writing what comes out do not count.
 */
export function boundedTransform(
  transform: Transform,
  { limitMs = MAX_TRANSFORM_MS, now = () => performance.now() }: BoundedTransformOptions = {},
): Transform {
  const budget = new Budget(limitMs, now);
  return { ...transform, run: (batches, signal) => run(transform, { batches, signal, budget }) };
}

async function* run(
  transform: Transform,
  { batches, signal, budget }: {
    readonly batches: AsyncIterable<RecordBatch>;
    readonly signal: AbortSignal;
    readonly budget: Budget;
  },
): AsyncGenerator<RecordBatch> {
  const both = AbortSignal.any([signal, budget.spent]);
  const rows = transform.run(read(batches, budget), both);
  try {
    while (true) {
      budget.spend();
      const next = await rows.next().finally(() => budget.rest());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rows.return(undefined);
  }
}

async function* read(
  batches: AsyncIterable<RecordBatch>,
  budget: Budget,
): AsyncGenerator<RecordBatch> {
  budget.rest();
  for await (const batch of batches) {
    budget.spend();
    yield batch;
    budget.rest();
  }
  budget.spend();
}

/** Time that runs down while something computes. */
class Budget {
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #over = new AbortController();
  #leftMs: number;
  #since: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limitMs: number, now: () => number) {
    this.#limitMs = limitMs;
    this.#now = now;
    this.#leftMs = limitMs;
  }

  /** Fires when there is none left. */
  get spent(): AbortSignal {
    return this.#over.signal;
  }

  spend(): void {
    this.rest();
    this.#since = this.#now();
    const end = () => this.#over.abort(tooSlow(this.#limitMs));
    if (this.#leftMs <= 0) end();
    else this.#timer = setTimeout(end, this.#leftMs);
  }

  rest(): void {
    clearTimeout(this.#timer);
    if (this.#since !== null) this.#leftMs -= this.#now() - this.#since;
    this.#since = null;
  }
}

function tooSlow(limitMs: number): AppError {
  const seconds = Math.ceil(limitMs / 1000);
  const message = `Cannot run the transform: it computed for ${seconds} seconds over one batch. ` +
    "Simplify it, or set max_rows_per_batch or max_bytes_per_batch lower";
  return new AppError("too_large", "transform_too_slow", message);
}
