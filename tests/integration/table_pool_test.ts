import assert from "node:assert/strict";
import { HadoopCatalog } from "../../lib/catalog/hadoop_catalog.ts";
import type { CatalogGateway, TableLocation } from "../../lib/catalog/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";
import { AppError } from "../../lib/errors.ts";
import type { JobProgress, RunJobOptions } from "../../lib/jobs/mod.ts";
import { rewriteManifestsJob } from "../../lib/maintenance/contract/mod.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { JOB_NICENESS } from "../../workers/_give_way.ts";
import {
  createTablePool,
  type Lender,
  MAX_WAITING_JOBS,
  type TableIsolate,
  type TablePool,
} from "../../workers/table_pool.ts";
import {
  countJob,
  crashJob,
  loadManyJob,
  readJob,
  shareJob,
  spinJob,
  waitJob,
} from "../support/jobs.ts";
import { rejectsWith } from "../support/rejects.ts";
import { definitionOf, gatewayOf } from "../support/writable_tables.ts";

const MEMORY_BYTES = 64 * 1024 * 1024;
const LOST = { kind: "unavailable", code: "isolate_lost" } as const;

function options(more: Partial<RunJobOptions> = {}): RunJobOptions {
  return {
    operationId: uuidV7(Date.now()),
    signal: new AbortController().signal,
    gateway: {} as CatalogGateway,
    ...more,
  };
}

async function withPool(
  test: (pool: TablePool, crashes: string[]) => Promise<void>,
  worker: URL | null = new URL("../support/jobs.worker.ts", import.meta.url),
  permissions: Deno.PermissionOptionsObject = { read: false },
): Promise<void> {
  const crashes: string[] = [];
  const pool = createTablePool({
    isolates: 2,
    memoryBytes: MEMORY_BYTES,
    permissions,
    loadModules: async () => ({ parquet: await loadWasmModule("parquet") }),
    onCrash: (_, reason) => crashes.push(reason),
    ...(worker === null ? {} : { worker }),
  });
  try {
    await test(pool, crashes);
  } finally {
    pool.close();
  }
}

Deno.test("a job knows its operation and its memory, and reports progress", async () => {
  await withPool(async (pool) => {
    const seen: JobProgress[] = [];
    const given = options({ onProgress: (progress) => seen.push(progress) });
    const result = await pool.run(countJob, { to: 3 }, given);
    assert.deepEqual(result, { operationId: given.operationId, memoryBytes: MEMORY_BYTES });
    // What comes faster than anybody wants to hear it is left out, the last value never.
    assert.equal(seen.at(-1)?.done, 3);
  });
});

Deno.test("a short job does not wait behind long ones", async () => {
  await withPool(async (pool) => {
    const aborter = new AbortController();
    const long = [1, 2, 3].map(() =>
      rejectsWith(pool.run(waitJob, {}, options({ signal: aborter.signal })), {
        kind: "cancelled",
        code: "cancelled",
      })
    );
    await pool.run(countJob, { to: 1 }, options());
    aborter.abort(new AppError("cancelled", "cancelled", "enough"));
    await Promise.all(long);
  });
});

Deno.test("more jobs than may wait are refused", async () => {
  await withPool(async (pool) => {
    const aborter = new AbortController();
    const { signal } = aborter;
    const waiting = Array.from(
      { length: MAX_WAITING_JOBS + 2 },
      () => pool.run(waitJob, {}, options({ signal })).catch((error) => error.code),
    );
    await rejectsWith(pool.run(waitJob, {}, options({ signal })), {
      kind: "unavailable",
      code: "jobs_busy",
    });
    aborter.abort(new AppError("cancelled", "cancelled", "enough"));
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["cancelled"]));
  });
});

Deno.test("an isolate that falls over rejects its job and is replaced", async () => {
  await withPool(async (pool, crashes) => {
    await rejectsWith(pool.run(crashJob, {}, options()), LOST);
    assert.equal(crashes.length, 1);
    assert.deepEqual(await pool.run(shareJob, { parts: 1 }, options()), {
      bytes: 2_000_000,
      width: 2,
    });
  });
});

Deno.test("a job that never lets go is ended with its isolate, at its deadline", async () => {
  await withPool(async (pool) => {
    const started = performance.now();
    await rejectsWith(pool.run(spinJob, {}, options({ deadlineMs: 200, stopWithinMs: 300 })), {
      kind: "deadline_exceeded",
      code: "deadline_exceeded",
    });
    assert.ok(performance.now() - started < 5_000);
    await pool.run(readJob, {}, options());
  });
});

Deno.test("a job reads what is streamed in; the source is not read ahead of it", async () => {
  await withPool(async (pool) => {
    let pulled = 0;
    const input = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pulled > 100) controller.close();
        else controller.enqueue(new Uint8Array(100_000));
      },
    });
    assert.deepEqual(await pool.run(readJob, {}, options({ input })), { bytes: 10_000_000 });
  });
});

Deno.test("a source that breaks breaks the job", async () => {
  await withPool(async (pool) => {
    const broken = new AppError("malformed", "body_broken", "Cannot read the body");
    const input = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(broken),
    });
    const expected = { kind: "malformed", code: "body_broken" } as const;
    await rejectsWith(pool.run(readJob, {}, options({ input })), expected);
  });
});

Deno.test("tasks go to free isolates; where none is, the job does them itself", async () => {
  await withPool(async (pool) => {
    const shared = await Promise.all([1, 2].map(() => pool.run(shareJob, { parts: 8 }, options())));
    assert.deepEqual(shared.map(({ bytes }) => bytes), [16_000_000, 16_000_000]);
  });
});

/** A lender that keeps count of what it has lent. */
function counted(
  lender: Lender<TableIsolate>,
): Lender<TableIsolate> & { lent: number; out: number } {
  return {
    lent: 0,
    out: 0,
    tryAcquire() {
      const isolate = lender.tryAcquire();
      if (isolate !== null) {
        this.lent++;
        this.out++;
      }
      return isolate;
    },
    release(isolate) {
      this.out--;
      lender.release(isolate);
    },
  };
}

Deno.test("tasks go to isolates that another pool lends, while its own jobs do not want them", async () => {
  await withPool(async (other) => {
    const lender = counted(other.lender);
    const pool = createTablePool({
      isolates: 1,
      memoryBytes: MEMORY_BYTES,
      permissions: { read: false },
      loadModules: async () => ({ parquet: await loadWasmModule("parquet") }),
      onCrash: () => assert.fail("No isolate ought to be lost"),
      worker: new URL("../support/jobs.worker.ts", import.meta.url),
      helpers: { lender, isolates: 2 },
    });
    try {
      const shared = await pool.run(shareJob, { parts: 8 }, options());
      assert.deepEqual(shared, { bytes: 16_000_000, width: 2 });
      assert(lender.lent > 0);
      assert.equal(lender.out, 0);
      const aborter = new AbortController();
      const { signal } = aborter;
      const busy = [1, 2].map(() => other.run(waitJob, {}, options({ signal })).catch(() => null));
      const { lent } = lender;
      assert.equal((await pool.run(shareJob, { parts: 3 }, options())).bytes, 6_000_000);
      assert.equal(lender.lent, lent);
      aborter.abort(new AppError("cancelled", "cancelled", "enough"));
      await Promise.all(busy);
      await Promise.all([1, 2].map(() => other.run(readJob, {}, options())));
    } finally {
      pool.close();
    }
  });
});

Deno.test("tasks ask the job's catalog, in whatever isolate they are", async () => {
  const location: TableLocation = {
    kind: "rest",
    identifier: { namespace: ["db"], name: "t" },
    response: new TextEncoder().encode("{}"),
    storage: { local: null, s3: null },
  };
  let asked = 0;
  const locate = () => {
    asked++;
    return Promise.reject(new AppError("not_found", "table_gone", "Cannot find table"));
  };
  await withPool(async (pool) => {
    const gateway = { locate } as Partial<CatalogGateway> as CatalogGateway;
    const { codes } = await pool.run(loadManyJob, { location, parts: 4 }, options({ gateway }));
    assert.deepEqual(codes, Array(4).fill("table_gone"));
    assert.equal(asked, 4);
  });
});

/** Nicenesses of this process's threads; the 19th field of what the system says of each. */
function nicenesses(): readonly number[] {
  return [...Deno.readDirSync("/proc/self/task")].map(({ name }) => {
    const stat = Deno.readTextFileSync(`/proc/self/task/${name}/stat`);
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  });
}

Deno.test("a real isolate changes a real table, with the permissions of its warehouse", async () => {
  const warehouse = await Deno.realPath(await Deno.makeTempDir());
  const storage = { local: { kind: "local", roots: [warehouse] }, s3: null } as const;
  const io = openStorage(storage);
  const catalog = new HadoopCatalog({ name: "drls", warehouse, io, storage });
  const permissions = {
    read: [warehouse],
    write: [warehouse],
    net: false,
    env: false,
    run: false,
    ffi: false,
    sys: ["setPriority" as const],
  };
  try {
    await withPool(
      async (pool) => {
        const location = await catalog.createTable(definitionOf("db.t"));
        const params = { location, dryRun: false, specId: null, sortBy: null };
        const receipt = await pool.run(
          rewriteManifestsJob,
          params,
          options({ gateway: gatewayOf(catalog) }),
        );
        assert.equal(receipt.rewritten_manifests_count, 0);
        if (Deno.build.os === "linux") assert.ok(nicenesses().includes(JOB_NICENESS));
      },
      null,
      permissions,
    );
  } finally {
    await Deno.remove(warehouse, { recursive: true });
  }
});
