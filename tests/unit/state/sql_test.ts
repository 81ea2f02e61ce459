import assert from "node:assert/strict";
import fc from "fast-check";
import { allOf, sql } from "../../../lib/state/mod.ts";

Deno.test("sql`` binds values instead of splicing them", () => {
  const statement = sql`SELECT id FROM users WHERE name = ${"x' OR 1 = 1 --"} AND seq < ${7}`;
  assert.equal(statement.text, "SELECT id FROM users WHERE name = ? AND seq < ?");
  assert.deepEqual(statement.args, ["x' OR 1 = 1 --", 7]);
});

Deno.test("sql`` nests statements and keeps the order of arguments", () => {
  const inner = sql`b = ${2} OR c = ${null}`;
  const statement = sql`SELECT 1 WHERE a = ${1n} AND (${inner}) AND d = ${4}`;
  assert.equal(statement.text, "SELECT 1 WHERE a = ? AND (b = ? OR c = ?) AND d = ?");
  assert.deepEqual(statement.args, [1n, 2, null, 4]);
});

Deno.test("sql`` never lets a value into the text", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.integer(), (text, number) => {
    const statement = sql`a = ${text} AND b = ${number}`;
    assert.equal(statement.text, "a = ? AND b = ?");
    assert.deepEqual(statement.args, [text, number]);
  }));
});

Deno.test("allOf() keeps each condition's OR to itself", () => {
  const both = allOf([sql`a = ${1} OR b = ${2}`, sql`c = ${3}`]);
  assert.equal(both.text, "(a = ? OR b = ?) AND (c = ?)");
  assert.deepEqual(both.args, [1, 2, 3]);
});

Deno.test("allOf() of nothing is true", () => {
  assert.equal(allOf([]).text, "1 = 1");
});
