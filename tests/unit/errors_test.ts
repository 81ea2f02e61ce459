import assert from "node:assert/strict";
import { describeError, flattenError, unflattenError } from "../../lib/errors.ts";

Deno.test("describeError() tells the cause of an error that came from another isolate", () => {
  const error = unflattenError(flattenError(new RangeError("too deep")));
  const text = describeError(error);
  assert.match(text, /^AppError: Unexpected failure/);
  assert.match(text, /\nCaused by: RangeError: too deep/);
});
