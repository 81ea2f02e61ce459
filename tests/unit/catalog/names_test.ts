import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { compareNames, MAX_NAME_LEVELS, readings } from "../../../lib/catalog/_names.ts";

const spell = (name: string, limit = 100) =>
  readings(name, limit).map((reading) => [...reading.namespace, reading.name].join("|"));

Deno.test("readings() gives the plain reading first, then those with fewer levels", () => {
  deepStrictEqual(spell("a.b"), ["a|b"]);
  deepStrictEqual(spell("a.b.c"), ["a|b|c", "a.b|c", "a|b.c"]);
  deepStrictEqual(spell("a.b.c.d"), [
    "a|b|c|d",
    "a.b|c|d",
    "a|b.c|d",
    "a|b|c.d",
    "a.b.c|d",
    "a.b|c.d",
    "a|b.c.d",
  ]);
});

Deno.test("readings() gives none where there is no namespace or a level is empty", () => {
  for (
    const name of ["", "a", ".a", "a.", "a..b", Array(MAX_NAME_LEVELS + 1).fill("x").join(".")]
  ) {
    deepStrictEqual(spell(name), [], name);
  }
});

Deno.test("readings() keeps its limit for names with billions of readings", () => {
  const name = Array(MAX_NAME_LEVELS).fill("x").join(".");
  strictEqual(spell(name, 8).length, 8);
});

Deno.test("readings() are distinct, and each spells the name", () => {
  const level = fc.stringMatching(/^[a-z]{1,3}$/);
  fc.assert(fc.property(fc.array(level, { minLength: 2, maxLength: 7 }), (levels) => {
    const found = readings(levels.join("."), 1_000);
    strictEqual(found.length, 2 ** (levels.length - 1) - 1);
    strictEqual(new Set(found.map((r) => JSON.stringify(r))).size, found.length);
    ok(found.every((r) => [...r.namespace, r.name].join(".") === levels.join(".")));
  }));
});

Deno.test("compareNames() orders by code unit", () => {
  deepStrictEqual(["b", "a.b", "B", "a"].sort(compareNames), ["B", "a", "a.b", "b"]);
});
