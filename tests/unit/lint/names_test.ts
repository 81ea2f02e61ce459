import assert from "node:assert/strict";
import { messagesOf } from "./_run_rule.ts";

Deno.test("file-name fails index.ts, utils.ts and names that are not snake_case", () => {
  for (const name of ["index.ts", "utils.ts", "helpers.ts"]) {
    assert.deepEqual(messagesOf("file-name", "f();", `lib/${name}`), [
      `File name "${name}" says nothing of what is inside`,
    ]);
  }
  for (const name of ["tableName.ts", "table-name.ts", "TableName.ts"]) {
    assert.equal(messagesOf("file-name", "f();", `lib/${name}`).length, 1, name);
  }
});

Deno.test("file-name passes snake_case, internal files, workers and doors", () => {
  for (const name of ["table_name.ts", "_wire.ts", "table.worker.ts", "mod.ts", "base64_test.ts"]) {
    assert.deepEqual(messagesOf("file-name", "f();", `lib/${name}`), [], name);
  }
});

Deno.test("test-name fails a wish and passes a fact", () => {
  const source = (name: string) => `Deno.test("${name}", () => {});`;
  assert.equal(messagesOf("test-name", source("it should parse"), "tests/a_test.ts").length, 1);
  assert.deepEqual(messagesOf("test-name", source("parse() parses"), "tests/a_test.ts"), []);
});
