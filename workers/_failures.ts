/** How jobs end that did not end by themselves, as errors. */
import { AppError } from "../lib/errors.ts";

/** Code `interrupted_after_commit`: the table was changed, and more was to be done. */
export function interruptedAfterCommit(cause: unknown): AppError {
  const message = "The operation had changed the table when it ended before its time; the " +
    "snapshots of the table show what was done";
  return new AppError("commit_state_unknown", "interrupted_after_commit", message, { cause });
}

/** Code `interrupted_while_committing`: nobody can tell whether the table was changed. */
export function interruptedWhileCommitting(cause: unknown): AppError {
  const message = "The isolate ended while it changed the table; the snapshots of the table tell " +
    "whether the change came through";
  return new AppError("commit_state_unknown", "interrupted_while_committing", message, { cause });
}

/** Code `jobs_busy`: too many wait already. */
export function jobsBusy(waiting: number): AppError {
  return new AppError("unavailable", "jobs_busy", `Cannot start: ${waiting} jobs wait already`, {
    retryable: true,
    retryAfterSeconds: 10,
  });
}
