/** News that come faster than anybody wants to hear them. */

/** Passes on the newest of many values, at most one in each interval, and a new kind at once. */
export class Coalesced<T> {
  readonly #post: (value: T) => void;
  readonly #intervalMs: number;
  readonly #kindOf: (value: T) => unknown;
  #kind: unknown = undefined;
  #waiting: { readonly value: T } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    post: (value: T) => void,
    options: { readonly intervalMs: number; readonly kindOf: (value: T) => unknown },
  ) {
    this.#post = post;
    this.#intervalMs = options.intervalMs;
    this.#kindOf = options.kindOf;
  }

  push(value: T): void {
    const kind = this.#kindOf(value);
    this.#waiting = { value };
    if (kind !== this.#kind || this.#timer === undefined) {
      this.#kind = kind;
      this.flush();
      this.#timer = setTimeout(() => this.#passed(), this.#intervalMs);
    }
  }

  /** Passes on what waits; to be called at the end. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this.#post(waiting.value);
  }

  #passed(): void {
    this.#timer = undefined;
    if (this.#waiting === null) return;
    this.flush();
    this.#timer = setTimeout(() => this.#passed(), this.#intervalMs);
  }
}
