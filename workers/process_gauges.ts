/** Figures of the process as a whole: memory, uptime, caches of the isolates, and how busy they are. */
import type { Log } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Isolates } from "./isolates.ts";
import { poolGauges } from "./pool_gauges.ts";

/** What the figures are read from. */
export interface ProcessGaugesOptions {
  readonly isolates: Isolates;
  readonly uptimeSeconds: () => number;
  readonly log: Log;
}

/** Adds them. */
export function addProcessGauges(
  metrics: Metrics,
  { isolates, uptimeSeconds, log }: ProcessGaugesOptions,
): void {
  let caches = { bytes: 0, hits: 0, misses: 0 };
  /** Shows what the last scrape asked for: an isolate that is busy must not hold up this one. */
  const readCaches = () => {
    isolates.reader.stats().then((stats) => {
      const sum = (pick: (one: typeof stats[number]) => number) =>
        stats.reduce((total, one) => total + pick(one), 0);
      caches = {
        bytes: sum((one) => one.usedBytes),
        hits: sum((one) => one.hits),
        misses: sum((one) => one.misses),
      };
    }, (error: unknown) => log.debug("Cannot read the figures of the caches", { error }));
    return caches.bytes;
  };
  const gauges = [
    { name: "drls_uptime_seconds", help: "Time since the start", read: uptimeSeconds },
    {
      name: "drls_resident_memory_bytes",
      help: "Memory of the process, all isolates together",
      read: () => Deno.memoryUsage().rss,
    },
    {
      name: "drls_metadata_cache_bytes",
      help: "Cached table metadata, as of the scrape before",
      read: readCaches,
    },
    {
      name: "drls_metadata_cache_hits",
      help: "Reads answered from the caches since the isolates started",
      read: () => caches.hits,
    },
    {
      name: "drls_metadata_cache_misses",
      help: "Reads that had to load since the isolates started",
      read: () => caches.misses,
    },
  ];
  for (const gauge of [...gauges, ...poolGauges(isolates)]) metrics.addGauge(gauge);
}
