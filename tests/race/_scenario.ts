/**
 * A table on which things happen in an order that is written down: one operation runs, and where it
 * comes to a certain step, others run in between. Every version is held against the oracle.
 */
import { maintenanceJobs } from "../../lib/maintenance/jobs/mod.ts";
import type { FormatVersion } from "../../lib/iceberg/spec/table_metadata.ts";
import { testJobHost } from "../support/maintenance/job_host.ts";
import { Act, type Action, runAction } from "./_act.ts";
import { type BedKind, openBed, type TableBed } from "./_beds.ts";
import { Chance } from "./_chance.ts";
import { lostReply, type Point } from "./_faults.ts";
import { Oracle, type Outcome } from "./_oracle.ts";
import { RACE_PROPERTIES } from "./_race.ts";
import { BY_REGION, UNPARTITIONED } from "./_rows.ts";
import type { Stepper } from "./_scheduler.ts";
import { Births, WatchedIo } from "./_watched_io.ts";
import { plain, RaceFailure, Witness } from "./_witness.ts";

/** Milliseconds of a scenario's own time that a step takes. */
const STEP_MS = 1_000;

/** Options of {@linkcode openScenario}. */
export interface ScenarioOptions {
  readonly catalog?: BedKind;
  readonly formatVersion?: FormatVersion;
  readonly partitioned?: boolean;
  readonly properties?: Readonly<Record<string, string>>;
  readonly seed?: number;
}

/** Options of {@linkcode Scenario.run}. */
export interface RunOptions {
  /** The step before which `meanwhile` runs, once. */
  readonly at?: (point: Point) => boolean;
  readonly meanwhile?: () => Promise<unknown>;
  /** `meanwhile` runs each time that the operation comes to such a step. */
  readonly everyTime?: boolean;
  /** The reply to the first commit is lost; `landed` says whether it was made. */
  readonly loses?: "landed" | "sent in vain";
}

/** How an operation came out. */
export interface Ran {
  readonly outcome: Outcome;
  readonly error: unknown;
  /** What the job answered. */
  readonly receipt: unknown;
}

/** Where a compaction has written a data file, and is about to publish it. */
export const PUBLISHING = ({ what, where }: Point) => what === "close" && where.includes("/data/");
/** Where a data file is about to be read. */
export const READING = ({ what, where }: Point) => what === "read" && where.includes("/data/");
/** Where a commit is about to be made. */
export const COMMITTING = ({ weight }: Point) => weight === "commit";

/** Opens a table for one scenario. */
export async function openScenario(options: ScenarioOptions = {}): Promise<Scenario> {
  const { catalog = "memory", formatVersion = 2, partitioned = true, properties } = options;
  const time = { nowMs: Date.UTC(2026, 9, 1) };
  const clock = { now: () => time.nowMs += STEP_MS };
  const bed = await openBed(catalog, {
    formatVersion,
    spec: partitioned ? BY_REGION : UNPARTITIONED,
    properties: { ...RACE_PROPERTIES, ...properties },
    clock,
  });
  const scenario = new Scenario(bed, new Chance(options.seed ?? 1), { clock, partitioned });
  await scenario.witness.look("nobody");
  return scenario;
}

/** See the module comment. */
export class Scenario implements AsyncDisposable {
  readonly bed: TableBed;
  readonly witness: Witness;
  readonly oracle = new Oracle();
  readonly #chance: Chance;
  readonly #clock: { now(): number };
  readonly #births: Births;
  readonly #partitioned: boolean;

  constructor(
    bed: TableBed,
    chance: Chance,
    { clock, partitioned }: {
      readonly clock: { now(): number };
      readonly partitioned: boolean;
    },
  ) {
    this.bed = bed;
    this.#chance = chance;
    this.#clock = clock;
    this.#births = new Births(clock.now);
    this.#partitioned = partitioned;
    this.witness = new Witness({
      store: bed.openTable(bed.io, null),
      io: bed.io,
      oracle: this.oracle,
    });
  }

  /** Runs an operation; what is wrong with the table at any time is a failure. */
  async run(action: Action, options: RunOptions = {}): Promise<Ran> {
    const act = this.act(options);
    const outcome = await runAction(action, act);
    await this.witness.look("expirer");
    const problems = this.oracle.contradictions(this.witness.marks);
    if (problems.length > 0) throw new RaceFailure(problems.join("\n"));
    return { outcome, error: act.operation?.error ?? null, receipt: act.receipt };
  }

  /** Runs an operation that must come through, as often as is said. */
  async perform(action: Action, times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      const { outcome, error } = await this.run(action);
      if (outcome !== "acknowledged") throw new Error(`An operation was ${outcome}: ${error}`);
    }
  }

  /** An operation that is not under way yet. */
  act(options: RunOptions = {}): Act {
    const stepper = new Interposed(options, this.bed.commitsBy, {
      look: (writer) => this.witness.look(writer),
    });
    const io = new WatchedIo({
      io: this.bed.io,
      process: stepper,
      births: this.#births,
      opened: () => {},
    });
    const store = this.bed.openTable(io, stepper);
    const { signal } = stepper;
    const host = testJobHost(store, { io, clock: this.#clock, signal, tasks: maintenanceJobs });
    return new Act({
      writer: "scenario",
      location: this.bed.location,
      store,
      io,
      host,
      chance: this.#chance,
      rules: { deletesByRegion: this.#partitioned, keys: 12, expiresAfterMs: 0 },
      register: (intent) => this.oracle.register(host.operationId, "scenario", { intent }),
      nextUid: () => this.oracle.nextUid(),
    });
  }

  /** Files that no part of the table names. */
  async strayFiles(): Promise<readonly string[]> {
    const { metadata, metadataLocation } = this.witness.table;
    const named = new Set([
      ...this.witness.live,
      plain(metadataLocation),
      ...metadata.metadataLog.map(({ metadataFile }) => plain(metadataFile)),
      plain(`${metadata.location}/metadata/version-hint.text`),
    ]);
    const all = this.bed.io.listRecursive(metadata.location);
    const files = await Array.fromAsync(all, ({ location }) => plain(location));
    return files.filter((location) => !named.has(location));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }
}

/** Makes calls at once, but for what is to run in between. */
class Interposed implements Stepper {
  readonly signal = new AbortController().signal;
  readonly #options: RunOptions;
  readonly #commitsBy: string;
  readonly #look: (writer: string) => Promise<void>;
  #isDone = false;
  #hasLost = false;

  constructor(
    options: RunOptions,
    commitsBy: string,
    { look }: { readonly look: (writer: string) => Promise<void> },
  ) {
    this.#options = options;
    this.#commitsBy = commitsBy;
    this.#look = look;
  }

  async perform<T>(point: Point, effect: () => Promise<T>): Promise<T> {
    const { at, meanwhile, everyTime = false, loses } = this.#options;
    if ((everyTime || !this.#isDone) && at?.(point) === true) {
      this.#isDone = true;
      await meanwhile?.();
    }
    const isCommit = point.weight === "commit" && point.what === this.#commitsBy;
    const isLost = loses !== undefined && !this.#hasLost && isCommit;
    if (isLost) this.#hasLost = true;
    if (isLost && loses === "sent in vain") throw lostReply(point);
    const result = await effect();
    if (point.weight === "commit") await this.#look("expirer");
    if (isLost) throw lostReply(point);
    return result;
  }

  async work<T>(effect: () => Promise<T>): Promise<T> {
    return await effect();
  }
}
