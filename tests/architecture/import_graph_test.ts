import assert from "node:assert/strict";
import { findCycles } from "./_cycles.ts";
import { graphOf, importsOf, loadedWith, readImportGraph } from "./_import_graph.ts";

Deno.test("the project has no import cycles", async () => {
  assert.deepEqual(findCycles(await readImportGraph()), []);
});

Deno.test("the main isolate loads of columnar code only what compiles the modules for isolates", async () => {
  const graph = await readImportGraph();
  const columnar = (paths: Iterable<string>) =>
    [...paths].filter((path) => path.startsWith("lib/columnar/"));
  const allowed = columnar(loadedWith(graph, "lib/columnar/wasm/mod.ts"));
  assert.deepEqual(allowed, ["lib/columnar/wasm/mod.ts"]);
  const loaded = columnar(loadedWith(graph, "main.ts"));
  assert.deepEqual(loaded.filter((path) => !allowed.includes(path)), []);
});

Deno.test("the main isolate loads of SQL only what reads its texts", async () => {
  const graph = await readImportGraph();
  const loaded = [...loadedWith(graph, "main.ts")].filter((path) => path.startsWith("lib/sql/"));
  assert(loaded.includes("lib/sql/text/mod.ts"));
  assert.deepEqual(loaded.filter((path) => !path.startsWith("lib/sql/text/")), []);
});

Deno.test("isolates load tables and commit to them without the database client, which is native", async () => {
  const graph = await readImportGraph();
  const importers = [...graph].filter(([, imports]) =>
    imports.some(({ specifier, kind }) => specifier === "@libsql/client" && kind !== "type")
  ).map(([path]) => path);
  assert(importers.includes("lib/catalog/_sql_client.ts"));
  for (const door of ["lib/catalog/load/mod.ts", "lib/catalog/commit/mod.ts"]) {
    const loaded = loadedWith(graph, door);
    assert(loaded.size > 10);
    assert.deepEqual(importers.filter((path) => loaded.has(path)), []);
  }
});

Deno.test("the graph holds the project's modules", async () => {
  const graph = await readImportGraph();
  assert(graph.has("lib/errors.ts") && graph.has("lint/plugin.ts"));
  const dangling = [...graph].flatMap(([from, imports]) =>
    imports.filter(({ target }) => target?.endsWith(".ts") && !graph.has(target))
      .map(({ target }) => `${from} -> ${target}`)
  );
  assert.deepEqual(dangling, []);
});

Deno.test("importsOf() tells value, type, dynamic and worker imports apart", () => {
  const kinds = (text: string) => importsOf("lib/a.ts", text).map(({ kind }) => kind);
  assert.deepEqual(kinds('import { b } from "./b.ts";'), ["value"]);
  assert.deepEqual(kinds('import { type B, c } from "./b.ts";'), ["value"]);
  assert.deepEqual(kinds('import "./b.ts";'), ["value"]);
  assert.deepEqual(kinds('export { b } from "./b.ts";'), ["value"]);
  assert.deepEqual(kinds('import type { B } from "./b.ts";'), ["type"]);
  assert.deepEqual(kinds('import { type B } from "./b.ts";'), ["type"]);
  assert.deepEqual(kinds('export type { B } from "./b.ts";'), ["type"]);
  assert.deepEqual(kinds('type B = import("./b.ts").B;'), ["type"]);
  assert.deepEqual(kinds('await import("./b.ts");'), ["dynamic"]);
  assert.deepEqual(kinds('new Worker(new URL("./b.ts", import.meta.url));'), ["worker"]);
  assert.deepEqual(kinds('new URL("./migrations/", import.meta.url);'), []);
});

Deno.test("importsOf() resolves relative specifiers only", () => {
  const targets = (text: string) => importsOf("lib/x/a.ts", text).map(({ target }) => target);
  assert.deepEqual(targets('import "../errors.ts";'), ["lib/errors.ts"]);
  assert.deepEqual(targets('import "zod";'), [null]);
});

Deno.test("findCycles() finds a cycle over several modules and a module that imports itself", () => {
  const graph = graphOf({
    "lib/a.ts": 'import { b } from "./b.ts";',
    "lib/b.ts": 'export { c } from "./c.ts";',
    "lib/c.ts": 'import { a } from "./a.ts";',
    "lib/d.ts": 'import { d } from "./d.ts";',
    "lib/e.ts": 'import { a } from "./a.ts";',
  });
  assert.deepEqual(findCycles(graph), [["lib/a.ts", "lib/b.ts", "lib/c.ts"], ["lib/d.ts"]]);
});

Deno.test("findCycles() leaves cycles of types and of isolates alone", () => {
  const graph = graphOf({
    "lib/a.ts": 'import type { B } from "./b.ts";',
    "lib/b.ts": 'import { a } from "./a.ts"; new URL("./b.ts", import.meta.url);',
  });
  assert.deepEqual(findCycles(graph), []);
});

Deno.test("loadedWith() follows re-exports and import(), not types and isolates", () => {
  const graph = graphOf({
    "main.ts": 'import "./a.ts"; import type { T } from "./t.ts"; ' +
      'new Worker(new URL("./lib/columnar/w.ts", import.meta.url));',
    "a.ts": 'export { b } from "./lib/columnar/b.ts"; await import("./c.ts");',
  });
  assert.deepEqual([...loadedWith(graph, "main.ts")].sort(), [
    "a.ts",
    "c.ts",
    "lib/columnar/b.ts",
    "main.ts",
  ]);
});
