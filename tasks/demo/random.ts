/** Chance that repeats: the same seed gives the same sample data. */

/** Draws numbers, and picks from lists. */
export interface Random {
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

/** A generator with a state of its own (mulberry32: 32 bits, even enough for made-up rows). */
export function seededRandom(seed: number): Random {
  let state = seed;
  const below = (limit: number): number => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit);
  };
  return {
    below,
    pick<T>(list: readonly T[]): T {
      const at = below(list.length);
      if (at >= list.length) throw new RangeError("Cannot pick from an empty list");
      return list[at] as T;
    },
  };
}
