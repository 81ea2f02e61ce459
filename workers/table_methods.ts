/**
 * The method table of table isolates: jobs, and the tasks that jobs of other isolates hand over; and
 * what these may ask the main isolate. Params and results of jobs are checked by their own schemas.
 */
import { z } from "zod";
import { TableLocationSchema } from "../lib/catalog/load/mod.ts";
import type { CatalogCommit } from "../lib/catalog/mod.ts";
import type { CommitNote, JobProgress } from "../lib/jobs/mod.ts";
import type { TableIdentifier } from "../lib/iceberg/ports.ts";

/** What an isolate needs before its first job; posting a compiled module copies no code. */
const Modules = z.object({
  parquet: z.instanceof(WebAssembly.Module),
  /** For isolates whose jobs run SQL. */
  duckdb: z.instanceof(WebAssembly.Module).optional(),
});
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

const Called = z.object({
  name: z.string(),
  params: z.unknown(),
  operationId: z.string(),
  modules: Modules,
});
/** Memory of the isolate once it is done, in bytes. */
const memoryBytes = z.number().nonnegative();

/** What table isolates do. */
export const tableMethods = {
  /** Gets everything ready that a first job would wait for. */
  prepare: { params: z.object({ modules: Modules }), result: z.null() },
  job: { params: Called, result: z.object({ value: z.unknown(), memoryBytes }), moves: true },
  task: {
    params: Called,
    result: z.object({
      value: z.unknown(),
      /** Locations of files that the task wrote; they are the job's from now on. */
      written: z.array(z.string()),
      memoryBytes,
    }),
    moves: true,
  },
} as const;

const Identifier: z.ZodType<TableIdentifier> = z.object({
  namespace: z.array(z.string()),
  name: z.string(),
});
const Commit: z.ZodType<CatalogCommit> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("swap"), base: z.string(), next: z.string() }),
  z.object({
    kind: z.literal("rest"),
    body: z.instanceof(Uint8Array),
    idempotencyKey: z.string(),
  }),
]);
const Note: z.ZodType<CommitNote> = z.object({
  base: z.string(),
  lastUpdatedMs: z.number(),
  snapshotIds: z.array(z.string()),
  atMs: z.number(),
  receipt: z.unknown(),
});
const done = z.null();

/** What jobs ask. */
export const tableQuestions = {
  "catalog.locate": {
    params: z.object({ identifier: Identifier }),
    result: TableLocationSchema,
  },
  "catalog.commit": {
    params: z.object({ identifier: Identifier, commit: Commit }),
    result: TableLocationSchema,
  },
  "catalog.drop": { params: z.object({ location: TableLocationSchema }), result: done },
  /** Tells which table the job is going to change; the answer must be there before it does. */
  opened: { params: z.object({ location: TableLocationSchema }), result: done },
  /** Asks leave to commit. */
  committing: { params: Note, result: done },
  /** Tells that the commit is over, and whether it may have come through. */
  committed: { params: z.object({ landed: z.boolean() }), result: done },
  /** Tells that files are left that could not be removed. */
  leftovers: { params: z.object({ files: z.int(), reason: z.string() }), result: done },
  /** For a free isolate: its number, or null. Asked before a task, whose bytes move with it. */
  reserve: { params: z.null(), result: z.int().nullable() },
  task: {
    params: z.object({ isolate: z.int(), name: z.string(), params: z.unknown() }),
    result: z.object({ value: z.unknown(), written: z.array(z.string()) }),
    moves: true,
  },
} as const;
/** What jobs ask. */
export type TableQuestions = typeof tableQuestions;

/** How far a job has come, checked on its way out of an isolate. */
export const Progress: z.ZodType<JobProgress> = z.object({
  phase: z.string(),
  done: z.number(),
  total: z.number().nullable(),
  unit: z.string(),
});
