/** A table isolate whose jobs do what the pool's tests need. */
import { installJob } from "../../lib/jobs/mod.ts";
import { serveTables } from "../../workers/serve_tables.ts";
import { countJob, crashJob, doubleTask, readJob, shareJob, spinJob, waitJob } from "./jobs.ts";

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
];

serveTables({ jobs });
