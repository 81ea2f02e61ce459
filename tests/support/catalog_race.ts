/** Starts {@linkcode file://./catalog_race_child.ts} processes that race for one table. */
import type { RaceOutcome } from "./writable_tables.ts";

const CHILD = new URL("./catalog_race_child.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** What one process is told. */
export interface RaceOrder {
  /** A body of `PUT /api/config`. */
  readonly config: unknown;
  readonly table: string;
  /** Columns added by this process begin like this. */
  readonly label: string;
  /** Writers within the process. */
  readonly stores: number;
  /** Commits of each writer. */
  readonly commits: number;
  /** By the wall clock. */
  readonly startAtMs: number;
}

/** A race to run. */
export interface RaceOptions extends Omit<RaceOrder, "label" | "startAtMs"> {
  /** Takes part from within this process. */
  readonly here: () => Promise<RaceOutcome>;
}

/** Runs one process for each label, at once, and puts together what became of their commits. */
export async function raceProcesses(
  labels: readonly string[],
  { here, ...order }: RaceOptions,
): Promise<RaceOutcome> {
  const startAtMs = Date.now() + 2_500;
  const children = labels.map((label) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", `--config=${CONFIG.pathname}`, CHILD.pathname]
        .concat(JSON.stringify({ ...order, label, startAtMs })),
      stdout: "piped",
      stderr: "piped",
    }).spawn()
  );
  const collecting = Promise.all(children.map((child) => child.output()));
  await new Promise((resolve) => setTimeout(resolve, startAtMs - Date.now()));
  const [own, outputs] = await Promise.all([here(), collecting]);
  const outcomes = outputs.map(({ success, stdout, stderr }): RaceOutcome => {
    if (!success) throw new Error(`Child failed: ${new TextDecoder().decode(stderr)}`);
    return JSON.parse(new TextDecoder().decode(stdout));
  });
  outcomes.push(own);
  return {
    acknowledged: outcomes.flatMap((outcome) => outcome.acknowledged),
    unknown: outcomes.flatMap((outcome) => outcome.unknown),
  };
}
