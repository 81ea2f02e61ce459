/**
 * The one error type of drls: a closed `kind` that transports map exhaustively, a stable `code`,
 * a `detail` written for the caller, and a `context` that only logs ever see.
 *
 * Rule: `message` is shown to clients. It never holds a secret, SQL, or an absolute host path;
 * those belong in `context`. Programmer mistakes stay `TypeError`, `RangeError`, `SyntaxError`.
 */

/** What went wrong, as far as a caller can act on it. `routes/_problem.ts` maps each to one status. */
export type ErrorKind =
  /** The bytes sent are not what their media type says (malformed JSON). */
  | "malformed"
  /** It parses, but a field is wrong; `issues` names each. */
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "precondition_failed"
  | "too_large"
  | "unsupported_media_type"
  /** The caller takes the answer in no form that there is. */
  | "not_acceptable"
  /** The path serves a WebSocket, and the request does not ask for one. */
  | "upgrade_required"
  | "rate_limited"
  /** A table's own files are corrupt, truncated, hostile or break the specification. */
  | "corrupt_data"
  /** Well-formed, but something drls does not do; the message says what to use instead. */
  | "unsupported"
  /** A dependency (store, catalog, state) cannot be reached or answers with a failure. */
  | "unavailable"
  | "deadline_exceeded"
  | "cancelled"
  /** The reply to a commit was lost: it may or may not have happened. Never treated as a conflict. */
  | "commit_state_unknown"
  /** A broken invariant of ours. */
  | "internal";

/** One invalid field: `path` in dotted form (`schema.0.type`), `message` with the remedy. */
export interface FieldIssue {
  readonly path: string;
  readonly message: string;
}

/** Optional parts of an {@linkcode AppError}. */
export interface AppErrorOptions {
  /** Ordered facts for the log; may hold locations and upstream texts. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly issues?: readonly FieldIssue[];
  /** True where trying the same call again may succeed. Set by the layer that knows. */
  readonly retryable?: boolean;
  /** How long a caller should wait before trying again, in seconds. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An expected failure: `code` is stable and documented, `message` is fit for the caller. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly kind: ErrorKind;
  /** Stable `snake_case` identifier, for example `table_not_found`. */
  readonly code: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly issues: readonly FieldIssue[];
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | null;

  constructor(kind: ErrorKind, code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.context = options.context ?? {};
    this.issues = options.issues ?? [];
    this.retryable = options.retryable ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** An {@linkcode AppError} as plain data, so that it crosses from one isolate to another. */
export interface FlatError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly issues: readonly FieldIssue[];
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | null;
}

/** Flattens any thrown value; what is not an {@linkcode AppError} becomes kind `internal`. */
export function flattenError(error: unknown): FlatError {
  if (error instanceof AppError) {
    const { kind, code, message, context, issues, retryable, retryAfterSeconds } = error;
    const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
    return {
      kind,
      code,
      message,
      context: toPlain({ ...context, ...cause }),
      issues,
      retryable,
      retryAfterSeconds,
    };
  }
  return {
    kind: "internal",
    code: "internal_error",
    message: "Unexpected failure",
    context: { cause: describeError(error) },
    issues: [],
    retryable: false,
    retryAfterSeconds: null,
  };
}

/** Rebuilds what {@linkcode flattenError} flattened. */
export function unflattenError(flat: FlatError): AppError {
  const { context, issues, retryable } = flat;
  return new AppError(flat.kind, flat.code, flat.message, {
    context,
    issues,
    retryable,
    ...(flat.retryAfterSeconds === null ? {} : { retryAfterSeconds: flat.retryAfterSeconds }),
  });
}

/** A thrown value as text for the log: stack where there is one, causes included. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (error.cause !== undefined) return `${own}\nCaused by: ${describeError(error.cause)}`;
  // One that came from another isolate has its cause as text.
  const cause = error instanceof AppError ? error.context["cause"] : undefined;
  return typeof cause === "string" ? `${own}\nCaused by: ${cause}` : own;
}

/** Longest part of a location that a message repeats, in characters: tables may record anything. */
const MAX_DISPLAY_CHARS = 240;

/** The part of a location that a client may see: the end of its last two segments. */
export function displayPath(location: string): string {
  const end = location.slice(-MAX_DISPLAY_CHARS);
  return end.split("/").filter((part) => part !== "").slice(-2).join("/");
}

/** A file of a table that breaks the format: kind `corrupt_data`. */
export function corruptData(
  code: string,
  message: string,
  options: AppErrorOptions = {},
): AppError {
  return new AppError("corrupt_data", code, message, options);
}

function toPlain(context: Record<string, unknown>): Record<string, unknown> {
  // Structured clone refuses functions and class instances; logs only need their text.
  return Object.fromEntries(
    Object.entries(context).map(([key, value]) => [
      key,
      value === null || ["string", "number", "boolean", "bigint"].includes(typeof value)
        ? value
        : value instanceof Error
        ? describeError(value)
        : JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v) ?? String(value),
    ]),
  );
}
