import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { nameCandidates } from "../../../lib/catalog/table_name.ts";

Deno.test("nameCandidates() takes off the catalog's name where a namespace remains", () => {
  assert.deepEqual(nameCandidates("drls.db.events", "drls"), ["db.events", "drls.db.events"]);
  assert.deepEqual(nameCandidates("drls.a.b.t", "drls"), ["a.b.t", "drls.a.b.t"]);
});

Deno.test("nameCandidates() tries a two-level name literally before taking the catalog off", () => {
  assert.deepEqual(nameCandidates("drls.events", "drls"), ["drls.events", "events"]);
});

Deno.test("nameCandidates() leaves other names alone", () => {
  assert.deepEqual(nameCandidates("db.events", "drls"), ["db.events"]);
  assert.deepEqual(nameCandidates("other.db.events", "drls"), ["other.db.events"]);
  assert.deepEqual(nameCandidates("uuid", "drls"), ["uuid"]);
});

Deno.test("nameCandidates() refuses names that could not be a table's", () => {
  const bad = ["", ".", "a..b", ".a", "a.", "a/b", "a\\b", "a.\0b", "a. b", "x".repeat(1025)];
  for (const name of bad) {
    assert.throws(() => nameCandidates(name, "drls"), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "invalid_table_name");
      assert.equal(error.issues[0]?.path, "table");
      return true;
    }, `name ${JSON.stringify(name)}`);
  }
});
