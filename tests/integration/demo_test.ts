/** `deno task demo`: its folder, filled once and never half, and the server over it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { prepareFolder } from "../../tasks/demo/demo_folder.ts";
import { rejectsWith } from "../support/rejects.ts";

const NOW_MS = Date.UTC(2026, 5, 15, 9, 30);

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-demo-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A filling that leaves one file, for tests of the folder alone. */
async function fillWithOne(warehouse: string): Promise<void> {
  assert.deepEqual([...Deno.readDirSync(warehouse)], []);
  await Deno.writeTextFile(join(warehouse, "table"), "whole");
}

Deno.test("prepareFolder() fills a new folder once", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "new", "demo");
    const options = { fill: fillWithOne, nowMs: NOW_MS };
    assert.equal(await prepareFolder(dataDir, options), "filled");
    await Deno.writeTextFile(join(dataDir, "warehouse", "mine"), "kept");
    const fill = () => Promise.reject(new Error("filled twice"));
    assert.equal(await prepareFolder(dataDir, { ...options, fill }), "reused");
    const names = [...Deno.readDirSync(join(dataDir, "warehouse"))].map(({ name }) => name);
    assert.deepEqual(names.sort(), ["mine", "table"]);
  }));

Deno.test("prepareFolder() begins anew where filling broke off", () =>
  withFolder(async (dataDir) => {
    const breakOff = async (warehouse: string) => {
      await Deno.writeTextFile(join(warehouse, "half"), "a");
      throw new Error("broke off");
    };
    const broken = prepareFolder(dataDir, { fill: breakOff, nowMs: NOW_MS });
    await assert.rejects(broken, /broke off/);
    const options = { fill: fillWithOne, nowMs: NOW_MS };
    assert.equal(await prepareFolder(dataDir, options), "filled");
    const names = [...Deno.readDirSync(join(dataDir, "warehouse"))].map(({ name }) => name);
    assert.deepEqual(names, ["table"]);
  }));

Deno.test("prepareFolder() lets the second of two wait for the first", () =>
  withFolder(async (dataDir) => {
    let fills = 0;
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
    const fill = async (warehouse: string) => {
      fills++;
      begin();
      await allowed;
      await fillWithOne(warehouse);
    };
    const first = prepareFolder(dataDir, { fill, nowMs: NOW_MS });
    await begun;
    const second = prepareFolder(dataDir, { fill, nowMs: NOW_MS });
    allow();
    assert.deepEqual(await Promise.all([first, second]), ["filled", "reused"]);
    assert.equal(fills, 1);
  }));

Deno.test("prepareFolder() touches no folder that holds something else", () =>
  withFolder(async (folder) => {
    const options = { fill: fillWithOne, nowMs: NOW_MS };
    await Deno.mkdir(join(folder, "warehouse"));
    const taken = { kind: "conflict", code: "demo_folder_taken" } as const;
    const other = await rejectsWith(prepareFolder(folder, options), taken);
    assert.match(other.message, /it holds other files\. Set DRLS_DATA_DIR to a new folder/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["warehouse"]);
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "mine");
    assert.match((await rejectsWith(prepareFolder(file, options), taken)).message, /it is a file/);
    assert.equal(await Deno.readTextFile(file), "mine");
  }));

Deno.test("prepareFolder() tells a folder that was moved, whose tables are elsewhere", () =>
  withFolder(async (folder) => {
    const options = { fill: fillWithOne, nowMs: NOW_MS };
    await prepareFolder(join(folder, "a"), options);
    await Deno.rename(join(folder, "a"), join(folder, "b"));
    const moved = { kind: "conflict", code: "demo_folder_moved" } as const;
    const error = await rejectsWith(prepareFolder(join(folder, "b"), options), moved);
    assert.match(error.message, /were written at "[^"]+\/a\/warehouse".+ Remove the folder/);
  }));
