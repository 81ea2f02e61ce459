/**
 * Races between processes, with nothing but the clock to say who comes first. Each process writes
 * down what it is about to do before it can take effect, so that it can be killed at any time; the
 * oracle replays what was written down in the order of the table's own history.
 */
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import { bedAt, type BedOptions, type TableBed } from "./_beds.ts";
import { raceDefinition } from "./_beds.ts";
import type { RaceRules } from "./_act.ts";
import { Chance } from "./_chance.ts";
import { type Intent, Oracle, type Outcome } from "./_oracle.ts";
import { RACE_PROPERTIES } from "./_race.ts";
import { BY_REGION } from "./_rows.ts";
import { RaceFailure, Witness } from "./_witness.ts";
import type { WriterKind } from "./_writers.ts";

const RIVAL = new URL("./rival.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** Milliseconds that processes get to start. */
const START_MS = 3_000;
/** Milliseconds between two looks at the table; snapshots live for longer. */
const LOOK_MS = 100;
/** Numbers of rows that each process has for itself. */
const UIDS = 1_000_000;

/** What one process is told. */
export interface RivalOrder {
  /** A body of `PUT /api/config`. */
  readonly config: unknown;
  readonly table: string;
  readonly seed: number;
  readonly writers: readonly WriterKind[];
  /** Of each writer. */
  readonly operations: number;
  readonly rules: RaceRules;
  readonly firstUid: number;
  /** By the wall clock. */
  readonly startAtMs: number;
}

/** What one process tells. */
export type RivalLine =
  | {
    readonly kind: "begins";
    readonly id: string;
    readonly writer: string;
    readonly intent: Intent;
  }
  | {
    readonly kind: "ends";
    readonly id: string;
    readonly outcome: Outcome;
    readonly expectedSnapshots: number | null;
    readonly mark: string | null;
    readonly error: string;
  };

/** A race between processes. */
export interface ParallelOptions {
  readonly config: unknown;
  readonly seed: number;
  readonly formatVersion: 2 | 3;
  /** The writers of each process. */
  readonly processes: readonly (readonly WriterKind[])[];
  readonly operations: number;
  /** How many of the processes are killed on their way. */
  readonly kills: number;
}

/** Figures of a race between processes. */
export interface ParallelFigures {
  readonly snapshots: number;
  readonly killed: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** Runs a race; what is wrong afterwards is a `RaceFailure`. */
export async function raceProcesses(options: ParallelOptions): Promise<ParallelFigures> {
  const open = { dataDir: null, storageRoots: [] };
  const catalog = openCatalog(parseCatalogConfig(options.config, open), open);
  const bedOptions: BedOptions = {
    formatVersion: options.formatVersion,
    spec: BY_REGION,
    properties: { ...RACE_PROPERTIES, ...WAITS },
    clock: { now: () => Date.now() },
  };
  const location = await catalog.createTable(raceDefinition(bedOptions));
  await using bed = bedAt(location, catalog, { dispose: () => Promise.resolve() });
  return await new ParallelRace(bed, options).run();
}

/** Real writers wait a little before they try again. */
const WAITS = {
  "commit.retry.num-retries": "60",
  "commit.retry.min-wait-ms": "2",
  "commit.retry.max-wait-ms": "40",
  "commit.status-check.min-wait-ms": "5",
};

class ParallelRace {
  readonly #bed: TableBed;
  readonly #options: ParallelOptions;
  readonly #chance: Chance;
  readonly #lines: RivalLine[] = [];
  readonly #seen = new Map<bigint, Snapshot>();
  #isOver = false;

  constructor(bed: TableBed, options: ParallelOptions) {
    this.#bed = bed;
    this.#options = options;
    this.#chance = new Chance(options.seed);
  }

  async run(): Promise<ParallelFigures> {
    const startAtMs = Date.now() + START_MS;
    const rivals = this.#options.processes.map((writers, at) =>
      this.#start({ writers, at, startAtMs })
    );
    const watching = this.#watch();
    let killed = 0;
    for (const { child } of rivals.slice(0, this.#options.kills)) {
      await wait(startAtMs - Date.now() + 300 + this.#chance.below(700));
      child.kill("SIGKILL");
      killed++;
    }
    const failures = (await Promise.all(rivals.map(({ ended }) => ended))).slice(killed)
      .filter((failure) => failure !== null);
    this.#isOver = true;
    await watching;
    if (failures.length > 0) throw new RaceFailure(failures.join("\n"));
    return await this.#judge(killed);
  }

  #start({ writers, at, startAtMs }: {
    readonly writers: readonly WriterKind[];
    readonly at: number;
    readonly startAtMs: number;
  }) {
    const { config, operations } = this.#options;
    const { namespace, name } = this.#bed.location.identifier;
    const order: RivalOrder = {
      config,
      table: [...namespace, name].join("."),
      seed: this.#chance.word(),
      writers,
      operations,
      rules: { deletesByRegion: true, keys: 20, expiresAfterMs: 20 * LOOK_MS },
      firstUid: 1 + at * UIDS,
      startAtMs,
    };
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", `--config=${CONFIG.pathname}`, RIVAL.pathname]
        .concat(JSON.stringify(order)),
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return { child, ended: this.#follow(child) };
  }

  /** Takes down what a process tells; null, or why it failed. */
  async #follow(child: Deno.ChildProcess): Promise<string | null> {
    const errors = new Response(child.stderr).text();
    const text = await new Response(child.stdout).text();
    // The last line may have been cut off with its process.
    for (const line of text.split("\n").slice(0, -1)) this.#lines.push(JSON.parse(line));
    const { success } = await child.status;
    const message = await errors;
    return success ? null : `A process failed: ${message}`;
  }

  /** Sees every snapshot before it can expire. */
  async #watch(): Promise<void> {
    const store = this.#bed.openTable(this.#bed.io, null);
    do {
      const { metadata } = await store.load();
      for (const snapshot of metadata.snapshots) this.#seen.set(snapshot.snapshotId, snapshot);
      await wait(LOOK_MS);
    } while (!this.#isOver);
  }

  async #judge(killed: number): Promise<ParallelFigures> {
    const oracle = new Oracle();
    const outcomes = { acknowledged: 0, refused: 0, unknown: 0, crashed: 0 };
    const operations = new Map<string, ReturnType<Oracle["register"]>>();
    for (const line of this.#lines) {
      if (line.kind === "begins") {
        operations.set(line.id, oracle.register(line.id, line.writer, line));
        continue;
      }
      outcomes[line.outcome]++;
      const operation = operations.get(line.id);
      if (operation !== undefined) Object.assign(operation, { ...line, kind: undefined });
    }
    for (const operation of operations.values()) operation.outcome ??= "crashed";
    const store = this.#bed.openTable(this.#bed.io, null);
    const witness = new Witness({ store, io: this.#bed.io, oracle });
    const all = [...this.#seen.values()].sort((a, b) =>
      Number(a.sequenceNumber - b.sequenceNumber)
    );
    for (const snapshot of all) oracle.see(snapshot);
    await witness.look("nobody");
    const contradictions = oracle.contradictions(witness.marks);
    if (contradictions.length > 0) throw new RaceFailure(contradictions.join("\n"));
    return { snapshots: all.length, killed, outcomes };
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
