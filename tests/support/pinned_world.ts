/**
 * The verbs of maintenance and of table changes over real operations, a real state and a table of
 * numbers whose jobs run in this isolate, so that a test can take pins at any moment of a job.
 */
import { LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import type { Catalog } from "../../lib/catalog/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import type { JobRunner, JobSpec, RunJobOptions } from "../../lib/jobs/mod.ts";
import { createLog } from "../../lib/log.ts";
import { ExpireParams } from "../../lib/maintenance/contract/mod.ts";
import { expire } from "../../lib/maintenance/jobs/mod.ts";
import { createMaintenance } from "../../lib/maintenance/mod.ts";
import { createOperations, type OperationContext } from "../../lib/operations/mod.ts";
import { hold, type PinToHold, release } from "../../lib/pins/mod.ts";
import { openState, type State } from "../../lib/state/mod.ts";
import { createTableChanges } from "../../lib/tables/mod.ts";
import { ANY_LOCATION, testJobHost } from "./maintenance/job_host.ts";
import { RowTable } from "./maintenance/row_table.ts";
import { NOTE } from "./operations_world.ts";
import { standIn } from "./stand_in.ts";

/** The caller: an Admin who stays. */
export const ctx: OperationContext = {
  principal: LOCAL_PRINCIPAL,
  requestId: "r1",
  signal: new AbortController().signal,
  agent: null,
};

/** What a test finds. */
export type PinnedWorld = Awaited<ReturnType<typeof open>>;

/** Runs a test over the table `db.events` and a fresh state. */
export async function withPinnedWorld(test: (world: PinnedWorld) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-pinned-" });
  const state = await openState({ url: `file:${dataDir}/state.db`, authToken: null, dataDir });
  const world = await open(state);
  try {
    await test(world);
  } finally {
    await world.operations.close();
    await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function open(state: State) {
  const table = new RowTable();
  /** Called when a job is about to ask for leave, and when it has got it. */
  const hooks = { beforeLeave: () => Promise.resolve(), afterLeave: () => Promise.resolve() };
  const dropped: string[] = [];
  const { clock } = table.runtime;
  const catalog = catalogOf((name) => dropped.push(name));
  const runner: JobRunner = {
    run: async (job, params, options) => job.result.parse(await perform(job, params, options)),
  };
  /** Expires in earnest; of other jobs only the change of the table happens. */
  async function perform<P, R>(job: JobSpec<P, R>, params: P, options: RunJobOptions) {
    if (job.name === "expire") {
      const { signal } = options;
      const host = testJobHost(leaving(table.store, options), { clock, signal });
      return await expire(ExpireParams.parse(params), host);
    }
    await hooks.beforeLeave();
    if (job.name === "purge-table") await options.gateway.drop(ANY_LOCATION);
    else await options.onCommit?.(NOTE);
    throw new AppError("conflict", "far_enough", "The table would have been changed");
  }
  /** Asks for leave before each commit, as table isolates do. */
  function leaving(store: TableStore, { onCommit }: RunJobOptions): TableStore {
    return {
      load: (signal) => store.load(signal),
      async commit(base, change, options) {
        await hooks.beforeLeave();
        await onCommit?.({ ...NOTE, base: base.metadataLocation });
        await hooks.afterLeave();
        return await store.commit(base, change, options);
      },
    };
  }
  const operations = await createOperations({
    state,
    runner,
    withCatalog: (fn) => fn(catalog),
    clock,
    log: createLog({ level: "error" }),
    instance: "a",
  });
  return {
    table,
    state,
    operations,
    hooks,
    dropped,
    maintenance: createMaintenance({ operations, state, clock }),
    changes: createTableChanges({ operations, state, clock }),
    /** A pipeline pins the table's snapshot at this place from the oldest. */
    async pin(place: number | null, more: Partial<PinToHold> = {}) {
      const { snapshots, tableUuid } = table.store.table.metadata;
      const snapshotId = place === null ? null : snapshots[place]?.snapshotId ?? null;
      const pin = { holder: "pipeline 1", name: "events to lake", table: "db.events", tableUuid };
      const times = { untilMs: null, atMs: clock.now() };
      await state.transaction((tx) => hold(tx, { ...pin, snapshotId, ...times, ...more }));
    },
    release: (holder = "pipeline 1") => state.transaction((tx) => release(tx, holder)),
    snapshotIds: () =>
      table.store.table.metadata.snapshots.map(({ snapshotId }) => String(snapshotId)),
  };
}

/** A catalog of one table. */
function catalogOf(onDrop: (name: string) => void): Catalog {
  const notFound = () => new AppError("not_found", "table_not_found", "Cannot find it");
  return standIn<Catalog>({
    name: "drls",
    locate: (name) =>
      name === "db.events" ? Promise.resolve(ANY_LOCATION) : Promise.reject(notFound()),
    dropTable: ({ identifier }) => Promise.resolve(onDrop(identifier.name)),
  });
}
