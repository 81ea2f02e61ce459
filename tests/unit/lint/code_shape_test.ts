import assert from "node:assert/strict";
import { messagesOf } from "./_run_rule.ts";

Deno.test("no-export-star fails a whole re-export and passes a named one", () => {
  assert.equal(messagesOf("no-export-star", 'export * from "./a.ts";').length, 1);
  assert.equal(messagesOf("no-export-star", 'export * as a from "./a.ts";').length, 1);
  assert.deepEqual(messagesOf("no-export-star", 'export { a } from "./a.ts";'), []);
});

Deno.test("no-swallowed-error fails an empty handler", () => {
  assert.equal(messagesOf("no-swallowed-error", "try { f(); } catch { }").length, 1);
  assert.equal(messagesOf("no-swallowed-error", "try { f(); } catch (e) {\n}").length, 1);
  assert.equal(messagesOf("no-swallowed-error", "await f().catch(() => {});").length, 1);
  assert.equal(messagesOf("no-swallowed-error", "await f().catch(function () {});").length, 1);
});

Deno.test("no-swallowed-error passes a handler that acts or says why it need not", () => {
  for (
    const source of [
      "try { f(); } catch { return null; }",
      "try { f(); } catch { /* The folder is gone already. */ }",
      "await f().catch((error) => log(error));",
      "await f().catch(() => null);",
    ]
  ) assert.deepEqual(messagesOf("no-swallowed-error", source), [], source);
});

Deno.test("no-double-cast fails a cast through unknown and passes a single one", () => {
  assert.equal(messagesOf("no-double-cast", "const a = b as unknown as C;").length, 1);
  assert.deepEqual(messagesOf("no-double-cast", "const a = b as C;"), []);
});

Deno.test("no-todo fails a comment that puts work off", () => {
  assert.equal(messagesOf("no-todo", "// TODO: later\nf();").length, 1);
  assert.equal(messagesOf("no-todo", "/* FIXME */\nf();").length, 1);
  assert.deepEqual(messagesOf("no-todo", '// Todos are listed.\nf("TODO");'), []);
});

Deno.test("explained-ignore fails a silenced rule without a reason", () => {
  assert.equal(messagesOf("explained-ignore", "// deno-lint-ignore no-x\nf();").length, 1);
  assert.equal(messagesOf("explained-ignore", "// deno-lint-ignore-file\nf();").length, 1);
  assert.deepEqual(messagesOf("explained-ignore", "// deno-lint-ignore no-x -- why\nf();"), []);
  assert.deepEqual(messagesOf("explained-ignore", "// Not deno-lint-ignore no-x\nf();"), []);
});

Deno.test("hash-private fails private members and passes private constructors", () => {
  assert.equal(messagesOf("hash-private", "class A { private b = 1; }").length, 1);
  assert.equal(messagesOf("hash-private", "class A { private b() {} }").length, 1);
  assert.deepEqual(messagesOf("hash-private", "class A { #b = 1; private constructor() {} }"), []);
});

Deno.test("function-keyword fails a top-level arrow with a body", () => {
  assert.equal(messagesOf("function-keyword", "const f = () => { g(); };").length, 1);
  assert.equal(messagesOf("function-keyword", "export const f = () => { g(); };").length, 1);
});

Deno.test("function-keyword passes expressions, annotated arrows and inner arrows", () => {
  for (
    const source of [
      "const f = (a) => a + 1;",
      "const f: Handler = (a) => { g(a); };",
      "function f() { const h = () => { g(); }; }",
    ]
  ) assert.deepEqual(messagesOf("function-keyword", source), [], source);
});

Deno.test("pure-core fails Deno, fetch, sockets and node modules inside lib/iceberg", () => {
  const inCore = (source: string) => messagesOf("pure-core", source, "lib/iceberg/avro/reader.ts");
  assert.equal(inCore('Deno.readFileSync("a");').length, 1);
  assert.equal(inCore('await fetch("a");').length, 1);
  assert.equal(inCore('new WebSocket("a");').length, 1);
  assert.equal(inCore('import fs from "node:fs";').length, 1);
  assert.deepEqual(inCore('import { inflateSync } from "node:zlib";'), []);
  assert.deepEqual(inCore("const a = io.fetch;"), []);
});

Deno.test("pure-core leaves the rest of the project alone", () => {
  assert.deepEqual(messagesOf("pure-core", "Deno.cwd();", "lib/storage/local.ts"), []);
});
