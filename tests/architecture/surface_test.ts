import assert from "node:assert/strict";
import { describeSurface, exportsOf } from "./_surface.ts";

const GOLDEN = "tests/architecture/surface.txt";

Deno.test("the surface of lib is the accepted one", async () => {
  const surface = await describeSurface();
  if (Deno.args.includes("--accept")) await Deno.writeTextFile(GOLDEN, surface);
  const message = `${GOLDEN} differs: if the change is meant, run "deno task surface"`;
  assert.deepEqual(surface.split("\n"), (await Deno.readTextFile(GOLDEN)).split("\n"), message);
});

Deno.test("exportsOf() names values and types, re-exported and declared", () => {
  const text = `
    export { a, type B } from "./a.ts";
    export type { C } from "./c.ts";
    export { d as e } from "./d.ts";
    export function f() {}
    export class G {}
    export const h = 1, i = 2;
    export interface J {}
    export type K = string;
    const hidden = 3;
  `;
  assert.deepEqual(exportsOf("lib/x.ts", text), [
    "G",
    "a",
    "e",
    "f",
    "h",
    "i",
    "type B",
    "type C",
    "type J",
    "type K",
  ]);
});
