/** Failures of a store, seen from a table whose own files name the places. */
import { AppError } from "../errors.ts";

/**
 * A place that a table names and that cannot be read is a fault of the table. `forbidden` would tell
 * callers that they lack a role, and `not_found` that there is no such table; the message stays.
 */
export function faultOfTable(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { code, message, context, issues } = error;
  switch (error.kind) {
    case "forbidden":
      return new AppError("unsupported", code, message, { context, issues, cause: error });
    case "not_found":
    case "invalid":
    case "already_exists":
      return new AppError("corrupt_data", code, message, { context, issues, cause: error });
    default:
      return error;
  }
}
