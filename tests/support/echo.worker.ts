/** An isolate with every way to misbehave. */
import { AppError } from "../../lib/errors.ts";
import { type Handlers, serveWorker, workerScope } from "../../workers/worker_host.ts";
import { echoMethods } from "./echo_methods.ts";

const handlers: Handlers<typeof echoMethods> = {
  echo: (params) => Promise.resolve(params),
  fail: () =>
    Promise.reject(
      new AppError("not_found", "table_not_found", 'Cannot find table "a.b"', {
        context: { snapshotId: 7n },
        issues: [{ path: "table", message: "no such table" }],
      }),
    ),
  sleep: ({ ms }, { signal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve("slept"), ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
  spin: () => {
    for (;;);
  },
  crash: () => {
    setTimeout(() => {
      throw new Error("the isolate fell over");
    }, 0);
    return new Promise(() => {});
  },
  // @ts-expect-error A handler that breaks its own contract.
  lie: () => Promise.resolve({ text: 42 }),
};

serveWorker(workerScope(), echoMethods, handlers);
