import assert from "node:assert/strict";
import { messagesOf } from "./_run_rule.ts";

Deno.test("module-doc fails a file that opens with code or a plain comment", () => {
  assert.deepEqual(messagesOf("module-doc", "const a = 1;"), ["Module has no doc comment"]);
  assert.deepEqual(messagesOf("module-doc", "// Plain.\nconst a = 1;").length, 1);
});

Deno.test("module-doc passes a doc comment, also below a shebang, and tests without one", () => {
  assert.deepEqual(messagesOf("module-doc", "/** What for. */\nconst a = 1;"), []);
  assert.deepEqual(messagesOf("module-doc", "#!/usr/bin/env -S deno\n/** X. */\nf();"), []);
  assert.deepEqual(messagesOf("module-doc", "const a = 1;", "tests/unit/a_test.ts"), []);
});

Deno.test("export-doc fails each kind of export without a doc comment", () => {
  for (
    const declaration of [
      "function f() {}",
      "async function f() {}",
      "class F {}",
      "const f = 1;",
      "interface F {}",
      "type F = string;",
      "enum F {}",
    ]
  ) {
    const source = `/** Module. */\nimport "x";\nexport ${declaration}`;
    assert.equal(messagesOf("export-doc", source).length, 1, declaration);
    const documented = `/** Module. */\nimport "x";\n/** Why. */\nexport ${declaration}`;
    assert.deepEqual(messagesOf("export-doc", documented), [], declaration);
  }
});

Deno.test("export-doc does not take a plain comment or a distant doc comment for one", () => {
  assert.equal(messagesOf("export-doc", "// Why.\nexport const f = 1;").length, 1);
  assert.equal(
    messagesOf("export-doc", "/** Why. */\nconst a = 1;\nexport const f = 1;").length,
    1,
  );
  assert.equal(messagesOf("export-doc", "/* Why. */\nexport const f = 1;").length, 1);
});

Deno.test("export-doc sees a doc comment through a lint directive", () => {
  const source = "/** Why. */\n// deno-lint-ignore no-x\nexport const f = 1;";
  assert.deepEqual(messagesOf("export-doc", source), []);
});

Deno.test("export-doc asks one comment of overloads and of a schema with its type", () => {
  const overloads = "/** Why. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\n" +
    "export function f(a: number): number { return a; }";
  assert.deepEqual(messagesOf("export-doc", overloads), []);
  const pair = "/** Why. */\nexport const F = z.string();\nexport type F = z.infer<typeof F>;";
  assert.deepEqual(messagesOf("export-doc", pair), []);
});

Deno.test("export-doc leaves re-exports and tests alone", () => {
  assert.deepEqual(messagesOf("export-doc", 'export { a } from "./a.ts";'), []);
  assert.deepEqual(messagesOf("export-doc", "export const a = 1;", "tests/unit/a_test.ts"), []);
});
