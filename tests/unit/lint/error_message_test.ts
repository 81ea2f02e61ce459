import assert from "node:assert/strict";
import { messagesOf } from "./_run_rule.ts";

function problemsOf(expression: string): string[] {
  return messagesOf("error-message", `throw ${expression};`);
}

Deno.test("error-message fails a lower-case start, a final period and a contraction", () => {
  assert.deepEqual(problemsOf('new Error("cannot read")'), [
    "Error message starts in lower case: use sentence case",
  ]);
  assert.deepEqual(problemsOf('new RangeError("Cannot read.")'), [
    "Error message ends with a period: leave it out",
  ]);
  assert.deepEqual(problemsOf(`new TypeError("It can't be read")`), [
    'Error message holds the contraction "can\'t"',
  ]);
  assert.equal(problemsOf(`new TypeError("It's gone")`).length, 1);
});

Deno.test("error-message reads template literals, concatenations and conditionals", () => {
  assert.equal(problemsOf("new Error(`cannot read ${x}`)").length, 1);
  assert.equal(problemsOf("new Error(`Cannot read ${x}.`)").length, 1);
  assert.equal(problemsOf('new Error("Cannot read " + x + ".")').length, 1);
  assert.equal(problemsOf('new Error("cannot read " + x)').length, 1);
  assert.equal(problemsOf('new Error(a ? "Cannot read" : "cannot write")').length, 1);
});

Deno.test("error-message finds the message of AppError and corruptData", () => {
  assert.equal(problemsOf('new AppError("invalid", "bad_name", "cannot use")').length, 1);
  assert.deepEqual(problemsOf('new AppError("invalid", "bad_name.", "Cannot use")'), []);
  assert.equal(problemsOf('corruptData("bad_avro", "Cannot read.")').length, 1);
});

Deno.test("error-message passes sentence case, possessives and texts not known here", () => {
  for (
    const message of [
      '"Cannot read the table\'s \\"a.b\\": got 1, wanted 2"',
      "`${name} is not a table`",
      "`Cannot read ${name}`",
      "message",
      'prefix + " is gone"',
      "",
    ]
  ) assert.deepEqual(problemsOf(`new Error(${message})`), [], message);
});

Deno.test("error-message leaves the errors that tests imitate alone", () => {
  const source = 'throw new Error("socket closed.");';
  assert.deepEqual(messagesOf("error-message", source, "tests/unit/a_test.ts"), []);
});
