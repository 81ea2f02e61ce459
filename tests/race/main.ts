/**
 * `deno task race`: races without end, or as many and as long as it is told to.
 *
 * ```sh
 * deno task race -- --seconds 600 --seed 7 --catalog sql
 * ```
 *
 * Prints a line for each failure, with the seed that repeats it, and figures at the end; the exit code
 * is 1 where there was one. `tests/race/README.md` explains the options.
 */
import { parseArgs } from "node:util";
import { readyParquet } from "../support/parquet_module.ts";
import { BED_KINDS, type BedKind, configuredBed } from "./_beds.ts";
import { type Fault, FAULTS } from "./_faults.ts";
import { type RaceFigures, type RaceOptions, runRace } from "./_race.ts";
import { sweep } from "./_sweep.ts";
import { WRITER_KINDS, type WriterKind } from "./_writers.ts";

/** How often figures are printed, in milliseconds. */
const REPORT_MS = 30_000;

interface Order {
  readonly seed: number;
  readonly races: number;
  readonly endMs: number;
  readonly catalogs: readonly BedKind[];
  readonly options: Omit<RaceOptions, "seed" | "catalog">;
  readonly showsTrace: boolean;
  /** Every fault at every step of every writer instead of races by chance. */
  readonly sweeps: boolean;
}

/** Sums over all races. */
class Tally {
  races = 0;
  failures = 0;
  readonly #startMs = performance.now();
  readonly #counts = new Map<string, number>();
  readonly #faults = new Map<Fault, number>();

  add(figures: RaceFigures): void {
    const { outcomes, faults, trace: _, ...counts } = figures;
    const counted = { ...counts, ...outcomes };
    for (const [name, count] of Object.entries(counted)) {
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
    for (const [fault, count] of faults) {
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + count);
    }
  }

  toString(): string {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(0);
    const list = (counts: ReadonlyMap<string, number>) =>
      [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
    return `${this.races} races, ${this.failures} failed, in ${seconds} s: ` +
      `${list(this.#counts)}; faults: ${list(this.#faults)}`;
  }
}

async function readOrder(args: readonly string[]): Promise<Order> {
  const { values } = parseArgs({
    args: [...args].filter((arg) => arg !== "--"),
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
      seconds: { type: "string" },
      races: { type: "string" },
      catalog: { type: "string", default: "all" },
      config: { type: "string" },
      writers: { type: "string" },
      operations: { type: "string" },
      trace: { type: "boolean", default: false },
      sweep: { type: "boolean", default: false },
    },
  });
  const { config, writers, operations, catalog } = values;
  const isOne = values.races === undefined && values.seconds === undefined;
  const open = config === undefined ? {} : await Deno.readTextFile(config).then((text) => ({
    openBed: (bed: Parameters<typeof configuredBed>[1]) => configuredBed(JSON.parse(text), bed),
  }));
  return {
    seed: numberOf("seed", values.seed),
    races: values.races === undefined ? (isOne ? 100 : Infinity) : numberOf("races", values.races),
    endMs: values.seconds === undefined
      ? Infinity
      : performance.now() + 1000 * numberOf("seconds", values.seconds),
    catalogs: catalog === "all" ? BED_KINDS : [oneOf(catalog, BED_KINDS)],
    options: {
      ...open,
      ...(writers === undefined
        ? {}
        : { writers: writers.split(",").map((name) => oneOf<WriterKind>(name, WRITER_KINDS)) }),
      ...(operations === undefined ? {} : { operations: numberOf("operations", operations) }),
    },
    showsTrace: values.trace,
    sweeps: values.sweep,
  };
}

function numberOf(name: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new RangeError(`Cannot use --${name} "${text}": expected a number`);
  }
  return Number(text);
}

function oneOf<T extends string>(name: string, known: readonly T[]): T {
  const found = known.find((one) => one === name);
  if (found === undefined) {
    throw new RangeError(`Cannot race "${name}": there are ${known.join(", ")}`);
  }
  return found;
}

async function main(): Promise<number> {
  const order = await readOrder(Deno.args);
  await readyParquet();
  return order.sweeps ? await sweepAll(order) : await raceOn(order);
}

/** Sweeps every writer on every catalog, until time is over. */
async function sweepAll({ seed, endMs, catalogs, options }: Order): Promise<number> {
  let failures = 0;
  for (const catalog of catalogs) {
    for (const writer of options.writers ?? WRITER_KINDS) {
      if (performance.now() > endMs) break;
      const onFailure = (error: unknown, what: string) => {
        failures++;
        console.log(`FAILED ${catalog}, ${what}: ${summaryOf(String(error))}`);
      };
      const figures = await sweep({ catalog, writer, seed, faults: FAULTS, onFailure });
      console.log(`${catalog}, ${writer}: ${JSON.stringify(figures)}`);
    }
  }
  console.log(`${failures} failed`);
  return failures === 0 ? 0 : 1;
}

async function raceOn(order: Order): Promise<number> {
  const { seed: first, races, endMs, catalogs, options, showsTrace } = order;
  const tally = new Tally();
  let reportMs = performance.now() + REPORT_MS;
  for (let i = 0; i < races && performance.now() < endMs; i++) {
    const seed = first + Math.floor(i / catalogs.length);
    const catalog = catalogs[i % catalogs.length] ?? "memory";
    tally.races++;
    try {
      const figures = await runRace({ seed, catalog, ...options });
      tally.add(figures);
      if (showsTrace) console.log(figures.trace.join("\n"));
    } catch (error) {
      tally.failures++;
      const message = error instanceof Error ? error.message : String(error);
      console.log(`FAILED ${catalog} ${seed}: ${showsTrace ? message : summaryOf(message)}`);
    }
    if (performance.now() < reportMs) continue;
    reportMs += REPORT_MS;
    console.log(tally.toString());
  }
  console.log(tally.toString());
  return tally.failures === 0 ? 0 : 1;
}

/** What went wrong, and how to see it again; without the steps. */
function summaryOf(message: string): string {
  return message.split("\n").filter((line) => !/^\d+ /.test(line)).join("\n  ");
}

if (import.meta.main) Deno.exit(await main());
