/**
 * Structured log: one JSON object a line. Secrets show as their mask, 64-bit integers as text,
 * errors with their causes; a value that cannot be shown never loses the line it came with.
 */
import { type Clock, systemClock } from "./clock.ts";
import { describeError } from "./errors.ts";

/** Levels, most talkative first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** From which level on lines are written; `silent` writes none. */
export type LogLevel = typeof LOG_LEVELS[number];

/** Facts beside a message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where finished lines go, without the line end. */
export type LogSink = (line: string) => void;

/** Writes log lines. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` on every line. */
  child(fields: LogFields): Log;
}

/** Options of {@linkcode createLog}. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Standard error by default: standard output is for what the operator asked to see. */
  readonly sink?: LogSink;
  readonly clock?: Clock;
  /** Fields on every line. */
  readonly fields?: LogFields;
}

/** Longest text of one field; a hostile upstream message must not flood the log. */
export const MAX_LOG_TEXT_CHARS = 16_384;

/** Deepest nesting that is written; what lies below shows as `"[deep]"`. */
const MAX_LOG_DEPTH = 8;

/** Most entries of one array or object that are written. */
const MAX_LOG_ENTRIES = 100;

/** Builds a log. */
export function createLog(options: LogOptions): Log {
  const { level, sink = console.error, clock = systemClock, fields = {} } = options;
  const threshold = LOG_LEVELS.indexOf(level);
  function write(at: LogLevel, message: string, more: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(at) < threshold) return;
    const time = new Date(clock.now()).toISOString();
    const own = { time, level: at, message };
    // First for people, and within the most entries; last, so that no field can pass for them.
    sink(JSON.stringify(plain({ ...own, ...fields, ...more, ...own }, 0)));
  }
  return {
    debug: (message, more) => write("debug", message, more),
    info: (message, more) => write("info", message, more),
    warn: (message, more) => write("warn", message, more),
    error: (message, more) => write("error", message, more),
    child: (more) => createLog({ level, sink, clock, fields: { ...fields, ...more } }),
  };
}

/** A log that writes nothing, for tests and for parts that were given none. */
export const silentLog: Log = createLog({ level: "silent", sink: () => {} });

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return clip(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Error) return clip(describeError(value));
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (value === null || typeof value !== "object") return value;
  if (depth > MAX_LOG_DEPTH) return "[deep]";
  if (hasToJson(value)) return plainToJson(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.slice(0, MAX_LOG_ENTRIES).map((item) => plain(item, depth + 1));
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    entries.slice(0, MAX_LOG_ENTRIES).map(([key, item]) => [String(key), plain(item, depth + 1)]),
  );
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function plainToJson(value: { toJSON(): unknown }, depth: number): unknown {
  try {
    return plain(value.toJSON(), depth + 1);
  } catch (error) {
    // An invalid Date throws here; the rest of the line still matters.
    return `[unprintable: ${clip(String(error))}]`;
  }
}

function clip(text: string): string {
  if (text.length <= MAX_LOG_TEXT_CHARS) return text;
  return `${text.slice(0, MAX_LOG_TEXT_CHARS)} [${text.length - MAX_LOG_TEXT_CHARS} more]`;
}
