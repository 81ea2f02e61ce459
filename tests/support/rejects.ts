/** Assertions on the errors that verbs raise. */
import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../lib/errors.ts";

/** Asserts that `promise` rejects with an `AppError` of this kind and code, and gives it out. */
export async function rejectsWith(
  promise: Promise<unknown>,
  expected: { readonly kind: ErrorKind; readonly code: string },
): Promise<AppError> {
  const error = await promise.then(
    (value) => assert.fail(`Expected a rejection, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, `Expected an AppError, got ${error}`);
  assert.deepEqual({ kind: error.kind, code: error.code }, expected);
  return error;
}
