/** The method table of query isolates, and what they ask back. */
import { z } from "zod";
import { QueryParams } from "../lib/tables/contract/mod.ts";

/** The WebAssembly modules of a query isolate, compiled. */
export const QueryModules = z.object({
  parquet: z.instanceof(WebAssembly.Module),
  duckdb: z.instanceof(WebAssembly.Module),
});
export type QueryModules = z.infer<typeof QueryModules>;

/** What an isolate is like after a query. */
export const QueryIsolateState = z.object({
  /** Its engine broke: it can do nothing more. */
  broken: z.boolean(),
  /** Memory that it holds, WebAssembly included. */
  memoryBytes: z.int(),
});
export type QueryIsolateState = z.infer<typeof QueryIsolateState>;

/** Methods of a query isolate. */
export const queryMethods = {
  /** Boots the engine. */
  prepare: { params: z.object({ modules: QueryModules }), result: z.null() },
  /** Runs a query; its result goes out as `rows` while it runs. */
  run: { params: z.object({ query: QueryParams, deadlineMs: z.number() }), result: z.null() },
  /** Throws away the database of the last query. */
  renew: { params: z.object({}), result: QueryIsolateState },
} as const;

/** Questions of a running query. */
export const queryQuestions = {
  /** A piece of the result; answered when the next one is wanted. */
  rows: {
    params: z.object({ bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array) }),
    result: z.null(),
    moves: true,
  },
} as const;
/** See {@linkcode queryQuestions}. */
export type QueryQuestions = typeof queryQuestions;

/** How a query isolate is set up, once. */
export const QuerySetup = z.object({
  /** Memory that the engine may use for one query, in bytes. */
  memoryBytes: z.int().positive(),
  /** Memory for metadata and manifests that are kept from one query to the next, in bytes. */
  cacheBytes: z.int().nonnegative(),
});
export type QuerySetup = z.infer<typeof QuerySetup>;
