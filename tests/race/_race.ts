/** One race: a table, writers, faults, and everything that must be true of them; all from one seed. */
import type { Clock } from "../../lib/clock.ts";
import type { FileWriter } from "../../lib/iceberg/ports.ts";
import type { FormatVersion } from "../../lib/iceberg/spec/table_metadata.ts";
import { maintenanceJobs, removeOrphans, sweepOperation } from "../../lib/maintenance/jobs/mod.ts";
import { testJobHost } from "../support/maintenance/job_host.ts";
import { Act, type Action, noting, runAction } from "./_act.ts";
import { type BedKind, type BedOptions, openBed, type TableBed } from "./_beds.ts";
import { Chance, holdIds } from "./_chance.ts";
import { type Fault, type FaultPlan, NO_FAULTS, RandomFaults } from "./_faults.ts";
import { Oracle, type Outcome } from "./_oracle.ts";
import { readSnapshot } from "./_reader.ts";
import { BY_REGION, UNPARTITIONED } from "./_rows.ts";
import { type Process, Scheduler, type TakenStep } from "./_scheduler.ts";
import { Births, WatchedIo } from "./_watched_io.ts";
import { plain, RaceFailure, Witness } from "./_witness.ts";
import { WRITER_KINDS, type WriterKind, WRITERS } from "./_writers.ts";

/** When every race begins, by its own time. */
const START_MS = Date.UTC(2026, 9, 1);
const DAY_MS = 24 * 60 * 60 * 1000;
/** Steps that a failure shows. */
const SHOWN_STEPS = 60;
/** Memory that jobs believe to have: sorting and encoding need no more for such tables. */
const MEMORY_BYTES = 64 * 1024 * 1024;

/** What is raced for, and by whom. What is left out is up to the seed. */
export interface RaceOptions {
  readonly seed: number;
  readonly catalog: BedKind;
  /** The writers by their kinds; several of a kind are several writers. */
  readonly writers?: readonly WriterKind[];
  /** Writers that have had the table for themselves before, one after another. */
  readonly before?: readonly WriterKind[];
  /** Stands in for writers of some kinds. */
  readonly actions?: Partial<Record<WriterKind, Action>>;
  /** Operations of each writer. */
  readonly operations?: number;
  readonly faults?: FaultPlan;
  readonly formatVersion?: FormatVersion;
  /** Whether partitioning changes; then equality deletes are for the whole table. */
  readonly changesSpec?: boolean;
  readonly properties?: Readonly<Record<string, string>>;
  /** Makes the table; the catalog's own bed by default. */
  readonly openBed?: (options: BedOptions) => Promise<TableBed>;
}

/** Figures of a race. */
export interface RaceFigures {
  readonly steps: number;
  readonly versions: number;
  readonly snapshots: number;
  readonly operations: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly faults: ReadonlyMap<Fault, number>;
  readonly orphans: number;
  /** Crashed operations whose leftovers were swept up at once. */
  readonly sweeps: number;
  readonly trace: readonly string[];
}

/** What Hadoop's file system, which servers in Java write with, keeps beside its files. */
const CHECKSUM = /\/\.[^/]+\.crc$/;

/** Waits that are none, retries that outlast a crowd, and manifests that are merged early. */
export const RACE_PROPERTIES: Readonly<Record<string, string>> = {
  "commit.retry.num-retries": "12",
  "commit.retry.min-wait-ms": "0",
  "commit.retry.max-wait-ms": "0",
  "commit.status-check.min-wait-ms": "0",
  "commit.status-check.max-wait-ms": "0",
  "commit.manifest.min-count-to-merge": "4",
};

/** Metadata files that leave the log early, and are deleted. */
const TIDY: Readonly<Record<string, string>> = {
  "write.metadata.previous-versions-max": "4",
  "write.metadata.delete-after-commit.enabled": "true",
};

/** Runs a race to its end; a {@linkcode RaceFailure} tells how to run it again. */
export async function runRace(options: RaceOptions): Promise<RaceFigures> {
  const race = new Race(options);
  try {
    return await race.run();
  } catch (error) {
    const { seed, catalog } = options;
    const trace = race.trace.slice(-SHOWN_STEPS).join("\n");
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new RaceFailure(
      `${message}\nagain: deno task race -- --catalog ${catalog} --seed ${seed} --races 1\n` +
        `${race.trace.length} steps, the last of them:\n${trace}`,
      { cause: error },
    );
  }
}

class Race {
  readonly #options: RaceOptions;
  readonly #chance: Chance;
  readonly #oracle = new Oracle();
  readonly #scheduler: Scheduler;
  readonly #births: Births;
  readonly #opened = new Map<FileWriter, Process>();
  readonly #deletesByRegion: boolean;
  readonly #outcomes = { acknowledged: 0, refused: 0, unknown: 0, crashed: 0 };
  readonly #sweeps = { acknowledged: 0, refused: 0, unknown: 0, crashed: 0 };
  readonly #problems: unknown[] = [];
  #wasHit = false;
  #faults: FaultPlan = NO_FAULTS;
  #bed: TableBed | null = null;
  #witness: Witness | null = null;

  constructor(options: RaceOptions) {
    const chance = this.#chance = new Chance(options.seed);
    this.#options = options;
    this.#deletesByRegion = !(options.changesSpec ?? chance.percent(40));
    this.#scheduler = new Scheduler({
      chance: chance.fork(),
      startMs: START_MS,
      faults: { at: (question) => this.#faults.at(question) },
      beforeStep: (step) => this.#beforeStep(step),
      afterStep: (step) => this.#afterStep(step),
    });
    this.#births = new Births(this.#scheduler.clock.now);
  }

  get trace(): readonly string[] {
    return this.#scheduler.figures.trace;
  }

  async run(): Promise<RaceFigures> {
    using _ids = holdIds(this.#chance.fork());
    const { catalog, openBed: open = (bed) => openBed(catalog, bed) } = this.#options;
    await using bed = await open(this.#bedOptions(this.#scheduler.clock));
    this.#bed = bed;
    try {
      const store = bed.openTable(bed.io, null);
      const witness = this.#witness = new Witness({ store, io: bed.io, oracle: this.#oracle });
      await witness.look("nobody");
      await this.#found();
      await this.#compete();
      return await this.#finish(witness);
    } finally {
      // What a dead process held open, its machine would have closed.
      for (const writer of this.#opened.keys()) await writer.abort();
    }
  }

  #bedOptions(clock: Clock): BedOptions {
    const { formatVersion, properties } = this.#options;
    const isTidy = this.#chance.percent(30);
    return {
      formatVersion: formatVersion ?? this.#chance.pick([2, 3] as const),
      spec: this.#deletesByRegion ? BY_REGION : UNPARTITIONED,
      properties: { ...RACE_PROPERTIES, ...(isTidy ? TIDY : {}), ...properties },
      clock,
    };
  }

  /** Rows to begin with, and an orphan from long ago. */
  async #found(): Promise<void> {
    const { metadata } = this.#table();
    const orphan = `${metadata.location}/data/old-orphan.parquet`;
    await this.#bedOf().io.createIfAbsent(orphan, new Uint8Array([1]));
    this.#births.add(orphan, START_MS - 5 * DAY_MS);
    const { before = [] } = this.#options;
    for (const kind of ["fast appender", "fast appender", "fast appender", ...before] as const) {
      void this.#drive("founder", { action: WRITERS[kind], operations: 1 });
      await this.#scheduler.run();
      this.#checkProblems();
    }
  }

  async #compete(): Promise<void> {
    const { operations = 2, actions = {} } = this.#options;
    this.#faults = this.#options.faults ??
      new RandomFaults(this.#chance.fork(), this.#chance.pick([0, 1, 3, 6]));
    const kinds = this.#options.writers ?? this.#someWriters();
    for (const [at, kind] of kinds.entries()) {
      const action = actions[kind] ?? WRITERS[kind];
      void this.#drive(kinds.indexOf(kind) === at ? kind : `${kind} ${at}`, { action, operations });
    }
    await this.#scheduler.run();
    this.#checkProblems();
  }

  #someWriters(): readonly WriterKind[] {
    const kinds = WRITER_KINDS.filter((kind) => kind !== "spec changer" || !this.#deletesByRegion);
    const count = 4 + this.#chance.below(4);
    const chosen = Array.from({ length: count }, () => this.#chance.pick(kinds));
    // Most of what can go wrong goes wrong between these.
    return ["bin packer", this.#chance.pick(["row deleter", "upserter", "key deleter"]), ...chosen];
  }

  /** One operation after another; a crash ends one of them, not its writer. */
  async #drive(
    writer: string,
    { action, operations }: { readonly action: Action; readonly operations: number },
  ): Promise<void> {
    const chance = this.#chance.fork();
    for (let i = 0; i < operations; i++) {
      const process = this.#scheduler.start(writer, i);
      const act = this.#act(process, chance.fork());
      try {
        const outcome = await Promise.race([runAction(action, act), process.death]);
        if (outcome === "crashed" && act.operation !== null) act.operation.outcome = outcome;
        this.#outcomes[outcome]++;
        // Whoever sweeps waits until nothing can arrive any more.
        if (outcome === "crashed" && !process.leftRequests && chance.percent(50)) {
          await this.#sweepAfter(act, `sweeper of ${writer}`, i);
        }
      } catch (error) {
        this.#problems.push(error);
      } finally {
        this.#wasHit ||= process.wasHit;
        if (!process.isDead) process.end();
      }
    }
  }

  /** What the pool of isolates does where one has died: see `lib/jobs/sweep_operation.ts`. */
  async #sweepAfter(dead: Act, writer: string, operation: number): Promise<void> {
    const process = this.#scheduler.start(writer, operation);
    const act = this.#act(process, this.#chance.fork());
    const sweep: Action = async () => {
      await sweepOperation({
        location: act.options.location,
        deadOperationId: dead.host.operationId,
        commit: dead.tried,
        settleMs: 0,
      }, act.host);
    };
    try {
      this.#sweeps[await Promise.race([runAction(sweep, act), process.death])]++;
    } finally {
      if (!process.isDead) process.end();
    }
  }

  #act(process: Process, chance: Chance): Act {
    const bed = this.#bedOf();
    const { writer, signal } = process;
    const io = new WatchedIo({
      io: bed.io,
      process,
      births: this.#births,
      opened: (file) => void this.#opened.set(file, process),
    });
    const store = noting(bed.openTable(io, process), (tried) => void (act.tried = tried));
    const { clock } = this.#scheduler;
    const host = testJobHost(store, {
      io,
      clock,
      signal,
      memoryBytes: MEMORY_BYTES,
      tasks: maintenanceJobs,
    });
    const act = new Act({
      writer,
      location: bed.location,
      store,
      io,
      host,
      chance,
      rules: { deletesByRegion: this.#deletesByRegion, keys: 12, expiresAfterMs: 0 },
      register: (intent) => this.#oracle.register(host.operationId, writer, { intent }),
      nextUid: () => this.#oracle.nextUid(),
    });
    return act;
  }

  #beforeStep({ writer, point }: TakenStep): void {
    if (point.what === "delete") this.#witness?.checkDeletion(point.where, writer);
  }

  async #afterStep({ point, writer }: TakenStep): Promise<void> {
    if (point.weight === "commit") await this.#witness?.look(writer);
  }

  #checkProblems(): void {
    const [first] = this.#problems;
    if (first !== undefined) throw first;
  }

  async #finish(witness: Witness): Promise<RaceFigures> {
    await witness.look("nobody");
    const contradictions = this.#oracle.contradictions(witness.marks);
    if (contradictions.length > 0) throw new RaceFailure(contradictions.join("\n"));
    const orphans = await this.#removeOrphans(witness);
    await this.#readAgain();
    const { steps, faults, trace } = this.#scheduler.figures;
    return {
      steps,
      faults,
      trace,
      versions: witness.versions,
      snapshots: witness.snapshots,
      operations: this.#oracle.operations.length,
      outcomes: this.#outcomes,
      orphans,
      sweeps: this.#sweeps.acknowledged,
    };
  }

  /** What is left over is found by the removal of orphans: all of it, and nothing else. */
  async #removeOrphans(witness: Witness): Promise<number> {
    const before = await this.#leftovers(witness);
    const { keepsMetadataFiles = false } = this.#bedOf().openTable(this.#bedOf().io, null);
    // What a server does with its metadata files is its own business.
    const own = before.filter((one) => !keepsMetadataFiles || !one.endsWith(".metadata.json"));
    if (!this.#wasHit && own.length > 1) {
      throw new RaceFailure(`Nothing went wrong, and these are left: ${own.join(", ")}`);
    }
    this.#faults = NO_FAULTS;
    this.#births.discover(before);
    this.#scheduler.advance(10 * DAY_MS);
    const process = this.#scheduler.start("final orphan remover", 0);
    const act = this.#act(process, this.#chance.fork());
    const removal = removeOrphans({
      location: act.options.location,
      dryRun: false,
      olderThanMs: this.#scheduler.clock.now() - DAY_MS,
      folder: null,
      equalSchemes: {},
      equalAuthorities: {},
      prefixMismatchMode: "ERROR",
    }, act.host).finally(() => process.end());
    const [receipt] = await Promise.all([removal, this.#scheduler.run()]);
    const left = await this.#leftovers(witness);
    if (left.length > 0 || receipt.deleted_files_count !== before.length) {
      throw new RaceFailure(
        `The removal of orphans deleted ${receipt.deleted_files_count} of ${before.length} files, ` +
          `and left ${left.join(", ")}; it kept ${JSON.stringify(receipt.kept_files)}`,
      );
    }
    return before.length;
  }

  /** Files that neither a snapshot nor the log of metadata files names. */
  async #leftovers(witness: Witness): Promise<readonly string[]> {
    const { metadata, metadataLocation } = witness.table;
    const named = new Set([
      ...witness.live,
      plain(metadataLocation),
      ...metadata.metadataLog.map(({ metadataFile }) => plain(metadataFile)),
      plain(`${metadata.location}/metadata/version-hint.text`),
    ]);
    const { io } = this.#bedOf();
    const all = io.listEverything?.(metadata.location) ?? io.listRecursive(metadata.location);
    const files = await Array.fromAsync(all, ({ location }) => plain(location));
    return files.filter((location) => !named.has(location) && !CHECKSUM.test(location)).sort();
  }

  /** Once more from the store itself: nothing that a snapshot needs has gone with the orphans. */
  async #readAgain(): Promise<void> {
    const { metadata } = this.#table();
    const { io } = this.#bedOf();
    for (const snapshot of metadata.snapshots) {
      const files = await readSnapshot(snapshot, { io, metadata });
      const rows = files.reduce((sum, file) => sum + file.rows.length, 0);
      const expected = this.#oracle.see(snapshot).size;
      if (rows === expected) continue;
      throw new RaceFailure(`Snapshot ${snapshot.snapshotId} has ${rows} of ${expected} rows`);
    }
  }

  #table() {
    if (this.#witness === null) throw new TypeError("The race has not begun");
    return this.#witness.table;
  }

  #bedOf(): TableBed {
    if (this.#bed === null) throw new TypeError("The race has not begun");
    return this.#bed;
  }
}
