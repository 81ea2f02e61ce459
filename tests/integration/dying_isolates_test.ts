/** Isolates that die in the middle of a job: what the caller hears, and what is left of it. */
import assert from "node:assert/strict";
import type { Catalog, CatalogGateway } from "../../lib/catalog/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { createTablePool } from "../../workers/table_pool.ts";
import { type DYING_STEPS, dyingJob } from "../support/dying_jobs.ts";
import { rejectsWith } from "../support/rejects.ts";
import { filesBelow, withSqlCatalog } from "../support/sql_catalog_bed.ts";
import {
  commitOne,
  definitionOf,
  gatewayOf,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

/** What became of a job. */
interface Death {
  readonly run: Promise<{ rows: number }>;
  /** Rows of the table, by its snapshot's own account. */
  readonly rows: () => Promise<number>;
  /** Files in the table's data folder. */
  readonly dataFiles: () => Promise<readonly string[]>;
  readonly crashes: readonly string[];
}

/** Runs the job on a table of its own; `rival` changes the table once the isolate is dead. */
async function dyingAt(
  step: typeof DYING_STEPS[number],
  test: (death: Death) => Promise<void>,
  { announces = true, rival = () => Promise.resolve() }: {
    readonly announces?: boolean;
    readonly rival?: (catalog: Catalog) => Promise<void>;
  } = {},
): Promise<void> {
  await withSqlCatalog([], async ({ dir, open }) => {
    const catalog = open();
    const location = await catalog.createTable(definitionOf("db.t"));
    const crashes: string[] = [];
    const dead = Promise.withResolvers<void>();
    const warehouse = await Deno.realPath(`${dir}/wh`);
    const pool = createTablePool({
      isolates: 1,
      memoryBytes: 64 * 1024 * 1024,
      permissions: { read: [warehouse, `${dir}/wh`], write: [warehouse, `${dir}/wh`] },
      loadModules: async () => ({ parquet: await loadWasmModule("parquet") }),
      onCrash: (_, reason) => {
        crashes.push(reason);
        dead.resolve();
      },
      worker: new URL("../support/dying_jobs.worker.ts", import.meta.url),
      settleMs: 0,
    });
    const real = gatewayOf(catalog);
    const gateway: CatalogGateway = {
      ...real,
      async commit(...given) {
        const answer = await real.commit(...given);
        if (step === "committing") await dead.promise.then(() => rival(catalog));
        return answer;
      },
    };
    try {
      const run = pool.run(dyingJob, { location, step, announces }, {
        operationId: uuidV7(Date.now()),
        signal: new AbortController().signal,
        gateway,
      });
      run.catch(() => {/* the test looks at it */});
      await test({
        run,
        crashes,
        async rows() {
          const here = await catalog.locate("db.t");
          const { metadata } = await storeOf(catalog, here).load();
          return Number(metadata.snapshots.at(-1)?.summary["total-records"] ?? 0);
        },
        dataFiles: async () =>
          (await filesBelow(`${dir}/wh`)).filter((path) => path.includes("/data/")),
      });
    } finally {
      pool.close();
    }
  });
}

Deno.test("a job whose isolate lives appends its file", () =>
  dyingAt("nowhere", async ({ run, rows, dataFiles, crashes }) => {
    assert.deepEqual(await run, { rows: 7 });
    assert.equal(await rows(), 7);
    assert.equal((await dataFiles()).length, 1);
    assert.deepEqual(crashes, []);
  }));

for (const step of ["writing", "written"] as const) {
  Deno.test(`an isolate that dies ${step} a file leaves the table and its folder as they were`, () =>
    dyingAt(step, async ({ run, rows, dataFiles, crashes }) => {
      await rejectsWith(run, { kind: "unavailable", code: "isolate_lost" });
      assert.equal(await rows(), 0);
      assert.deepEqual(await dataFiles(), []);
      assert.deepEqual(crashes.length, 1);
    }));
}

for (const step of ["committing", "committed"] as const) {
  Deno.test(`an isolate that dies ${step}, having said what it would answer, has answered`, () =>
    dyingAt(step, async ({ run, rows, dataFiles }) => {
      assert.deepEqual(await run, { rows: 7 });
      assert.equal(await rows(), 7);
      assert.equal((await dataFiles()).length, 1);
    }));

  Deno.test(`an isolate that dies ${step} with more to do is said to have changed the table`, () =>
    dyingAt(step, async ({ run, rows, dataFiles }) => {
      await rejectsWith(run, { kind: "commit_state_unknown", code: "interrupted_after_commit" });
      assert.equal(await rows(), 7);
      assert.equal((await dataFiles()).length, 1);
    }, { announces: false }));
}

Deno.test("a commit of a dead isolate is found under a rival's that came after it", () =>
  dyingAt("committing", async ({ run, rows, dataFiles }) => {
    assert.deepEqual(await run, { rows: 7 });
    assert.equal(await rows(), 7);
    assert.equal((await dataFiles()).length, 1);
  }, {
    rival: async (catalog) => {
      const location = await catalog.locate("db.t");
      await commitOne(storeOf(catalog, location), settingProperties({ rival: "was here" }));
    },
  }));
