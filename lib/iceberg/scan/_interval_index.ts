/** Finds the intervals that overlap another one, without looking at all of them. */
import type { ScalarValue } from "../expression/bound.ts";
import type { Comparator } from "../expression/compare.ts";

/** A closed interval with the number of the item it belongs to. */
export interface Interval {
  readonly lower: ScalarValue;
  readonly upper: ScalarValue;
  readonly item: number;
}

/** Takes an item, and says whether it wants more. */
export type Visit = (item: number) => boolean;

/**
 * Intervals ordered by their lower end, under a tree of the greatest upper ends: a query takes
 * time in proportion to what it finds, times the logarithm of how many there are.
 */
export class IntervalIndex {
  readonly #compare: Comparator;
  readonly #intervals: readonly Interval[];
  /** Node i covers the leaves below it; its children are 2i and 2i + 1, the root is 1. */
  readonly #greatestUpper: (ScalarValue | undefined)[];
  readonly #leaves: number;

  constructor(intervals: readonly Interval[], compare: Comparator) {
    this.#compare = compare;
    this.#intervals = [...intervals].sort((a, b) => compare(a.lower, b.lower));
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, intervals.length)));
    this.#greatestUpper = new Array<ScalarValue | undefined>(2 * this.#leaves);
    this.#intervals.forEach(({ upper }, i) => this.#greatestUpper[this.#leaves + i] = upper);
    for (let node = this.#leaves - 1; node >= 1; node--) {
      this.#greatestUpper[node] = this.#greater(
        this.#greatestUpper[2 * node],
        this.#greatestUpper[2 * node + 1],
      );
    }
  }

  /**
   * Calls `visit` with the items of intervals that overlap `[lower, upper]` for as long as it
   * answers true; false where it stopped early.
   */
  query(lower: ScalarValue, upper: ScalarValue, visit: Visit): boolean {
    return this.#visit(1, { first: 0, end: this.#leaves }, {
      lower,
      visit,
      stop: this.#countStartingUpTo(upper),
    });
  }

  #visit(
    node: number,
    range: { readonly first: number; readonly end: number },
    query: {
      readonly lower: ScalarValue;
      readonly stop: number;
      readonly visit: Visit;
    },
  ): boolean {
    const greatest = this.#greatestUpper[node];
    if (range.first >= query.stop || greatest === undefined) return true;
    if (this.#compare(greatest, query.lower) < 0) return true;
    if (range.end - range.first === 1) {
      const interval = this.#intervals[range.first];
      return interval === undefined || query.visit(interval.item);
    }
    const middle = (range.first + range.end) / 2;
    return this.#visit(2 * node, { first: range.first, end: middle }, query) &&
      this.#visit(2 * node + 1, { first: middle, end: range.end }, query);
  }

  #countStartingUpTo(upper: ScalarValue): number {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const interval = this.#intervals[middle];
      if (interval !== undefined && this.#compare(interval.lower, upper) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #greater(a: ScalarValue | undefined, b: ScalarValue | undefined): ScalarValue | undefined {
    if (a === undefined || b === undefined) return a ?? b;
    return this.#compare(a, b) >= 0 ? a : b;
  }
}
