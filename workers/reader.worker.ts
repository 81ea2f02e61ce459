/** A reader isolate: answers questions about tables from their metadata and manifests. */
import { openStorage } from "../lib/storage/mod.ts";
import { systemClock } from "../lib/clock.ts";
import { createDirectReader } from "../lib/tables/read/mod.ts";
import { readerMethods, ReaderSetup } from "./reader_methods.ts";
import { serveWorker, workerScope } from "./worker_host.ts";

const scope = workerScope();
const { cacheBytes } = ReaderSetup.parse(JSON.parse(scope.name));
const reader = createDirectReader({ openStorage, cacheBytes, clock: systemClock });

serveWorker(scope, readerMethods, {
  schema: ({ location }, call) => reader.schema(location, call),
  snapshots: ({ location, ...page }, call) => reader.snapshots(location, page, call),
  refs: ({ location, ...page }, call) => reader.refs(location, page, call),
  files: ({ location, ...query }, call) => reader.files(location, query, call),
  health: ({ location, pins }, call) => reader.health(location, { ...call, pins }),
  cacheStats: () => Promise.resolve(reader.cacheStats()),
});
