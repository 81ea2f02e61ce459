/**
 * Servers that die while an operation commits, and what their successors make of it: over a real state,
 * a real sql catalog and real tables.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import { TableLocationSchema } from "../../lib/catalog/load/mod.ts";
import type { Catalog } from "../../lib/catalog/mod.ts";
import { createLog } from "../../lib/log.ts";
import {
  defineJob,
  findCommitJob,
  type FindCommitParams,
  type JobRunner,
  type RunJobOptions,
} from "../../lib/jobs/mod.ts";
import { findCommit } from "../../lib/maintenance/jobs/mod.ts";
import {
  createOperations,
  type JobOperation,
  type Operation,
  type Operations,
} from "../../lib/operations/mod.ts";
import { openState, sql, type State } from "../../lib/state/mod.ts";
import { addingColumn, commitOne, definitionOf, storeOf } from "../support/writable_tables.ts";
import { testJobHost } from "../support/maintenance/job_host.ts";
import { rejectsWith } from "../support/rejects.ts";
import { withSqlCatalog } from "../support/sql_catalog_bed.ts";

/** Well past what a server may be silent for. */
const LATER_MS = 60_000;

const job = defineJob({
  name: "add",
  params: z.object({ location: TableLocationSchema }),
  result: z.object({ columns: z.int() }),
});

type Params = z.infer<typeof job.params>;

/** What the dying server's job does; it never answers. */
type Work = (world: World, options: RunJobOptions) => Promise<void>;

interface World {
  readonly catalog: Catalog;
  readonly state: State;
  readonly now: { ms: number };
  /** Runs the operation on a server that dies; resolves when it does. */
  readonly dieAt: (work: Work) => Promise<string>;
  /** A successor, once the dead one has been silent for long. */
  readonly successor: () => Promise<Operations>;
  /** The operation, as soon as the successor has found out about it. */
  readonly settled: (operations: Operations, id: string) => Promise<Operation>;
}

const { signal } = new AbortController();
const ctx = { principal: LOCAL_PRINCIPAL, requestId: "r1", signal, agent: "trex" };
const keyed = { ...ctx, idempotency: { key: "k", scope: "POST /x", fingerprint: "f" } };

const add: JobOperation<Params, { columns: number }> = {
  kind: "add",
  role: "DataEngineer",
  action: "table.evolve",
  input: {},
  job,
  async prepare(catalog) {
    return { table: "db.t", params: { location: await catalog.locate("db.t") } };
  },
  toDetails: ({ columns }) => ({ columns }),
  toAudit: ({ columns }) => ({ before: null, after: { columns } }),
};

async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  await withSqlCatalog([], async ({ dir, open }) => {
    const catalog = open();
    const state = await openState({ url: `file:${dir}/s.db`, authToken: null, dataDir: dir });
    const now = { ms: Date.now() };
    const started: Operations[] = [];
    const serve = async (instance: string, runner: JobRunner) => {
      const operations = await createOperations({
        state,
        runner,
        withCatalog: (fn) => fn(catalog),
        clock: { now: () => now.ms },
        log: createLog({ level: "error" }),
        instance,
      });
      started.push(operations);
      return operations;
    };
    const world: World = {
      catalog,
      state,
      now,
      async dieAt(work) {
        const died = Promise.withResolvers<void>();
        const operations = await serve(`dead-${started.length}`, {
          run: (_job, _params, options) => {
            work(world, options).then(died.resolve, died.reject);
            // Its server is gone: nobody hears of an end. Closing the test's stand-in must end it.
            return new Promise((_, reject) =>
              options.signal.addEventListener("abort", () => reject(options.signal.reason))
            );
          },
        });
        const { id, result } = await operations.run(keyed, add);
        result.catch(() => {/* nobody waits for it any more */});
        await died.promise;
        return id;
      },
      successor() {
        now.ms += LATER_MS;
        return serve("successor", {
          async run(spec, params, options) {
            if (spec.name !== findCommitJob.name) return spec.result.parse({ columns: 1 });
            const given = params as FindCommitParams;
            const host = testJobHost(storeOf(catalog, given.location), { signal: options.signal });
            return spec.result.parse(await findCommit({ ...given, settleMs: 0 }, host));
          },
        });
      },
      async settled(operations, id) {
        for (;;) {
          const operation = await operations.get(ctx, id);
          const { error, state } = operation;
          if (state !== "running" && error?.code !== "server_stopped") return operation;
        }
      },
    };
    await catalog.createTable(definitionOf("db.t"));
    try {
      await test(world);
    } finally {
      for (const operations of started) await operations.close();
      await state.close();
    }
  });
}

async function loadNow({ catalog }: World) {
  const store = storeOf(catalog, await catalog.locate("db.t"));
  return { store, table: await store.load() };
}

/** Asks leave for a commit that adds a column, and makes it if `lands`. */
function committing(
  { lands, receipt }: { readonly lands: boolean; readonly receipt: unknown },
): Work {
  return async (world, { onCommit }) => {
    const { store, table } = await loadNow(world);
    const after = lands ? (await commitOne(store, addingColumn("extra"))).metadata : null;
    await onCommit?.({
      base: table.metadataLocation,
      lastUpdatedMs: after?.lastUpdatedMs ?? world.now.ms,
      snapshotIds: [],
      atMs: world.now.ms,
      receipt,
    });
  };
}

Deno.test("a change that came through before its server died has succeeded, audit and all", () =>
  withWorld(async (world) => {
    const id = await world.dieAt(committing({ lands: true, receipt: { columns: 7 } }));
    const operations = await world.successor();
    const { state, result, error } = await world.settled(operations, id);
    assert.deepEqual([state, error], ["succeeded", null]);
    assert.equal(result?.details_json, '{"columns":7}');
    const audit = await world.state.read(
      z.object({
        action: z.string(),
        target: z.string(),
        agent: z.string(),
        request_id: z.string(),
        after: z.string(),
      }),
      sql`SELECT * FROM audit WHERE action = 'table.evolve'`,
    );
    assert.deepEqual(audit, [{
      action: "table.evolve",
      target: "table:db.t",
      agent: "trex",
      request_id: "r1",
      after: JSON.stringify({ operation_id: id, result: { columns: 7 } }),
    }]);
    const again = await operations.run(keyed, add);
    assert.deepEqual([again.id, again.replayed], [id, true]);
    assert.equal((await again.result).details_json, '{"columns":7}');
  }));

Deno.test("a change that did not come through has failed, and a repeat is a new try", () =>
  withWorld(async (world) => {
    const id = await world.dieAt(committing({ lands: false, receipt: { columns: 7 } }));
    const operations = await world.successor();
    const { state, error } = await world.settled(operations, id);
    assert.deepEqual([state, error?.code], ["failed", "server_stopped_before_commit"]);
    const again = await operations.run(keyed, add);
    assert.equal(again.replayed, false);
    assert.notEqual(again.id, id);
    await again.result;
  }));

Deno.test("a change with more to do is told from one that was whole", () =>
  withWorld(async (world) => {
    const id = await world.dieAt(committing({ lands: true, receipt: null }));
    const operations = await world.successor();
    const { state, error } = await world.settled(operations, id);
    assert.deepEqual([state, error?.code], ["unknown", "interrupted_after_commit"]);
    const again = await operations.run(keyed, add);
    await rejectsWith(again.result, {
      kind: "commit_state_unknown",
      code: "interrupted_after_commit",
    });
  }));

Deno.test("a change of a table that is gone stays in doubt, for good", () =>
  withWorld(async (world) => {
    const id = await world.dieAt(committing({ lands: false, receipt: { columns: 7 } }));
    await world.catalog.dropTable(await world.catalog.locate("db.t"));
    const operations = await world.successor();
    const { state, error } = await world.settled(operations, id);
    assert.deepEqual([state, error?.code], ["unknown", "interrupted_while_committing"]);
  }));
