/** Fills the sample warehouse in an isolate that ends afterwards, and its Parquet codec with it. */
import { serveWorker, workerScope } from "../../workers/worker_host.ts";
import { fillWarehouse } from "./fill.ts";
import { fillMethods } from "./fill_methods.ts";

serveWorker(workerScope(), fillMethods, {
  async fill(params) {
    await fillWarehouse(params);
    return null;
  },
});
