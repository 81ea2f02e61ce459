/** A table isolate: runs one job at a time, and tasks for the jobs of others. */
import { initParquet } from "../lib/columnar/parquet/mod.ts";
import { INSTALLED_JOBS } from "./_installed_jobs.ts";
import { TableHost } from "./table_host.ts";
import { tableMethods, type TableModules, TableSetup } from "./table_methods.ts";
import { serveWorker, workerScope } from "./worker_host.ts";

const scope = workerScope();
const host = new TableHost(INSTALLED_JOBS, TableSetup.parse(JSON.parse(scope.name)));
const prepare = ({ parquet }: TableModules) => initParquet(parquet);

serveWorker(scope, tableMethods, {
  job: ({ modules, ...job }, call) => {
    prepare(modules);
    return host.run(job, call);
  },
  task: ({ modules, ...task }, call) => {
    prepare(modules);
    return host.run(task, call);
  },
});
