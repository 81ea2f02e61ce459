import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../lib/errors.ts";
import { decodeCursor, encodeCursor } from "../../lib/cursor.ts";

Deno.test("decodeCursor() returns what encodeCursor() was given, for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 50 }), (part) => {
    const cursor = encodeCursor("tables", [part]);
    assert.match(cursor, /^[\w-]+$/);
    assert.deepEqual(decodeCursor("tables", cursor, { parts: 1 }), [part]);
  }));
});

Deno.test("decodeCursor() refuses anything else with an error that names the field", () => {
  const foreign = encodeCursor("snapshots", ["a"]);
  const long = encodeCursor("tables", ["x".repeat(10_000)]);
  for (const cursor of ["", "%", "bm90IGpzb24", "e30", foreign, long]) {
    assert.throws(() => decodeCursor("tables", cursor, { parts: 1 }), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "invalid_cursor");
      assert.equal(error.issues[0]?.path, "cursor");
      return true;
    });
  }
});

Deno.test("decodeCursor() throws only AppError, whatever the text", () => {
  fc.assert(fc.property(fc.string({ maxLength: 60 }), (cursor) => {
    try {
      decodeCursor("tables", cursor, { parts: 1 });
    } catch (error) {
      assert.ok(error instanceof AppError);
    }
  }));
});
