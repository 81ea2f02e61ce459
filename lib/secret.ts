/** A secret string without a display form: logs, JSON and error messages show a mask. */

const MASK = "********";

/** Holds a secret; only {@linkcode Secret.reveal} gives it out, and every use of that is a review. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. */
  reveal(): string {
    return this.#value;
  }

  /** The mask. */
  toString(): string {
    return MASK;
  }

  /** The mask. */
  toJSON(): string {
    return MASK;
  }

  /** The mask, for `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return MASK;
  }

  /** What stands in for a secret in output; a client that sends it back means "unchanged". */
  static readonly mask = MASK;
}
