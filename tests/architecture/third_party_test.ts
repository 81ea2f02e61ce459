import assert from "node:assert/strict";
import { graphOf, readImportGraph } from "./_import_graph.ts";
import { findLoosePins, findUnlisted, findUnused } from "./_third_party.ts";

async function importMap(): Promise<Record<string, string>> {
  return JSON.parse(await Deno.readTextFile("deno.json")).imports;
}

Deno.test("the import map pins exact npm versions", async () => {
  assert.deepEqual(findLoosePins(await importMap()), []);
});

Deno.test("the project imports third-party modules through the import map only", async () => {
  assert.deepEqual(findUnlisted(await readImportGraph(), await importMap()), []);
});

Deno.test("the import map lists nothing that is not imported", async () => {
  assert.deepEqual(findUnused(await readImportGraph(), await importMap()), []);
});

Deno.test("findLoosePins() reports ranges, tags and other hosts", () => {
  const loose = { a: "npm:a@^1.2.3", b: "npm:b@1", c: "npm:c", d: "https://d.example/mod.ts" };
  assert.equal(findLoosePins(loose).length, 4);
  assert.deepEqual(findLoosePins({ a: "npm:a@1.2.3", "@b/c": "npm:@b/c@1.2.3-rc.1" }), []);
});

Deno.test("findUnlisted() reports inline specifiers and unknown names", () => {
  const graph = graphOf({
    "lib/a.ts": 'import "npm:zod@4.0.0"; import "left-pad"; import "zod/mini"; import "node:fs";',
  });
  assert.deepEqual(findUnlisted(graph, { zod: "npm:zod@4.0.0" }), [
    "lib/a.ts -> npm:zod@4.0.0",
    "lib/a.ts -> left-pad",
  ]);
});

Deno.test("findUnused() reports a dependency that nothing imports", () => {
  const graph = graphOf({ "lib/a.ts": 'import "zod/mini";' });
  assert.deepEqual(findUnused(graph, { zod: "", hono: "" }), ["hono"]);
});
