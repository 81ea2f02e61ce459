/** The stream of an operation's events. */
import { AppError } from "../errors.ts";
import type { OperationNews } from "./_news.ts";
import type { OperationEvent } from "./operations.ts";
import type { Operation } from "./schemas.ts";

/** Streams at a time; each holds a connection. */
export const MAX_WATCHERS = 256;
/** An operation of another server is looked at this often. */
const POLL_MS = 1_000;
/** Least time between two events of one stream. */
const PAUSE_MS = 100;

/** What is watched. */
export interface WatchOptions {
  readonly id: string;
  readonly lastEventId: string | null;
  readonly show: () => Promise<{ readonly operation: Operation; readonly version: number }>;
  readonly news: OperationNews;
  readonly signal: AbortSignal;
}

let watchers = 0;

/** Null where the client has seen the end. */
export async function watchOperation(
  options: WatchOptions,
): Promise<AsyncIterable<OperationEvent> | null> {
  const now = toEvent(await options.show());
  if (now.type === "end" && now.id === options.lastEventId) return null;
  if (watchers >= MAX_WATCHERS) {
    const message = "Cannot stream events: too many clients do so; ask for the operation instead";
    throw new AppError("unavailable", "watchers_too_many", message, { retryAfterSeconds: 5 });
  }
  return events(options);
}

async function* events({ id, lastEventId, show, news, signal }: WatchOptions) {
  watchers++;
  let wake = () => {};
  const stopListening = news.listen(id, () => wake());
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    let last = lastEventId;
    while (!signal.aborted) {
      const heard = new Promise<void>((resolve) => wake = resolve);
      const event = toEvent(await show());
      if (event.id !== last) yield event;
      last = event.id;
      if (event.type === "end") return;
      await pause(PAUSE_MS);
      await Promise.race([heard, pause(POLL_MS)]);
    }
  } finally {
    watchers--;
    stopListening();
    signal.removeEventListener("abort", onAbort);
  }
}

function toEvent(
  { operation, version }: { readonly operation: Operation; readonly version: number },
): OperationEvent {
  const ended = operation.ended_at !== null;
  const id = ended ? `end-${operation.state}` : `${operation.state}-${version}`;
  return { id, type: ended ? "end" : "progress", operation };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
