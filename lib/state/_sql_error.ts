/** What the SQL client throws, as `AppError`: its texts may hold SQL, so they go to the log only. */
import { LibsqlError } from "@libsql/client";
import { AppError, type AppErrorOptions } from "../errors.ts";

const BUSY = ["SQLITE_BUSY", "SQLITE_LOCKED"];
const CONSTRAINT = ["SQLITE_CONSTRAINT"];
/** The file or disk is at fault: the same call again will fail again. */
const UNUSABLE = [
  "SQLITE_AUTH",
  "SQLITE_CANTOPEN",
  "SQLITE_CORRUPT",
  "SQLITE_FULL",
  "SQLITE_IOERR",
  "SQLITE_NOMEM",
  "SQLITE_NOTADB",
  "SQLITE_PERM",
  "SQLITE_READONLY",
];
/** Any other answer of a database: our own statement is at fault. */
const STATEMENT = ["SQLITE_", "SQL_", "ARGS_"];

/** Whether another connection holds the lock, so that the same call may succeed soon. */
export function isBusy(error: unknown): boolean {
  return error instanceof LibsqlError && startsWithAny(error.code, BUSY);
}

/** Whether the database refused a COMMIT; any other failure may have come after it was done. */
export function isRefusal(error: unknown): boolean {
  return error instanceof LibsqlError && error.code.startsWith("SQL");
}

/** Maps a client's error; programmer mistakes of an embedded database pass unchanged. */
export function toStateError(error: unknown, options: { readonly remote: boolean }): unknown {
  if (error instanceof AppError) return error;
  if (!(error instanceof LibsqlError)) {
    // What `fetch` throws. A RangeError is ours: an integer that a number cannot hold.
    const lost = error instanceof TypeError || error instanceof DOMException;
    return options.remote && lost ? outOfReach(error) : error;
  }
  const code = error.extendedCode ?? error.code;
  const facts: AppErrorOptions = { context: { sqlCode: code }, cause: error };
  if (isBusy(error)) return busy(facts);
  if (startsWithAny(error.code, CONSTRAINT)) {
    const message = "Cannot store the change: it contradicts what is stored";
    return new AppError("conflict", "state_conflict", message, facts);
  }
  if (startsWithAny(error.code, UNUSABLE)) {
    const message = "Cannot use the state: the database or its disk refuses";
    return new AppError("unavailable", "state_unusable", message, facts);
  }
  if (startsWithAny(error.code, STATEMENT)) {
    return new AppError("internal", "state_failed", "Cannot use the state", facts);
  }
  return outOfReach(error);
}

/** The lock could not be had in the time that was allowed. */
export function busy(facts: AppErrorOptions = {}): AppError {
  return new AppError("unavailable", "state_busy", "Cannot use the state: the database is busy", {
    ...facts,
    retryable: true,
    retryAfterSeconds: 1,
  });
}

/** A remote COMMIT whose reply was lost. */
export function commitUnknown(cause: unknown): AppError {
  const message = "Cannot tell whether the change was stored: the reply of the database was lost";
  return new AppError("commit_state_unknown", "state_commit_unknown", message, { cause });
}

function outOfReach(cause: unknown): AppError {
  const message = "Cannot reach the state database";
  const context = cause instanceof LibsqlError ? { sqlCode: cause.code } : {};
  return new AppError("unavailable", "state_unreachable", message, {
    context,
    cause,
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function startsWithAny(code: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => code.startsWith(prefix));
}
