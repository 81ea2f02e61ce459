/**
 * Metrics for Prometheus, in a registry of their own. Labels are route patterns and known methods,
 * never what a client made up, so the number of series stays bounded.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** One finished request. */
export interface RequestSample {
  readonly method: string;
  /** Pattern such as `/api/table/{table_name}/schema`, or {@linkcode UNMATCHED_ROUTE}. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Stands for every path that has no route. */
export const UNMATCHED_ROUTE = "(unmatched)";

/** A value that is read when somebody asks. */
export interface GaugeSpec {
  /** `drls_` prefix, unit last: `drls_metadata_cache_bytes`. */
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** One value of a {@linkcode FamilySpec}, with its labels. */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Values of one name that differ in their labels, read when somebody asks. */
export interface FamilySpec {
  /** `drls_` prefix, unit last; a counter's ends in `_total`. */
  readonly name: string;
  readonly help: string;
  /** A counter only grows; whoever reads the figures builds rates on that. */
  readonly kind: "counter" | "gauge";
  readonly labels: readonly string[];
  /** Whoever gives them keeps their number bounded. */
  readonly read: () => Iterable<LabelledValue>;
}

/** Counts what the server does. */
export interface Metrics {
  /** Text exposition format, and its media type. */
  render(): Promise<{ readonly text: string; readonly contentType: string }>;
  requestStarted(): void;
  /** Call exactly once for each {@linkcode Metrics.requestStarted}. */
  requestFinished(sample: RequestSample): void;
  addGauge(spec: GaugeSpec): void;
  addFamily(spec: FamilySpec): void;
}

const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const DURATION_BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Builds the metrics of one server. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "drls_http_requests_total",
    help: "Finished HTTP requests",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const durations = new Histogram({
    name: "drls_http_request_duration_seconds",
    help: "Time from the request's head to the end of its answer's head",
    labelNames: ["method", "route"],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const inFlight = new Gauge({
    name: "drls_http_requests_in_flight",
    help: "HTTP requests under way",
    registers,
  });
  return {
    render: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
    requestStarted: () => inFlight.inc(),
    requestFinished({ method, route, status, seconds }) {
      const label = KNOWN_METHODS.has(method) ? method : "OTHER";
      inFlight.dec();
      requests.inc({ method: label, route, status: String(status) });
      durations.observe({ method: label, route }, seconds);
    },
    addFamily: (spec) => addFamily(spec, registers),
    addGauge({ name, help, read }) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
  };
}

function addFamily({ name, help, kind, labels, read }: FamilySpec, registers: Registry[]): void {
  const options = { name, help, labelNames: [...labels], registers };
  if (kind === "gauge") {
    new Gauge({
      ...options,
      collect() {
        // What is not there any more must not be shown for ever.
        this.reset();
        for (const { labels, value } of read()) this.set(labels, value);
      },
    });
    return;
  }
  new Counter({
    ...options,
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}
