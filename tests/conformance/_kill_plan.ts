/** Which operation is killed next, and when: by turns at random times and in windows of its own. */
import { type Aim, type Hit, type Window, WINDOWS } from "./_kill_moments.ts";
import { KILL_OPERATIONS, type KillOperation } from "./_kill_operations.ts";

/** A kill to come. */
export interface Shot {
  readonly operation: KillOperation;
  readonly version: number;
  readonly aim: Aim;
}

/** Options of {@linkcode KillPlan}. */
export interface KillPlanOptions {
  readonly runs: number;
  readonly seed: number;
}

/** Further kills that are tried for one window that none has hit. */
const MAX_MORE = 10;
const GROUPS = [...new Set(KILL_OPERATIONS.map(({ group }) => group))];

/** What is known of a group of operations. */
interface Group {
  readonly operations: readonly KillOperation[];
  readonly windows: readonly Window[];
  readonly hits: Map<Window, number>;
  shots: number;
  /** Of the last one that was let come to its end. */
  durationMs: number;
  deletes: number;
}

/** A window of a group that no kill has hit. */
export interface Missed {
  readonly group: string;
  readonly window: Window;
}

/** See the top of this file. */
export class KillPlan {
  readonly #random: () => number;
  readonly #runs: number;
  readonly #groups = new Map(GROUPS.map((name) => [name, groupOf(name)]));
  readonly #more = new Map<string, number>();
  #count = 0;

  constructor({ runs, seed }: KillPlanOptions) {
    this.#runs = runs;
    this.#random = randomNumbers(seed);
  }

  /** Kills so far. */
  get count(): number {
    return this.#count;
  }

  /** The next one; null where all are done, and every window was hit. */
  next(): Shot | null {
    const name = GROUPS[this.#count % GROUPS.length]!;
    if (this.#count < this.#runs) return this.#shot(name, this.#aim(this.#group(name)));
    const missed = this.missed().find((one) => this.#triesOf(one) < MAX_MORE);
    if (missed === undefined) return null;
    this.#more.set(nameOf(missed), this.#triesOf(missed) + 1);
    return this.#shot(missed.group, this.#aimAt(missed.window));
  }

  /** Takes down what was hit. */
  hit({ operation, aim }: Shot, { window, durationMs, gone }: Hit): void {
    const group = this.#group(operation.group);
    group.hits.set(window, (group.hits.get(window) ?? 0) + 1);
    if (window !== "answered" || aim.kind !== "window") return;
    group.durationMs = durationMs;
    group.deletes = gone;
  }

  /** Files that an operation deletes in the end. */
  deletes({ group }: KillOperation): number {
    return this.#group(group).deletes;
  }

  /** Windows that no kill has hit. */
  missed(): readonly Missed[] {
    return [...this.#groups].flatMap(([group, { windows, hits }]) =>
      windows.filter((window) => !hits.has(window)).map((window) => ({ group, window }))
    );
  }

  /** Kills by group and window, as text. */
  report(): string {
    const lines = [...this.#groups].map(([name, { hits }]) => {
      const counts = WINDOWS.filter((one) => hits.has(one)).map((one) => `${one} ${hits.get(one)}`);
      return `  ${name}: ${counts.join(", ")}`;
    });
    return `${this.#count} kills\n${lines.join("\n")}`;
  }

  /** The first comes to its end, which tells how long it takes. */
  #aim({ shots, windows, durationMs }: Group): Aim {
    if (shots === 0) return this.#aimAt("answered");
    if (shots % 2 === 0) return { kind: "time", afterMs: this.#random() * durationMs * 1.1 };
    // Random times hit the ends by themselves, and seldom what lies between.
    const inner = windows.filter((window) => window !== "untouched" && window !== "answered");
    return this.#aimAt(inner[(shots >> 1) % inner.length]!);
  }

  #aimAt(window: Window): Aim {
    if (window === "untouched") return { kind: "time", afterMs: this.#random() * 20 };
    return { kind: "window", window, newDataFiles: 1 + Math.floor(this.#random() * 4) };
  }

  #shot(name: string, aim: Aim): Shot {
    const group = this.#group(name);
    const operation = group.operations[group.shots % group.operations.length]!;
    const version = this.#random() < 0.5 ? 2 : 3;
    group.shots++;
    this.#count++;
    return { operation, version, aim };
  }

  #triesOf(missed: Missed): number {
    return this.#more.get(nameOf(missed)) ?? 0;
  }

  #group(name: string): Group {
    return this.#groups.get(name)!;
  }
}

function nameOf({ group, window }: Missed): string {
  return `${group}: ${window}`;
}

function groupOf(name: string): Group {
  const operations = KILL_OPERATIONS.filter(({ group }) => group === name);
  const { windows } = operations[0]!;
  return { operations, windows, hits: new Map(), shots: 0, durationMs: 0, deletes: Infinity };
}

/** Numbers from 0 to 1 that follow from the seed (Mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
