/** Pipelines that would feed themselves. */
import { AppError } from "../errors.ts";

/** Rows flow from one table to the other. */
export interface Flow {
  readonly source: string;
  readonly sink: string;
}

/**
 * Refuses a flow whose rows would come back to its source, through others or at once: `invalid`/
 * `sink_is_source`, or `conflict`/`pipelines_in_circle` with the tables on the way.
 */
export function requireNoCircle(wanted: Flow, running: readonly Flow[]): void {
  if (wanted.source === wanted.sink) {
    const message = "Expected another table than the source: rows would come back for ever";
    throw new AppError("invalid", "sink_is_source", "Cannot start the pipeline", {
      issues: [{ path: "sink_table", message }],
    });
  }
  const way = wayBetween(wanted.sink, wanted.source, { flows: running });
  if (way === null) return;
  const message =
    `Cannot start the pipeline: with pipelines that run already its rows would come ` +
    `back to its source, by ${[wanted.source, ...way].join(" → ")}`;
  throw new AppError("conflict", "pipelines_in_circle", message);
}

/** The tables from one to another, both included; null where rows do not get there. */
function wayBetween(
  from: string,
  to: string,
  { flows }: { readonly flows: readonly Flow[] },
): readonly string[] | null {
  const ways = new Map<string, readonly string[]>([[from, [from]]]);
  const waiting = [from];
  for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
    const way = ways.get(table) ?? [];
    if (table === to) return way;
    for (const { source, sink } of flows) {
      if (source !== table || ways.has(sink)) continue;
      ways.set(sink, [...way, sink]);
      waiting.push(sink);
    }
  }
  return null;
}
