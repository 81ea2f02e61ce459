/** Contract of `FileIo.listFolder` and `FileIo.listRecursive`. */
import assert from "node:assert/strict";
import {
  bytesOf,
  contractTest,
  type FileIoContractOptions,
  readText,
} from "./file_io_contract_subject.ts";

/** Registers the contract of listing. */
export function registerListContract(options: FileIoContractOptions): void {
  registerTemporariesContract(options);
  contractTest(options, "listFolder() names what is directly inside", async ({ io, root }) => {
    for (const path of ["t/b", "t/a", "t/sub/x", "t/sub/deep/y", "t/C", "t/é", "tt/other"]) {
      await io.createIfAbsent(`${root}/${path}`, bytesOf(path));
    }
    const expected = [
      { name: "C", kind: "file" },
      { name: "a", kind: "file" },
      { name: "b", kind: "file" },
      { name: "sub", kind: "folder" },
      { name: "é", kind: "file" },
    ];
    assert.deepEqual(await io.listFolder(`${root}/t`), expected);
    assert.deepEqual(await io.listFolder(`${root}/t/`), expected);
  });

  contractTest(options, "listFolder() finds nothing in no folder", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/file`, bytesOf("x"));
    assert.deepEqual(await io.listFolder(`${root}/none`), []);
    assert.deepEqual(await io.listFolder(`${root}/none/deeper`), []);
    assert.deepEqual(await io.listFolder(`${root}/file`), []);
    assert.deepEqual(await io.listFolder(`${root}/fil`), []);
    assert.deepEqual(await Array.fromAsync(io.listRecursive(`${root}/none`)), []);
  });

  contractTest(options, "listRecursive() walks below a folder", async ({ io, root }) => {
    const paths = ["t/a", "t/sub/x=1/y", "t/sub/z", "tt/other", "t.file"];
    for (const path of paths) await io.createIfAbsent(`${root}/${path}`, bytesOf(path));
    for (const folder of [`${root}/t`, `${root}/t/`]) {
      const found = await Array.fromAsync(io.listRecursive(folder));
      assert.deepEqual(
        found.map((stat) => stat.location).sort(),
        ["t/a", "t/sub/x=1/y", "t/sub/z"].map((path) => `${root}/${path}`),
      );
      for (const stat of found) {
        const text = await readText(io, stat.location);
        assert.equal(`${root}/${text}`, stat.location);
        assert.equal(stat.sizeBytes, text.length);
        assert.ok(Math.abs((stat.modifiedAtMs ?? 0) - Date.now()) < 60_000);
      }
    }
  });

  contractTest(options, "listRecursive() may be left early", async ({ io, root }) => {
    for (let i = 0; i < 5; i++) await io.createIfAbsent(`${root}/t/${i}`, bytesOf("x"));
    for await (const stat of io.listRecursive(`${root}/t`)) {
      assert.ok(stat.location.startsWith(`${root}/t/`));
      break;
    }
  });
}

function registerTemporariesContract(options: FileIoContractOptions): void {
  contractTest(options, "listings hide files in the making", async ({ io, root }) => {
    await io.put(`${root}/t/.drls-tmp-0c7f`, bytesOf("left by a crash"));
    await io.put(`${root}/t/.hidden`, bytesOf("not ours"));
    assert.deepEqual(await io.listFolder(`${root}/t`), [{ name: ".hidden", kind: "file" }]);
    const found = await Array.fromAsync(io.listRecursive(root));
    assert.deepEqual(found.map((stat) => stat.location), [`${root}/t/.hidden`]);
  });

  contractTest(options, "listEverything() shows files in the making too", async ({ io, root }) => {
    await io.put(`${root}/t/.drls-tmp-0c7f`, bytesOf("left by a crash"));
    await io.put(`${root}/t/sub/a`, bytesOf("a"));
    assert(io.listEverything !== undefined);
    const found = await Array.fromAsync(io.listEverything(`${root}/t/`));
    assert.deepEqual(
      found.map((stat) => [stat.location, stat.sizeBytes]).sort(),
      [[`${root}/t/.drls-tmp-0c7f`, 15], [`${root}/t/sub/a`, 1]],
    );
    await io.delete(`${root}/t/.drls-tmp-0c7f`);
    const left = await Array.fromAsync(io.listEverything(root));
    assert.deepEqual(left.map((stat) => stat.location), [`${root}/t/sub/a`]);
  });
}
