/** Equality deletes of one scope and one set of columns, indexed by sequence number and by range. */
import type { BoundReference } from "../expression/bound.ts";
import { type ColumnFacts, fileColumnFacts, mayShareValue } from "../expression/column_facts.ts";
import { type Comparator, comparatorFor, isComparable, isFloating } from "../expression/compare.ts";
import type { DataFile } from "../manifest/data_file.ts";
import { IntervalIndex } from "./_interval_index.ts";
import { type DeleteFile, firstAfter } from "./_sequence.ts";

/** Up to this many candidates are looked at one by one; more go through the interval index. */
const LINEAR_LIMIT = 32;

/** The interval index is used where it finds less than one in this many candidates. */
const INDEX_WORTH = 4;

interface IndexedDelete {
  readonly file: DeleteFile;
  /** Facts by place in the group's columns; undefined for columns that do not compare. */
  readonly facts: readonly (ColumnFacts | undefined)[];
}

interface RangeIndex {
  readonly column: number;
  readonly bounded: IntervalIndex;
  /** Deletes without both bounds: always candidates. */
  readonly unbounded: readonly number[];
  /** Deletes that may remove nulls: candidates where the data may hold nulls. */
  readonly nullable: readonly number[];
}

/** Answers which equality deletes apply to a data file. */
export class EqualityGroup {
  readonly #columns: readonly BoundReference[];
  readonly #comparators: readonly Comparator[];
  readonly #deletes: readonly IndexedDelete[];
  readonly #sequenceNumbers: readonly bigint[];
  readonly #rangeIndex: RangeIndex | null;

  /** `files` share their equality columns, `columns`, and are sorted by sequence number. */
  constructor(columns: readonly BoundReference[], files: readonly DeleteFile[]) {
    this.#columns = columns;
    this.#comparators = columns.map((column) => comparatorFor(column.type));
    this.#sequenceNumbers = files.map((file) => file.sequenceNumber);
    this.#deletes = files.map((file) => ({ file, facts: this.#factsOf(file.dataFile) }));
    this.#rangeIndex = files.length > LINEAR_LIMIT ? this.#buildRangeIndex() : null;
  }

  /**
   * Appends the deletes that apply to a data file: those strictly newer than it (spec: "Scan
   * Planning"), without those whose every row has a key that the data file cannot hold.
   */
  collect(
    dataFile: DataFile,
    sequenceNumber: bigint,
    found: { push(file: DeleteFile): void },
  ): void {
    const first = firstAfter(this.#sequenceNumbers, sequenceNumber);
    if (first === this.#deletes.length) return;
    const data = this.#factsOf(dataFile);
    for (const item of this.#candidates(first, data)) {
      const candidate = this.#deletes[item];
      if (candidate !== undefined && this.#mayShareKey(candidate.facts, data)) {
        found.push(candidate.file);
      }
    }
  }

  #candidates(first: number, data: readonly (ColumnFacts | undefined)[]): Iterable<number> {
    const index = this.#rangeIndex;
    const facts = index === null ? undefined : data[index.column];
    const newer = this.#deletes.length - first;
    if (index === null || facts === undefined || newer <= LINEAR_LIMIT) return from(first, newer);
    if (facts.mayHaveValue && (facts.lower === undefined || facts.upper === undefined)) {
      return from(first, newer);
    }
    // Where the index would find most of them, looking at each in turn is cheaper.
    const limit = newer / INDEX_WORTH;
    const chosen = [...index.unbounded, ...facts.mayHaveNull ? index.nullable : []];
    if (chosen.length > limit) return from(first, newer);
    if (facts.lower !== undefined && facts.upper !== undefined) {
      let seen = 0;
      const complete = index.bounded.query(facts.lower, facts.upper, (item) => {
        if (item >= first) chosen.push(item);
        return ++seen <= limit;
      });
      if (!complete) return from(first, newer);
    }
    const ascending = chosen.filter((item) => item >= first).sort((a, b) => a - b);
    return ascending.filter((item, i) => item !== ascending[i - 1]);
  }

  #mayShareKey(
    deletes: readonly (ColumnFacts | undefined)[],
    data: readonly (ColumnFacts | undefined)[],
  ): boolean {
    for (const [i, compare] of this.#comparators.entries()) {
      const left = deletes[i];
      const right = data[i];
      if (left === undefined || right === undefined) continue;
      if (!mayShareValue(left, right, compare)) return false;
    }
    return true;
  }

  #factsOf(file: DataFile): readonly (ColumnFacts | undefined)[] {
    return this.#columns.map((column) =>
      isComparable(column.type) ? fileColumnFacts(file, column) : undefined
    );
  }

  #buildRangeIndex(): RangeIndex | null {
    // NaN lies outside all bounds, so that floating-point columns make a poor index.
    const column = this.#columns.findIndex(({ type }) => isComparable(type) && !isFloating(type));
    const reference = this.#columns[column];
    if (reference === undefined) return null;
    const bounded = [];
    const unbounded: number[] = [];
    const nullable: number[] = [];
    for (const [item, { facts }] of this.#deletes.entries()) {
      const { lower, upper, mayHaveNull = true } = facts[column] ?? {};
      if (mayHaveNull) nullable.push(item);
      if (lower === undefined || upper === undefined) unbounded.push(item);
      else bounded.push({ lower, upper, item });
    }
    const compare = comparatorFor(reference.type);
    return { column, bounded: new IntervalIndex(bounded, compare), unbounded, nullable };
  }
}

function* from(first: number, count: number): Generator<number> {
  for (let item = first; item < first + count; item++) yield item;
}
