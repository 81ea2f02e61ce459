/**
 * Which columns are better off without a dictionary. The encoder tries one for every column, and finds
 * out late that it does not pay; what is encoded anew has been tried before, and its pages tell.
 */

/** What the pages of one chunk tell. */
export interface ChunkFacts {
  /** Values that are there, and how many of them differ: all, where no dictionary told otherwise. */
  readonly values: number;
  readonly distinctValues: number;
  /** Bytes that one value takes, on average, in pages without a dictionary. */
  readonly valueBytes: number;
}

/**
 * Whether chunks that become one chunk should try a dictionary of at most `maxBytes`: it must be
 * smaller than that, and with the numbers that refer to it smaller than the values themselves.
 */
export function isDictionaryWorthwhile(chunks: readonly ChunkFacts[], maxBytes: number): boolean {
  const values = sum(chunks.map((chunk) => chunk.values));
  if (values === 0) return true;
  const valueBytes = sum(chunks.map((chunk) => chunk.values * chunk.valueBytes)) / values;
  const distinct = expectedDistinct(chunks, values);
  const dictionaryBytes = distinct * valueBytes;
  const indexBytes = values * Math.log2(Math.max(2, distinct)) / 8;
  return dictionaryBytes <= maxBytes && dictionaryBytes + indexBytes < values * valueBytes;
}

/**
 * Values that differ among all chunks, as if each chunk's were drawn from the same pool: of a pool of
 * N, n draws find N·(1 - e^(-n/N)).
 */
function expectedDistinct(chunks: readonly ChunkFacts[], values: number): number {
  const draws = values / chunks.length;
  const found = sum(chunks.map(({ distinctValues }) => distinctValues)) / chunks.length;
  // Hardly a value came twice: nothing says that the pool is smaller than all there are.
  if (found >= draws - 1) return values;
  const pool = poolSize(draws, found);
  return Math.min(values, pool * -Math.expm1(-values / pool));
}

/** The pool of which `draws` find `found`, by bisection: more is found of a larger one. */
function poolSize(draws: number, found: number): number {
  let low = found;
  let high = draws * draws;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = Math.sqrt(low * high);
    if (middle * -Math.expm1(-draws / middle) < found) low = middle;
    else high = middle;
  }
  return high;
}

/** Halvings of an interval that spans twenty orders of magnitude at most, to within a percent. */
const BISECTIONS = 16;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
