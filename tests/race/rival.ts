/**
 * A process that races for a table with others: `rival.ts <order as JSON>`. It prints a line of JSON
 * before each operation that can take effect, and one after it, so that it may be killed at any time.
 */
import { openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { maintenanceJobs } from "../../lib/maintenance/jobs/mod.ts";
import { testJobHost } from "../support/maintenance/job_host.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { Act, runAction } from "./_act.ts";
import { bedAt, type TableBed } from "./_beds.ts";
import { Chance } from "./_chance.ts";
import type { Point } from "./_faults.ts";
import { Oracle } from "./_oracle.ts";
import type { RivalLine, RivalOrder } from "./_parallel.ts";
import type { Stepper } from "./_scheduler.ts";
import { Births, WatchedIo } from "./_watched_io.ts";
import { type WriterKind, WRITERS } from "./_writers.ts";

/** Milliseconds that a step waits at most before it is made. */
const MAX_WAIT_MS = 6;

/** Makes calls after a moment of chance. */
class Dawdler implements Stepper {
  readonly signal = new AbortController().signal;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  async perform<T>(_: Point, effect: () => Promise<T>): Promise<T> {
    const waitMs = this.#chance.below(MAX_WAIT_MS);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    return await effect();
  }

  async work<T>(effect: () => Promise<T>): Promise<T> {
    return await effect();
  }
}

/** In one piece, and gone from this process before anything else happens. */
function print(line: RivalLine): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function drive(
  kind: WriterKind,
  bed: TableBed,
  { order, chance, nextUid }: {
    readonly order: RivalOrder;
    readonly chance: Chance;
    readonly nextUid: () => number;
  },
): Promise<void> {
  const oracle = new Oracle();
  for (let i = 0; i < order.operations; i++) {
    const stepper = new Dawdler(chance.fork());
    const births = new Births(() => Date.now());
    const io = new WatchedIo({ io: bed.io, process: stepper, births, opened: () => {} });
    const store = bed.openTable(io, stepper);
    const host = testJobHost(store, { io, clock: systemClock, tasks: maintenanceJobs });
    const id = host.operationId;
    const act = new Act({
      writer: kind,
      location: bed.location,
      store,
      io,
      host,
      chance: chance.fork(),
      rules: order.rules,
      register: (intent) => {
        print({ kind: "begins", id, writer: kind, intent });
        return oracle.register(id, kind, { intent });
      },
      nextUid,
    });
    const outcome = await runAction(WRITERS[kind], act);
    const { expectedSnapshots = null, mark = null, error = null } = act.operation ?? {};
    print({ kind: "ends", id, outcome, expectedSnapshots, mark, error: String(error ?? "") });
  }
}

const order: RivalOrder = JSON.parse(Deno.args[0] ?? "");
await readyParquet();
const options = { dataDir: null, storageRoots: [] };
const catalog = openCatalog(parseCatalogConfig(order.config, options), options);
const location = await catalog.locate(order.table);
const bed = bedAt(location, catalog, { dispose: () => Promise.resolve() });
const chance = new Chance(order.seed);
let uids = order.firstUid;
// All start together, so that they really meet.
await new Promise((resolve) => setTimeout(resolve, order.startAtMs - Date.now()));
await Promise.all(
  order.writers.map((kind) =>
    drive(kind, bed, { order, chance: chance.fork(), nextUid: () => uids++ })
  ),
);
await bed[Symbol.asyncDispose]();
