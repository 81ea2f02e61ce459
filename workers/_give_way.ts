/**
 * Lets the threads of isolates that compute give way to the one that serves. With as many of them at work
 * as there are cores, a request that needs a millisecond would otherwise wait for its turn ten times.
 */
import { setPriority } from "node:os";

/** Niceness of isolates that change tables: work that runs for minutes. */
export const JOB_NICENESS = 10;
/** Niceness of isolates that run queries, which somebody waits for. */
export const QUERY_NICENESS = 5;
/** What isolates may ask of the system for it. */
export const GIVE_WAY_PERMISSION = "setPriority" as const;

/**
 * Lowers the priority of this isolate's thread, where it may. Only on Linux: there each thread has one
 * of its own, elsewhere it is the process's.
 */
export function giveWay(niceness: number): void {
  if (Deno.build.os !== "linux") return;
  const { state } = Deno.permissions.querySync({ name: "sys", kind: GIVE_WAY_PERMISSION });
  if (state === "granted") setPriority(niceness);
}
