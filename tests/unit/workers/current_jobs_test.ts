import assert from "node:assert/strict";
import { createCurrentJobs } from "../../../workers/current_jobs.ts";
import type { TableIsolate, TablePool } from "../../../workers/table_pool.ts";

/** Pools of one isolate, by their permissions. */
class Pools {
  readonly closed: string[] = [];
  readonly released: string[] = [];

  readonly open = ({ read }: Deno.PermissionOptionsObject): TablePool => {
    const name = String(read);
    const isolate: Partial<TableIsolate> = {};
    const free = [isolate as TableIsolate];
    const pool: Partial<TablePool> = {
      lender: {
        tryAcquire: () => free.pop() ?? null,
        release: (isolate) => {
          free.push(isolate);
          this.released.push(name);
        },
      },
      close: () => void this.closed.push(name),
    };
    return pool as TablePool;
  };
}

Deno.test("isolates that are lent keep their pool, whatever comes after it, until they are given back", async () => {
  const pools = new Pools();
  const { lender, permit } = createCurrentJobs(pools.open, { read: ["/old"] });
  const old = lender.tryAcquire();
  assert.ok(old !== null);
  assert.equal(lender.tryAcquire(), null);
  permit({ read: ["/new"] });
  const fresh = lender.tryAcquire();
  assert.ok(fresh !== null && fresh !== old);
  await Promise.resolve();
  assert.deepEqual(pools.closed, []);
  lender.release(old);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(pools.released, ["/old"]);
  assert.deepEqual(pools.closed, ["/old"]);
  lender.release(fresh);
  assert.deepEqual(pools.released, ["/old", "/new"]);
});
