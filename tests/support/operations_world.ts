/** Operations over a real state and a job that the test decides about, on one server or more. */
import { z } from "zod";
import { type CallContext, LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import type { Catalog } from "../../lib/catalog/mod.ts";
import {
  type CommitNote,
  defineJob,
  type JobRunner,
  type RunJobOptions,
} from "../../lib/jobs/mod.ts";
import { createLog } from "../../lib/log.ts";
import {
  createOperations,
  type JobOperation,
  type OperationContext,
  type Operations,
} from "../../lib/operations/mod.ts";
import { openState, sql, type State } from "../../lib/state/mod.ts";

const job = defineJob({
  name: "tidy",
  params: z.object({ n: z.int() }),
  result: z.object({ files: z.int() }),
});

/** What the job does; the test decides. */
export type Work = (options: RunJobOptions) => Promise<{ files: number }>;

/** What a test finds. */
export interface World {
  readonly operations: Operations;
  readonly state: State;
  readonly now: { ms: number };
  /** Resolves when the catalog is asked to drop a table. */
  readonly dropped: Promise<void>;
  /** Another server over the same state. */
  readonly another: (instance: string, work: Work) => Promise<Operations>;
}

/** Runs a test over a fresh state, with the first server open. */
export async function withWorld(work: Work, test: (world: World) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const state = await openState({ url: `file:${dataDir}/s.db`, authToken: null, dataDir });
  const now = { ms: Date.UTC(2026, 0, 1) };
  const open: Operations[] = [];
  const another = async (instance: string, does: Work) => {
    const runner: JobRunner = {
      run: async (spec, _, options) => spec.result.parse(await does(options)),
    };
    const operations = await createOperations({
      state,
      runner,
      withCatalog: (fn) => fn(catalog),
      clock: { now: () => now.ms },
      log: createLog({ level: "error" }),
      instance,
    });
    open.push(operations);
    return operations;
  };
  const { promise: dropped, resolve: onDrop } = Promise.withResolvers<void>();
  const dropTable = () => Promise.resolve(onDrop());
  const catalog = { name: "drls", dropTable } as Pick<Catalog, "name" | "dropTable"> as Catalog;
  try {
    await test({ operations: await another("a", work), state, now, another, dropped });
  } finally {
    for (const one of open) await one.close();
    await state.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** A commit about to be tried. */
export const NOTE: CommitNote = {
  base: "v1",
  lastUpdatedMs: 1,
  snapshotIds: [],
  atMs: 1,
  receipt: null,
};

const { signal } = new AbortController();
/** The caller: an Admin who stays. */
export const ctx: CallContext = {
  principal: LOCAL_PRINCIPAL,
  requestId: "r1",
  signal,
  agent: null,
};

/** An operation of {@linkcode job}. */
export function tidy(more: Partial<JobOperation<{ n: number }, { files: number }>> = {}) {
  return {
    kind: "tidy",
    role: "DataEngineer",
    action: "table.tidy",
    input: { n: 1 },
    job,
    prepare: () => Promise.resolve({ table: "db.t", params: { n: 1 } }),
    toDetails: ({ files }: { files: number }) => ({ files, id: 9_007_199_254_740_993n }),
    ...more,
  } as const;
}

/** Works until the test says so, or it is cancelled. */
export function gate(): { readonly work: Work; readonly open: (files: number) => void } {
  const { promise, resolve } = Promise.withResolvers<{ files: number }>();
  return {
    open: (files) => resolve({ files }),
    work: (options) =>
      new Promise((done, fail) => {
        promise.then(done, fail);
        options.signal.addEventListener("abort", () => fail(options.signal.reason));
      }),
  };
}

/** What the audit says, oldest first. */
export async function auditRows(
  state: State,
): Promise<readonly { action: string; after: string | null }[]> {
  const row = z.object({ action: z.string(), after: z.string().nullable() });
  return await state.read(row, sql`SELECT action, after FROM audit ORDER BY seq`);
}

/** The caller with an idempotency key. */
export const keyed = (key: string, fingerprint = "f"): OperationContext => ({
  ...ctx,
  idempotency: { key, scope: "POST /api/tidy", fingerprint },
});
