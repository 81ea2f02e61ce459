/** Every fault at every step of one operation, each in a race of its own against others. */
import type { BedKind } from "./_beds.ts";
import { type Fault, NO_FAULTS, OneFault } from "./_faults.ts";
import { type RaceOptions, runRace } from "./_race.ts";
import type { WriterKind } from "./_writers.ts";

/** Options of {@linkcode sweep}. */
export interface SweepOptions {
  readonly catalog: BedKind;
  /** Whose first operation is hit. */
  readonly writer: WriterKind;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** `commits`: only steps that may change the table. All by default. */
  readonly steps?: "all" | "commits";
  /** Only every so many of these steps; every one by default. */
  readonly stride?: number;
  /** Told of every race that failed; the sweep goes on. */
  readonly onFailure: (error: unknown, what: string) => void;
}

/** Figures of a sweep. */
export interface SweepFigures {
  /** Steps of the operation where nothing goes wrong. */
  readonly steps: number;
  readonly races: number;
  /** Races in which the fault met its step. */
  readonly hits: number;
}

/** Who has been at the table before, so that there is something of everything to get wrong. */
const BEFORE: readonly WriterKind[] = ["row deleter", "tagger", "upserter", "branch appender"];

/** Whom it meets, of another kind than itself. */
const RIVALS: readonly WriterKind[] = ["appender", "row deleter", "key deleter"];

/** Sweeps one writer. */
export async function sweep(options: SweepOptions): Promise<SweepFigures> {
  const { catalog, writer, seed, faults, stride = 1 } = options;
  const race: RaceOptions = {
    seed,
    catalog,
    writers: [writer, ...RIVALS.filter((rival) => rival !== writer).slice(0, 2)],
    operations: 1,
    before: BEFORE,
    changesSpec: writer === "spec changer",
    ...(writer === "upgrader" ? { formatVersion: 2 } : {}),
    faults: NO_FAULTS,
  };
  const lines = stepsOf(writer, (await runRace(race)).trace);
  const chosen = lines.flatMap((line, at) =>
    options.steps !== "commits" || COMMIT.test(line) ? [at + 1] : []
  ).filter((_, at) => at % stride === 0);
  const steps = lines.length;
  let [races, hits] = [0, 0];
  for (const fault of faults) {
    for (const step of chosen) {
      const plan = new OneFault(writer, step, { fault });
      races++;
      try {
        await runRace({ ...race, faults: plan });
      } catch (error) {
        options.onFailure(error, `${writer}, ${fault} at step ${step} of ${steps}`);
      }
      if (plan.hit !== null) hits++;
    }
  }
  return { steps, races, hits };
}

/** A step that may change a table, as a trace tells of it. */
const COMMIT = / (?:commit \S+|create \S+\.metadata\.json(?:\.gz)?)$/;

function stepsOf(writer: WriterKind, trace: readonly string[]): readonly string[] {
  return trace.filter((line) => line.replace(/^\d+ /, "").startsWith(`${writer} `));
}
