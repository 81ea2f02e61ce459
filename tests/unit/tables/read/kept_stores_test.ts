import assert from "node:assert/strict";
import { MemoryFileIo, type StorageSpec } from "../../../../lib/storage/mod.ts";
import { keepStores } from "../../../../lib/tables/read/kept_stores.ts";

function specOf(root: string): StorageSpec {
  return { local: { kind: "local", roots: [root] }, s3: null };
}

Deno.test("keepStores() opens equal specs once, and different ones apart", () => {
  const open = keepStores(() => new MemoryFileIo());
  assert.equal(open(specOf("/a")), open(specOf("/a")));
  assert.notEqual(open(specOf("/a")), open(specOf("/b")));
});

Deno.test("keepStores() forgets the store that was not used for longest", () => {
  const open = keepStores(() => new MemoryFileIo());
  const used = open(specOf("/used"));
  const unused = open(specOf("/unused"));
  for (let i = 0; i < 15; i++) {
    open(specOf(`/other-${i}`));
    assert.equal(open(specOf("/used")), used);
  }
  assert.notEqual(open(specOf("/unused")), unused);
});
