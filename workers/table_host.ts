/** What jobs find around them in a table isolate: `JobHost` over questions to the main isolate. */
import { openTableStore } from "../lib/catalog/commit/mod.ts";
import { TableLocationSchema } from "../lib/catalog/load/mod.ts";
import type { CatalogGateway, TableLocation } from "../lib/catalog/mod.ts";
import { systemClock } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import type { TableStore } from "../lib/iceberg/commit/table_store.ts";
import type { InstalledJob, JobHost } from "../lib/jobs/mod.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { QUESTIONS, type TableSetup } from "./table_methods.ts";
import type { HostedCall } from "./worker_host.ts";

/** A job with its types forgotten: its schemas check them. */
// deno-lint-ignore no-explicit-any -- variance: each job has its own types.
export type AnyJob = InstalledJob<any, any>;

/** What a call hands over. */
export interface JobCall {
  readonly name: string;
  readonly params: unknown;
  readonly operationId: string;
}

/** Runs jobs and tasks by name. */
export class TableHost {
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  readonly #setup: TableSetup;

  constructor(jobs: readonly AnyJob[], setup: TableSetup) {
    this.#jobs = new Map(jobs.map((job) => [job.spec.name, job]));
    this.#setup = setup;
  }

  /** Runs one; its result is checked by its schema. */
  async run({ name, params, operationId }: JobCall, call: HostedCall): Promise<unknown> {
    const job = this.#jobs.get(name);
    if (job === undefined) {
      const message = `Cannot ${name}: this server has no isolate that knows how`;
      throw new AppError("unsupported", "job_unknown", message);
    }
    const host = this.#hostOf(operationId, call);
    return job.spec.result.parse(await job.run(job.spec.params.parse(params), host));
  }

  #hostOf(operationId: string, call: HostedCall): JobHost {
    const { signal, progress, input } = call;
    const gateway = gatewayOf(call);
    let announced: unknown = null;
    return {
      operationId,
      signal,
      clock: systemClock,
      memoryBytes: this.#setup.memoryBytes,
      openStorage,
      openTable: (location) => {
        const takeReceipt = () => {
          const receipt = announced;
          announced = null;
          return receipt;
        };
        const store = openTableStore(location, { gateway, openStorage });
        return noted(store, { location, call, takeReceipt });
      },
      dropTable: (location) => gateway.drop(location, { signal }),
      progress,
      announce: (result) => announced = result,
      tasks: {
        width: this.#setup.width,
        run: async (task, params, taskSignal) => {
          const isolate = await call.ask(QUESTIONS.reserve, null, taskSignal);
          if (typeof isolate === "number") {
            const question = { isolate, name: task.name, params, operationId };
            return task.result.parse(await call.ask(QUESTIONS.task, question, taskSignal));
          }
          const own = { ...call, signal: taskSignal, input: null };
          const result = await this.run({ name: task.name, params, operationId }, own);
          return task.result.parse(result);
        },
      },
      input,
    };
  }
}

interface NotedStore {
  readonly location: TableLocation;
  readonly call: HostedCall;
  readonly takeReceipt: () => unknown;
}

/** A store that tells the main isolate of each commit before it tries it. */
function noted(store: TableStore, { location, call, takeReceipt }: NotedStore): TableStore {
  return {
    load: (signal) => store.load(signal),
    async commit(base, change, options) {
      const snapshotIds = change.updates.flatMap((update) =>
        update.action === "add-snapshot" ? [String(update.snapshot.snapshotId)] : []
      );
      await call.ask(QUESTIONS.note, {
        table: location,
        base: base.metadataLocation,
        lastUpdatedMs: change.metadata.lastUpdatedMs,
        snapshotIds,
        receipt: takeReceipt(),
      });
      return await store.commit(base, change, options);
    },
  };
}

/**
 * The catalog in the main isolate. A commit that was sent is waited for, whatever the signal says:
 * its outcome has to be known.
 */
function gatewayOf(call: HostedCall): CatalogGateway {
  const never = new AbortController().signal;
  return {
    locate: async (identifier, options = {}) =>
      TableLocationSchema.parse(
        await call.ask(QUESTIONS.locate, { identifier }, options.signal ?? call.signal),
      ),
    commit: async (identifier, commit) =>
      TableLocationSchema.parse(
        await call.ask(QUESTIONS.commit, { identifier, commit }, never),
      ),
    drop: async (location) => void await call.ask(QUESTIONS.drop, { location }, never),
  };
}
