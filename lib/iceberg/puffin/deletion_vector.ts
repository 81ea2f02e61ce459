/**
 * The set of deleted row positions of one data file (Puffin spec: "`deletion-vector-v1` blob
 * type"), as Roaring containers of 65,536 positions each.
 */

/** Positions per container. */
export const CONTAINER_POSITIONS = 65_536;

/** Deleted positions within one container, by the encodings of the Roaring format. */
export type Container =
  /** Sorted positions. */
  | { readonly kind: "array"; readonly values: Uint16Array }
  /** 8,192 bytes, one bit a position, lowest bit first. */
  | { readonly kind: "bitmap"; readonly bits: Uint8Array }
  /** Sorted pairs of a run's first position and its length minus one. */
  | { readonly kind: "run"; readonly pairs: Uint16Array };

/** A container with its place: it holds positions from `index * CONTAINER_POSITIONS` on. */
export interface PlacedContainer {
  readonly index: number;
  readonly cardinality: number;
  readonly container: Container;
}

/** An immutable set of row positions. */
export class DeletionVector implements Iterable<number> {
  /** Deleted rows. */
  readonly cardinality: number;
  readonly #containers: readonly PlacedContainer[];

  /** Takes containers in ascending order of their index, none of them empty. */
  constructor(containers: readonly PlacedContainer[]) {
    this.#containers = containers;
    this.cardinality = containers.reduce((sum, placed) => sum + placed.cardinality, 0);
  }

  /** Whether the row at `position` is deleted. */
  has(position: number): boolean {
    const index = Math.floor(position / CONTAINER_POSITIONS);
    const placed = this.#find(index);
    return placed !== undefined &&
      contains(placed.container, position - index * CONTAINER_POSITIONS);
  }

  /** The deleted positions in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (const { index, container } of this.#containers) {
      const base = index * CONTAINER_POSITIONS;
      for (const low of positions(container)) yield base + low;
    }
  }

  #find(index: number): PlacedContainer | undefined {
    let low = 0;
    let high = this.#containers.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const placed = this.#containers[middle];
      if (placed === undefined || placed.index === index) return placed;
      if (placed.index < index) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

function contains(container: Container, low: number): boolean {
  switch (container.kind) {
    case "array":
      return container.values[lastAtMost(container.values, { value: low, step: 1 })] === low;
    case "bitmap":
      return (container.bits[low >>> 3]! & (1 << (low & 7))) !== 0;
    case "run": {
      const at = lastAtMost(container.pairs, { value: low, step: 2 });
      const first = container.pairs[at];
      return first !== undefined && low - first <= container.pairs[at + 1]!;
    }
  }
}

/** Offset of the last entry not above `value`, reading every `step`th; negative where all are. */
function lastAtMost(
  sorted: Uint16Array,
  search: { readonly value: number; readonly step: 1 | 2 },
): number {
  let low = 0;
  let high = sorted.length / search.step - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle * search.step]! <= search.value) low = middle + 1;
    else high = middle - 1;
  }
  return high * search.step;
}

function* positions(container: Container): Generator<number> {
  switch (container.kind) {
    case "array":
      yield* container.values;
      return;
    case "bitmap":
      for (let low = 0; low < CONTAINER_POSITIONS; low++) {
        const byte = container.bits[low >>> 3]!;
        if (byte === 0) low |= 7;
        else if ((byte & (1 << (low & 7))) !== 0) yield low;
      }
      return;
    case "run":
      for (let at = 0; at < container.pairs.length; at += 2) {
        const first = container.pairs[at]!;
        const last = first + container.pairs[at + 1]!;
        for (let low = first; low <= last; low++) yield low;
      }
  }
}
