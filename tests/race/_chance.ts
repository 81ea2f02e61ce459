/** Chance that repeats itself: everything a race decides, and every id that it makes, from one seed. */

/** Bytes that `crypto` is asked for in one go, at most; see the Web Crypto specification. */
const WORD_BYTES = 4;

/** Numbers from a seed. Two of the same seed give the same numbers for ever. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Seeds that differ in one bit part ways only after some steps.
    for (let i = 0; i < 8; i++) this.word();
  }

  /** 32 bits: a Weyl sequence, its bits well mixed. */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ mixed >>> 16, 0x21f0aaad);
    mixed = Math.imul(mixed ^ mixed >>> 15, 0x735a2d97);
    return (mixed ^ mixed >>> 15) >>> 0;
  }

  /** A whole number below `bound`. */
  below(bound: number): number {
    return this.word() % bound;
  }

  /** True in `percent` of a hundred cases. */
  percent(percent: number): boolean {
    return this.below(10_000) < percent * 100;
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Cannot pick one of none");
    return choices[this.below(choices.length)] as T;
  }

  /** Some of several, in their order, and at least one. */
  some<T>(choices: readonly T[], percent: number): readonly T[] {
    const chosen = choices.filter(() => this.percent(percent));
    return chosen.length > 0 ? chosen : [this.pick(choices)];
  }

  /** Chance of its own, so that what one asks for does not change what another gets. */
  fork(): Chance {
    return new Chance(this.word());
  }
}

/**
 * Lets `crypto` give out numbers of this chance until it is disposed of: ids of snapshots and
 * operations, and with them names of files, are then the same in every run of a seed. For isolates
 * that run one race at a time.
 */
export function holdIds(chance: Chance): Disposable {
  const fill = <T extends ArrayBufferView>(array: T): T => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at += WORD_BYTES) {
      const word = chance.word();
      for (let i = 0; i < WORD_BYTES && at + i < bytes.length; i++) {
        bytes[at + i] = word >>> 8 * i & 0xff;
      }
    }
    return array;
  };
  const randomUUID = () => {
    const hex = fill(new Uint8Array(16)).toHex();
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${
      hex.slice(20)
    }`;
  };
  const held = { getRandomValues: fill, randomUUID };
  for (const [name, value] of Object.entries(held)) {
    Object.defineProperty(crypto, name, { value, configurable: true });
  }
  return {
    [Symbol.dispose]() {
      // What is on the prototype shows again.
      for (const name of Object.keys(held)) Reflect.deleteProperty(crypto, name);
    },
  };
}
