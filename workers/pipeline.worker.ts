/** The isolate of one pipeline: runs its ticks, one after another. */
import { installedEncodeRowsTask } from "../lib/columnar/mod.ts";
import { initParquet, wasmMemoryBytes } from "../lib/columnar/parquet/mod.ts";
import { sweepJobs } from "../lib/maintenance/jobs/mod.ts";
import { StreamEngine, streamJob } from "../lib/pipelines/tick/mod.ts";
import { giveWay, JOB_NICENESS } from "./_give_way.ts";
import { serveTables } from "./serve_tables.ts";
import { TableSetup } from "./table_methods.ts";
import { workerScope } from "./worker_host.ts";

/** Part of the isolate's memory that the SQL engine may take. */
const ENGINE_SHARE = 0.5;

giveWay(JOB_NICENESS);

let duckdb: WebAssembly.Module | null = null;
const { memoryBytes } = TableSetup.parse(JSON.parse(workerScope().name));
const engine = new StreamEngine(() => {
  if (duckdb === null) throw new TypeError("Cannot transform rows before the engine is there");
  return duckdb;
}, Math.floor(memoryBytes * ENGINE_SHARE));

serveTables({
  jobs: [...sweepJobs, streamJob(engine), installedEncodeRowsTask],
  prepare(modules) {
    initParquet(modules.parquet);
    duckdb = modules.duckdb ?? null;
  },
  wasmBytes: () => wasmMemoryBytes() + engine.heapBytes,
});
