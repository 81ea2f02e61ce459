/** What writers of one table have asked for and what they were told, so that a reader can be judged. */

/** Rows by their ids, one after the other. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** What a reader may see: all of `surely`, nothing beyond `perhaps`. */
export interface Bounds {
  readonly surely: ReadonlySet<number>;
  readonly perhaps: ReadonlySet<number>;
}

interface Entry extends IdRange {
  isAppended: boolean;
  isDeleteAsked: boolean;
  isDeleted: boolean;
}

/** See the top of this file. */
export class WriterLedger {
  readonly #entries: Entry[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** Whether nobody writes any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Rows that nobody has written yet; somebody asks to append them now. */
  claim(count: number): IdRange {
    const last = this.#entries.at(-1);
    const first = last === undefined ? 0 : last.first + last.count;
    const entry = { first, count, isAppended: false, isDeleteAsked: false, isDeleted: false };
    this.#entries.push(entry);
    return entry;
  }

  /** The append was acknowledged. */
  appended(range: IdRange): void {
    this.#entry(range).isAppended = true;
    this.#tell();
  }

  /** Rows that were appended, and that somebody asks to delete now; null where there are none. */
  claimDelete(pick: number): IdRange | null {
    const open = this.#entries.filter((one) => one.isAppended && !one.isDeleteAsked);
    const entry = open[Math.floor(pick * open.length)];
    if (entry === undefined) return null;
    entry.isDeleteAsked = true;
    return entry;
  }

  /** The delete was acknowledged. */
  deleted(range: IdRange): void {
    this.#entry(range).isDeleted = true;
    this.#tell();
  }

  /** Resolves when another change was acknowledged, or nobody writes any more. */
  async changed(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Nobody writes any more. */
  close(): void {
    this.#isClosed = true;
    this.#tell();
  }

  /**
   * Bounds of a reader that begins now. To be asked for what may be seen when it has ended: rows that
   * somebody asked to append meanwhile may be there too.
   */
  begin(): () => Bounds {
    const surely = idsOf(this.#entries.filter((one) => one.isAppended));
    const gone = idsOf(this.#entries.filter(({ isDeleted }) => isDeleted));
    return () => ({
      surely: surely.difference(idsOf(this.#entries.filter((one) => one.isDeleteAsked))),
      perhaps: idsOf(this.#entries).difference(gone),
    });
  }

  #entry({ first }: IdRange): Entry {
    const entry = this.#entries.find((one) => one.first === first);
    if (entry === undefined) throw new TypeError("Rows that were not claimed");
    return entry;
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Ids of runs, each once; throws where one comes twice. */
export function idsOfRuns(runs: readonly (readonly [number, number])[]): ReadonlySet<number> {
  const ids = idsOf(runs.map(([first, count]) => ({ first, count })));
  const rows = runs.reduce((sum, [, count]) => sum + count, 0);
  if (rows !== ids.size) throw new Error(`${rows - ids.size} rows are there twice`);
  return ids;
}

function idsOf(ranges: readonly IdRange[]): Set<number> {
  const ids = new Set<number>();
  for (const { first, count } of ranges) for (let n = 0; n < count; n++) ids.add(first + n);
  return ids;
}
