/** Random choices that come out the same for the same seed. */

/** A stream of choices; two of different seeds have nothing in common. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Spreads neighbouring seeds over all states.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1));
  }

  /** A whole number of up to 128 bits, both ends included. */
  bigint(from: bigint, to: bigint): bigint {
    let bits = 0n;
    for (let i = 0; i < 5; i++) bits = bits << 32n | BigInt(Math.floor(this.#next() * 2 ** 32));
    return from + bits % (to - from + 1n);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    const found = list[this.int(0, list.length - 1)];
    if (found === undefined) throw new TypeError("Cannot pick from an empty list");
    return found;
  }

  /** Several of a list, in random order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) {
      taken.push(...left.splice(this.int(0, left.length - 1), 1));
    }
    return taken;
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }

  /** Mulberry32: one multiplication for each number is plenty here. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  }
}
