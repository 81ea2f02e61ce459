/** What the SQL driver's errors mean. Their texts may hold SQL, so they go to the log only. */
import { LibsqlError } from "@libsql/client";
import { AppError } from "../errors.ts";

/**
 * Whether a lock stood in the way, and nothing was done. Also true where another query has met the
 * lock first and closed the connection for it.
 */
export function isBusy(error: unknown): boolean {
  const codes = ["SQLITE_BUSY", "SQLITE_LOCKED", "CLIENT_CLOSED"];
  return error instanceof LibsqlError && codes.some((code) => error.code.startsWith(code));
}

/**
 * Whether the database itself says that a statement failed, and so that nothing was changed. Errors
 * of input and output it may meet after the change became visible to others, and sqld gives the code
 * `SQLITE_UNKNOWN` to whatever it has no name for.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof LibsqlError)) return false;
  return /^(?:SQL|BLOCKED)/.test(error.code) && !/^SQLITE_(?:IOERR|UNKNOWN)/.test(error.code);
}

/** Options of {@linkcode unavailable}. */
export interface UnavailableOptions {
  readonly cause?: unknown;
  readonly retryable?: boolean;
}

/** The error of a database that cannot be used. */
export function unavailable(
  code: string,
  reason: string,
  options: UnavailableOptions = {},
): AppError {
  const message = `Cannot use the catalog's database: ${reason}`;
  return new AppError("unavailable", code, message, options);
}

/** The error of a change that may or may not have been made. */
export function lostReply(cause: unknown): AppError {
  const message = "Cannot tell whether the catalog's database was changed: its reply was lost";
  return new AppError("commit_state_unknown", "commit_state_unknown", message, { cause });
}
