/** The jobs that change tables, for the isolates that run them. The main isolate never loads this. */
import { type InstalledJob, installJob } from "../../jobs/mod.ts";
import { appendJob, evolveJob, purgeTableJob, rollbackJob } from "../contract/mod.ts";
import { installedEncodeBlockTask } from "../append/encode_block.ts";
import { installedEncodeRowsTask } from "../../columnar/mod.ts";
import { append } from "./append.ts";
import { evolve } from "./evolve.ts";
import { purgeTable } from "./purge_table.ts";
import { rollBackTable } from "./roll_back.ts";

/** Every job of tables with its implementation. */
// deno-lint-ignore no-explicit-any -- variance: each job has types of its own, which its spec checks.
export const tableJobs: readonly InstalledJob<any, any>[] = [
  installJob(appendJob, append),
  installedEncodeBlockTask,
  installedEncodeRowsTask,
  installJob(evolveJob, evolve),
  installJob(rollbackJob, rollBackTable),
  installJob(purgeTableJob, purgeTable),
];
