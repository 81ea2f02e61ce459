/** A table isolate: runs one job at a time, and tasks for the jobs of others. */
import { initParquet, wasmMemoryBytes } from "../lib/columnar/parquet/mod.ts";
import { INSTALLED_JOBS } from "./_installed_jobs.ts";
import { giveWay, JOB_NICENESS } from "./_give_way.ts";
import { serveTables } from "./serve_tables.ts";

giveWay(JOB_NICENESS);
serveTables({
  jobs: INSTALLED_JOBS,
  prepare: ({ parquet }) => initParquet(parquet),
  wasmBytes: wasmMemoryBytes,
});
