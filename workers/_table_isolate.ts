/** One table isolate, seen from outside: ended when it has gathered too much. */
import type { TableModules } from "./table_methods.ts";
import { tableMethods, type TableSetup } from "./table_methods.ts";
import { type WorkerCallOptions, WorkerClient } from "./worker_client.ts";

/**
 * Jobs and tasks after which an isolate is replaced. Code that runs for months gathers what nobody
 * foresaw, and a new isolate costs less than a second.
 */
export const MAX_CALLS_PER_ISOLATE = 500;

/** Options of {@linkcode TableIsolate}. */
export interface TableIsolateOptions {
  readonly name: string;
  readonly worker: URL;
  readonly setup: TableSetup;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<TableModules>;
  readonly onCrash: (reason: string) => void;
}

/** A job or task to call. */
export interface IsolateCall {
  readonly name: string;
  readonly params: unknown;
  readonly operationId: string;
}

/** See the top of this file. */
export class TableIsolate {
  readonly #options: TableIsolateOptions;
  readonly #client: WorkerClient<typeof tableMethods>;
  #calls = 0;

  constructor(options: TableIsolateOptions) {
    const { name, worker, setup, permissions, onCrash } = options;
    this.#options = options;
    this.#client = new WorkerClient({
      name,
      methods: tableMethods,
      // The setup travels in the name: it is there before the first message, also after a restart.
      spawn: () =>
        new Worker(worker, {
          type: "module",
          name: JSON.stringify(setup),
          deno: { permissions },
        }),
      onCrash: (reason) => {
        this.#calls = 0;
        onCrash(reason);
      },
    });
  }

  /** Starts it, and gets ready what a first job would wait for. */
  async warm(deadlineMs: number): Promise<void> {
    const modules = await this.#options.loadModules();
    await this.#client.call("prepare", { modules }, { deadlineMs });
  }

  async job(call: IsolateCall, options: WorkerCallOptions): Promise<unknown> {
    const modules = await this.#options.loadModules();
    const { value, memoryBytes } = await this.#client.call("job", { ...call, modules }, options);
    this.#recycleIfFull(memoryBytes);
    return value;
  }

  async task(call: IsolateCall, options: WorkerCallOptions) {
    const modules = await this.#options.loadModules();
    const { memoryBytes, ...done } = await this.#client.call("task", { ...call, modules }, options);
    this.#recycleIfFull(memoryBytes);
    return done;
  }

  close(): void {
    this.#client.close();
  }

  #recycleIfFull(memoryBytes: number): void {
    const isFull = memoryBytes > this.#options.setup.memoryBytes;
    if (++this.#calls < MAX_CALLS_PER_ISOLATE && !isFull) return;
    this.#calls = 0;
    this.#client.recycle();
  }
}
