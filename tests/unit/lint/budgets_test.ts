import assert from "node:assert/strict";
import { messagesOf } from "./_run_rule.ts";

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `  call(${i});`).join("\n");

Deno.test("file-budget fails 401 lines and passes 400", () => {
  const source = (count: number) => `${"// line\n".repeat(count - 1)}call();\n`;
  assert.deepEqual(messagesOf("file-budget", source(401)), [
    "File has 401 lines: at most 400 are allowed",
  ]);
  assert.deepEqual(messagesOf("file-budget", source(400)), []);
});

Deno.test("function-budget fails a declaration of 71 lines and passes 70", () => {
  const source = (count: number) => `function work() {\n${lines(count - 2)}\n}`;
  assert.deepEqual(messagesOf("function-budget", source(71)), [
    'Function "work" has 71 lines: at most 70 are allowed',
  ]);
  assert.deepEqual(messagesOf("function-budget", source(70)), []);
});

Deno.test("function-budget counts methods, accessors, bound arrows and object methods", () => {
  const body = `{\n${lines(80)}\n}`;
  for (
    const source of [
      `class A { work() ${body} }`,
      `class A { get work() ${body} }`,
      `class A { #work = () => ${body}; }`,
      `const work = () => ${body};`,
      `const a = { work() ${body} };`,
      `const a = { work: async () => ${body} };`,
    ]
  ) assert.equal(messagesOf("function-budget", source).length, 1, source.slice(0, 40));
});

Deno.test("function-budget leaves callbacks to the budget of what holds them", () => {
  assert.deepEqual(messagesOf("function-budget", `Deno.test("x", () => {\n${lines(80)}\n});`), []);
});

Deno.test("positional-parameters fails a third parameter without a named type", () => {
  for (
    const source of [
      "export function f(a: string, b: string, c: string) {}",
      "export function f(a: string, b: string, c: { d: string }) {}",
      "export function f(a: string, b: string, c = {}) {}",
      "export function f(a: string, b: string, c: Options, d: Options) {}",
      "export const f = (a: string, b: string, c: number) => {};",
    ]
  ) assert.equal(messagesOf("positional-parameters", source).length, 1, source);
});

Deno.test("positional-parameters passes a named options type, inner functions and tests", () => {
  for (
    const source of [
      "export function f(a: string, b: string) {}",
      "export function f(a: string, b: string, options: FOptions) {}",
      "export function f(a: string, b: string, options: FOptions = {}) {}",
      "function inner(a: string, b: string, c: string) {}",
    ]
  ) assert.deepEqual(messagesOf("positional-parameters", source), [], source);
  const three = "export function f(a: string, b: string, c: string) {}";
  assert.deepEqual(messagesOf("positional-parameters", three, "tests/support/f.ts"), []);
});
