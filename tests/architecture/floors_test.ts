import assert from "node:assert/strict";
import { findForbiddenImports } from "./_floors.ts";
import { graphOf, readImportGraph } from "./_import_graph.ts";

Deno.test("the project's imports go down the stairs and through the doors", async () => {
  assert.deepEqual(findForbiddenImports(await readImportGraph()), []);
});

/** Reasons for a single import from one path to another. */
function reasons(from: string, specifier: string): string[] {
  const graph = graphOf({ [from]: `import { a } from "${specifier}";` });
  return findForbiddenImports(graph).map((line) => line.slice(line.indexOf(": ") + 2));
}

Deno.test("findForbiddenImports() names the import and the reason", () => {
  const graph = graphOf({ "lib/iceberg/a.ts": 'import type { B } from "../state/mod.ts";' });
  assert.deepEqual(findForbiddenImports(graph), [
    "lib/iceberg/a.ts -> lib/state/mod.ts: lib imports downward only",
  ]);
});

Deno.test("findForbiddenImports() keeps lib from routes, workers, tests and the web framework", () => {
  assert.deepEqual(reasons("lib/log.ts", "../routes/mod.ts"), ["lib does not know routes"]);
  assert.deepEqual(reasons("lib/tables/a.ts", "../../workers/protocol.ts"), [
    "lib does not know workers",
  ]);
  assert.deepEqual(reasons("lib/log.ts", "../tests/support/a.ts"), [
    "tests are not part of the program",
  ]);
  for (const specifier of ["hono", "hono/cors"]) {
    assert.deepEqual(reasons("lib/log.ts", specifier), [
      "only routes and main.ts know the web framework",
    ]);
  }
  assert.deepEqual(reasons("routes/mod.ts", "hono"), []);
  assert.deepEqual(reasons("lib/tables/a.ts", "../../migrations/mod.ts"), [
    "lib does not know migrations",
  ]);
  assert.deepEqual(reasons("lib/state/a.ts", "../../migrations/mod.ts"), []);
});

Deno.test("findForbiddenImports() lets nothing import main.ts", () => {
  for (const from of ["routes/a.ts", "workers/a.ts", "bench/a.ts", "lint/a.ts"]) {
    assert.deepEqual(reasons(from, "../main.ts"), ["nothing imports main.ts"], from);
  }
  assert.deepEqual(reasons("tests/unit/a_test.ts", "../../main.ts"), ["nothing imports main.ts"]);
});

Deno.test("findForbiddenImports() keeps each floor of lib from those above it", () => {
  const upward = ["lib imports downward only"];
  assert.deepEqual(reasons("lib/log.ts", "./iceberg/ports.ts"), upward);
  assert.deepEqual(reasons("lib/log.ts", "./tables/mod.ts"), upward);
  assert.deepEqual(reasons("lib/iceberg/ports.ts", "../storage/mod.ts"), upward);
  assert.deepEqual(reasons("lib/storage/mod.ts", "../tables/mod.ts"), upward);
  assert.deepEqual(reasons("lib/tables/mod.ts", "../agent/mod.ts"), upward);
  assert.deepEqual(reasons("lib/agent/mod.ts", "../tables/mod.ts"), []);
  assert.deepEqual(reasons("lib/tables/a.ts", "../errors.ts"), []);
});

Deno.test("findForbiddenImports() keeps neighbours apart, save the named pairs", () => {
  const neighbours = ["neighbours on one floor do not import each other"];
  assert.deepEqual(reasons("lib/tables/a.ts", "../maintenance/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/storage/a.ts", "../catalog/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/state/a.ts", "../access/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/catalog/a.ts", "../storage/mod.ts"), []);
  assert.deepEqual(reasons("lib/access/a.ts", "../state/mod.ts"), []);
  assert.deepEqual(reasons("lib/sql/a.ts", "../columnar/mod.ts"), []);
  assert.deepEqual(reasons("lib/columnar/a.ts", "../sql/mod.ts"), neighbours);
  for (const room of ["catalog", "storage"]) {
    assert.deepEqual(reasons("lib/jobs/a.ts", `../${room}/mod.ts`), []);
  }
  for (const room of ["access", "state", "jobs", "catalog"]) {
    assert.deepEqual(reasons("lib/operations/a.ts", `../${room}/mod.ts`), []);
  }
  assert.deepEqual(reasons("lib/pins/a.ts", "../state/mod.ts"), []);
  assert.deepEqual(reasons("lib/pins/a.ts", "../operations/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/jobs/a.ts", "../operations/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/columnar/a.ts", "../jobs/mod.ts"), []);
  assert.deepEqual(reasons("lib/jobs/a.ts", "../columnar/mod.ts"), neighbours);
  assert.deepEqual(reasons("lib/columnar/a.ts", "../storage/mod.ts"), neighbours);
});

Deno.test("findForbiddenImports() makes mod.ts a room's only door, save for the core", () => {
  const backDoor = ["lib/tables is entered through a mod.ts"];
  assert.deepEqual(reasons("routes/tables.ts", "../lib/tables/cursor.ts"), backDoor);
  assert.deepEqual(reasons("workers/a.ts", "../lib/tables/cursor.ts"), backDoor);
  assert.deepEqual(reasons("main.ts", "./lib/tables/cursor.ts"), backDoor);
  assert.deepEqual(reasons("lib/tables/a.ts", "../iceberg/spec/schema.ts"), []);
  assert.deepEqual(reasons("lib/tables/health/a.ts", "../cursor.ts"), []);
  assert.deepEqual(reasons("workers/a.worker.ts", "../lib/tables/read/mod.ts"), []);
});

Deno.test("findForbiddenImports() keeps internal files inside their folder", () => {
  assert.deepEqual(reasons("lib/iceberg/scan/a.ts", "../spec/_wire/schema.ts"), [
    "_wire/schema.ts is internal to lib/iceberg/spec/",
  ]);
  assert.deepEqual(reasons("lib/iceberg/spec/a.ts", "./_wire/schema.ts"), []);
  assert.deepEqual(reasons("lib/iceberg/spec/_wire/a.ts", "./schema.ts"), []);
});

Deno.test("findForbiddenImports() keeps routes, workers and lint apart", () => {
  assert.deepEqual(reasons("routes/a.ts", "../workers/a.ts"), ["routes does not know workers"]);
  assert.deepEqual(reasons("workers/a.ts", "../routes/a.ts"), ["workers does not know routes"]);
  for (const inner of ["iceberg/ports.ts", "state/mod.ts", "storage/mod.ts", "sql/mod.ts"]) {
    assert.deepEqual(reasons("routes/a.ts", `../lib/${inner}`), [
      "routes call verbs, which alone reach the core, the stores and the state",
    ]);
  }
  assert.deepEqual(reasons("routes/a.ts", "../lib/tables/mod.ts"), []);
  assert.deepEqual(reasons("lint/a.ts", "../lib/errors.ts"), ["lint stands alone"]);
});

Deno.test("findForbiddenImports() wants the file's name in a relative import", () => {
  assert.deepEqual(reasons("lib/a.ts", "./b"), ["a relative import names its file in full"]);
});

Deno.test("findForbiddenImports() leaves tests and worker entries alone", () => {
  assert.deepEqual(reasons("tests/unit/a_test.ts", "../../lib/tables/cursor.ts"), []);
  const spawn = 'new Worker(new URL("../../workers/a.worker.ts", import.meta.url));';
  assert.deepEqual(findForbiddenImports(graphOf({ "lib/tables/a.ts": spawn })), []);
});
