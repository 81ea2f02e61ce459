import assert from "node:assert/strict";
import { queryPermissions, readerPermissions } from "../../../workers/reader_permissions.ts";

const NOTHING_ELSE = { write: false, env: false, run: false, ffi: false, sys: false };

Deno.test("readerPermissions() of a local warehouse reads there, without network", () => {
  const places = { catalogType: "hadoop", warehouse: "/no/lake", storageRoots: [] } as const;
  assert.deepEqual(readerPermissions(places), { read: ["/no/lake"], net: false, ...NOTHING_ELSE });
});

Deno.test("readerPermissions() takes every way to write a local place", () => {
  const storageRoots = ["file:///no/a", "file:/no/b", "/no/c d", "file:///no/e%20f"];
  const { read } = readerPermissions({ catalogType: "sql", warehouse: null, storageRoots });
  assert.deepEqual(read, ["/no/a", "/no/b", "/no/c d", "/no/e%20f"]);
});

Deno.test("readerPermissions() of a store reads no disk, and reaches the network", () => {
  for (const warehouse of ["s3://bucket/lake", "s3a://bucket/lake"]) {
    const permissions = readerPermissions({ catalogType: "hadoop", warehouse, storageRoots: [] });
    assert.deepEqual(permissions, { read: false, net: true, ...NOTHING_ELSE });
  }
});

Deno.test("readerPermissions() of a rest catalog reaches the network: it names the stores", () => {
  const places = { catalogType: "rest", warehouse: "main", storageRoots: ["/no/disk"] } as const;
  assert.deepEqual(readerPermissions(places), { read: ["/no/disk"], net: true, ...NOTHING_ELSE });
});

Deno.test("readerPermissions() without a catalog permits nothing", () => {
  const none = { catalogType: null, warehouse: null, storageRoots: [] };
  assert.deepEqual(readerPermissions(none), { read: false, net: false, ...NOTHING_ELSE });
});

Deno.test("readerPermissions() names a folder behind a link under both names", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink(`${folder}/real`, `${folder}/link`);
    const warehouse = `${folder}/link`;
    const { read } = readerPermissions({ catalogType: "hadoop", warehouse, storageRoots: [] });
    assert.deepEqual(read, [warehouse, await Deno.realPath(`${folder}/real`)]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("queryPermissions() reads as a reader does, and may count the processors", () => {
  const places = { catalogType: "hadoop", warehouse: "/no/lake", storageRoots: [] } as const;
  const { sys, ...rest } = queryPermissions(places);
  const { sys: _, ...reader } = readerPermissions(places);
  assert.deepEqual([sys, rest], [["cpus", "setPriority"], reader]);
});
