import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../../lib/errors.ts";
import { faultOfTable } from "../../../lib/storage/mod.ts";

function kindAfter(kind: ErrorKind): ErrorKind {
  const error = new AppError(kind, "some_code", "Failed to read", { context: { a: 1 } });
  const fault = faultOfTable(error);
  assert.ok(fault instanceof AppError);
  assert.deepEqual([fault.code, fault.message, fault.context], ["some_code", "Failed to read", {
    a: 1,
  }]);
  return fault.kind;
}

Deno.test("faultOfTable() makes places that cannot be read a fault of the table", () => {
  assert.equal(kindAfter("forbidden"), "unsupported");
  assert.equal(kindAfter("not_found"), "corrupt_data");
  assert.equal(kindAfter("invalid"), "corrupt_data");
  assert.equal(kindAfter("already_exists"), "corrupt_data");
});

Deno.test("faultOfTable() leaves the store's own failures and ours as they are", () => {
  assert.equal(kindAfter("unavailable"), "unavailable");
  assert.equal(kindAfter("too_large"), "too_large");
  const mistake = new TypeError("ours");
  assert.equal(faultOfTable(mistake), mistake);
});
