/** A table isolate whose jobs do what the pool's tests need. */
import { flattenError } from "../../lib/errors.ts";
import { installJob } from "../../lib/jobs/mod.ts";
import { serveTables } from "../../workers/serve_tables.ts";
import {
  countJob,
  crashJob,
  doubleTask,
  loadManyJob,
  loadTask,
  readJob,
  shareJob,
  spinJob,
  waitJob,
} from "./jobs.ts";

const jobs = [
  installJob(countJob, ({ to }, host) => {
    for (let done = 1; done <= to; done++) {
      host.progress({ phase: "counting", done, total: to, unit: "steps" });
    }
    return Promise.resolve({ operationId: host.operationId, memoryBytes: host.memoryBytes });
  }),
  installJob(
    waitJob,
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  ),
  installJob(spinJob, () => {
    for (;;);
  }),
  installJob(crashJob, () => {
    setTimeout(() => {
      throw new Error("the isolate fell over");
    }, 0);
    return new Promise(() => {});
  }),
  installJob(readJob, async (_, { input }) => {
    let bytes = 0;
    for await (const chunk of input ?? []) bytes += chunk.byteLength;
    return { bytes };
  }),
  installJob(
    doubleTask,
    ({ bytes }) => Promise.resolve({ bytes: new Uint8Array(bytes.length * 2) }),
  ),
  installJob(shareJob, async ({ parts }, { tasks, signal }) => {
    const results = await Promise.all(
      Array.from(
        { length: parts },
        () => tasks.run(doubleTask, { bytes: new Uint8Array(1_000_000) }, signal),
      ),
    );
    return { bytes: results.reduce((sum, { bytes }) => sum + bytes.length, 0), width: tasks.width };
  }),
  installJob(loadTask, async ({ location }, host) => {
    try {
      await host.openTable(location).load(host.signal);
      return { code: "loaded" };
    } catch (error) {
      return { code: flattenError(error).code };
    }
  }),
  installJob(loadManyJob, async ({ location, parts }, { tasks, signal }) => {
    const loads = Array.from({ length: parts }, async () => {
      // What is sent moves.
      const { code } = await tasks.run(loadTask, structuredClone({ location }), signal);
      return code;
    });
    return { codes: await Promise.all(loads) };
  }),
];

serveTables({ jobs });
