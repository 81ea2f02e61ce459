/**
 * A pool of isolates that can be exchanged. Isolates get their permissions when they start, so another
 * configuration gets other isolates; the old ones end with the work they had begun.
 */
import { InFlight } from "../lib/in_flight.ts";

/** A pool whose isolates end with it. */
export interface ClosablePool {
  close(): void;
}

interface Lease<P> {
  readonly pool: P;
  readonly key: string;
  readonly work: InFlight;
}

/** One figure of several pools. */
export function sumOf<S>(stats: readonly S[], pick: (one: S) => number): number {
  return stats.reduce((sum, one) => sum + pick(one), 0);
}

/** The pool in use, and those before it that still work. */
export class CurrentPool<P extends ClosablePool> {
  readonly #open: (permissions: Deno.PermissionOptionsObject) => P;
  readonly #retiring = new Set<Lease<P>>();
  #current: Lease<P>;

  /** `open` starts nothing yet. */
  constructor(
    open: (permissions: Deno.PermissionOptionsObject) => P,
    permissions: Deno.PermissionOptionsObject,
  ) {
    this.#open = open;
    this.#current = this.#lease(permissions);
  }

  /** The pool that new work goes to. */
  get pool(): P {
    return this.#current.pool;
  }

  /** The pool in use, and those before it that still work. */
  get pools(): readonly P[] {
    return [this.#current, ...this.#retiring].map(({ pool }) => pool);
  }

  /** Runs work on the pool in use, which stays until it settles. */
  use<T>(fn: (pool: P) => Promise<T>): Promise<T> {
    const { pool, work } = this.#current;
    const running = fn(pool);
    work.track(running);
    return running;
  }

  /** Works from now on with isolates of these permissions; the same ones change nothing. */
  permit(permissions: Deno.PermissionOptionsObject): void {
    if (JSON.stringify(permissions) === this.#current.key) return;
    const old = this.#current;
    this.#current = this.#lease(permissions);
    this.#retiring.add(old);
    old.work.idle().then(() => {
      old.pool.close();
      this.#retiring.delete(old);
    });
  }

  /** Ends all isolates; what they were doing rejects. */
  close(): void {
    for (const pool of this.pools) pool.close();
  }

  #lease(permissions: Deno.PermissionOptionsObject): Lease<P> {
    const key = JSON.stringify(permissions);
    return { pool: this.#open(permissions), key, work: new InFlight() };
  }
}
