/** Contract of `FileIo.createIfAbsent`, `put` and `delete`. */
import assert from "node:assert/strict";
import {
  assertRejects,
  bytesOf,
  contractTest,
  type FileIoContractOptions,
  readText,
} from "./file_io_contract_subject.ts";

/** How many rivals create one file at once. */
const RIVALS = 24;

/** Registers the contract of creating, replacing and deleting. */
export function registerCreateContract(options: FileIoContractOptions): void {
  contractTest(options, "createIfAbsent() refuses a taken location", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/m/v1.metadata.json`, bytesOf("first"));
    const error = await assertRejects(
      io.createIfAbsent(`${root}/m/v1.metadata.json`, bytesOf("second")),
      { kind: "already_exists", code: "file_already_exists" },
    );
    assert.match(error.message, /^Failed to create "m\/v1\.metadata\.json": /);
    assert.equal(await readText(io, `${root}/m/v1.metadata.json`), "first");
  });

  contractTest(options, "createIfAbsent() refuses equal bytes too", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/f`, bytesOf("same"));
    await assertRejects(io.createIfAbsent(`${root}/f`, bytesOf("same")), {
      kind: "already_exists",
    });
  });

  contractTest(options, "createIfAbsent() lets one of many rivals win", async ({ io, root }) => {
    const results = await Promise.allSettled(
      Array.from(
        { length: RIVALS },
        (_, i) => io.createIfAbsent(`${root}/race`, bytesOf(`rival ${i}`)),
      ),
    );
    const winners = results.flatMap((r, i) => r.status === "fulfilled" ? [i] : []);
    assert.equal(winners.length, 1, Deno.inspect(results));
    assert.equal(await readText(io, `${root}/race`), `rival ${winners[0]}`);
    for (const result of results) {
      if (result.status === "rejected") assert.equal(result.reason.kind, "already_exists");
    }
    assert.deepEqual(await io.listFolder(root), [{ name: "race", kind: "file" }]);
  });

  contractTest(options, "put() creates and replaces", async ({ io, root }) => {
    await io.put(`${root}/deep/er/hint`, bytesOf("1"));
    await io.put(`${root}/deep/er/hint`, bytesOf("22"));
    assert.equal(await readText(io, `${root}/deep/er/hint`), "22");
    assert.deepEqual(await io.listFolder(`${root}/deep/er`), [{ name: "hint", kind: "file" }]);
  });

  contractTest(options, "put() never shows a reader half a file", async ({ io, root }) => {
    const texts = ["a".repeat(30_000), "b".repeat(20_000)];
    await io.put(`${root}/hint`, bytesOf(texts[0] ?? ""));
    const writes = (async () => {
      for (let i = 0; i < 10; i++) await io.put(`${root}/hint`, bytesOf(texts[i % 2] ?? ""));
    })();
    for (let i = 0; i < 20; i++) {
      assert.ok(texts.includes(await readText(io, `${root}/hint`)));
    }
    await writes;
  });

  contractTest(options, "delete() removes a file, and is content without", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/folder/f`, bytesOf("x"));
    await io.createIfAbsent(`${root}/folder/g`, bytesOf("y"));
    await io.delete(`${root}/folder/f`);
    await io.delete(`${root}/folder/f`);
    await io.delete(`${root}/never/was`);
    await io.delete(`${root}/folder`);
    assert.equal(await io.stat(`${root}/folder/f`), null);
    assert.equal(await readText(io, `${root}/folder/g`), "y");
    await io.createIfAbsent(`${root}/folder/f`, bytesOf("again"));
    assert.equal(await readText(io, `${root}/folder/f`), "again");
  });
}
