/** Turns a worker isolate into a table isolate with the given jobs. */
import { type AnyJob, TableHost } from "./table_host.ts";
import { tableMethods, type TableModules, TableSetup } from "./table_methods.ts";
import { serveWorker, workerScope } from "./worker_host.ts";

/** Options of {@linkcode serveTables}. */
export interface ServeTablesOptions {
  readonly jobs: readonly AnyJob[];
  /** Called before every job; the first call is what counts. */
  readonly prepare?: (modules: TableModules) => void;
  /** WebAssembly memory of this isolate, in bytes. */
  readonly wasmBytes?: () => number;
}

/** Serves the isolate that started this one. */
export function serveTables({ jobs, prepare = () => {}, ...options }: ServeTablesOptions): void {
  const scope = workerScope();
  // The setup travels in the name: it is there before the first message, also after a restart.
  const setup = TableSetup.parse(JSON.parse(scope.name));
  const host = new TableHost(jobs, { ...setup, ...options });
  serveWorker(scope, tableMethods, {
    prepare({ modules }) {
      prepare(modules);
      return Promise.resolve(null);
    },
    job: async ({ modules, ...job }, call) => {
      prepare(modules);
      return await host.runJob(job, call);
    },
    task: async ({ modules, ...task }, call) => {
      prepare(modules);
      const { written, ...done } = await host.runTask(task, call);
      return { ...done, written: [...written] };
    },
  });
}
