/** The method table of table isolates: jobs, and the tasks that jobs of other isolates hand over. */
import { z } from "zod";

/** What an isolate needs before its first job; posting a compiled module copies no code. */
const Modules = z.object({ parquet: z.instanceof(WebAssembly.Module) });
/** Compiled WebAssembly modules, as every call brings them. */
export type TableModules = z.infer<typeof Modules>;

/** Where a job runs and what it may take. */
export const TableSetup = z.object({
  /** Bytes that one job may hold. */
  memoryBytes: z.int().positive(),
  /** Isolates that may work at a time. */
  width: z.int().positive(),
});
export type TableSetup = z.infer<typeof TableSetup>;

/** Params and results of jobs and tasks are checked by their own schemas, on both sides. */
export const tableMethods = {
  job: {
    params: z.object({
      name: z.string(),
      params: z.unknown(),
      operationId: z.string(),
      modules: Modules,
    }),
    result: z.unknown(),
    moves: true,
  },
  task: {
    params: z.object({
      name: z.string(),
      params: z.unknown(),
      operationId: z.string(),
      modules: Modules,
    }),
    result: z.unknown(),
    moves: true,
  },
} as const;

/** Questions of a job to the main isolate. */
export const QUESTIONS = {
  locate: "catalog.locate",
  commit: "catalog.commit",
  drop: "catalog.drop",
  note: "note",
  /** For a free isolate: its number, or null. Asked before a task, whose bytes move with it. */
  reserve: "reserve",
  task: "task",
} as const;
