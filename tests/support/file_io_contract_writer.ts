/** Contract of `FileIo.openWriter`. */
import assert from "node:assert/strict";
import {
  assertRejects,
  bytesOf,
  contractTest,
  type FileIoContractOptions,
  readText,
} from "./file_io_contract_subject.ts";

/** Registers the contract of streaming writers. */
export function registerWriterContract(options: FileIoContractOptions): void {
  contractTest(options, "openWriter() shows nothing before close", async ({ io, root }) => {
    const writer = await io.openWriter(`${root}/data/part.bin`);
    assert.equal(writer.location, `${root}/data/part.bin`);
    // One buffer, used again for each chunk: a writer must not hold on to it.
    const chunk = new Uint8Array(3);
    for (const letter of ["a", "b", "c"]) {
      chunk.set(bytesOf(letter.repeat(3)));
      await writer.write(chunk);
    }
    await writer.write(new Uint8Array());
    assert.equal(await io.stat(`${root}/data/part.bin`), null);
    assert.deepEqual(await io.listFolder(`${root}/data`), []);
    assert.deepEqual(await Array.fromAsync(io.listRecursive(root)), []);

    const stat = await writer.close();
    assert.equal(stat.location, `${root}/data/part.bin`);
    assert.equal(stat.sizeBytes, 9);
    assert.equal(await readText(io, `${root}/data/part.bin`), "aaabbbccc");
  });

  contractTest(options, "openWriter() writes an empty file", async ({ io, root }) => {
    const writer = await io.openWriter(`${root}/empty`);
    assert.equal((await writer.close()).sizeBytes, 0);
    assert.equal((await io.stat(`${root}/empty`))?.sizeBytes, 0);
  });

  contractTest(options, "abort() leaves nothing, however often", async ({ io, root }) => {
    const writer = await io.openWriter(`${root}/f`);
    await writer.write(bytesOf("half"));
    await writer.abort();
    await writer.abort();
    assert.equal(await io.stat(`${root}/f`), null);
    assert.deepEqual(await io.listFolder(root), []);
    await assert.rejects(writer.write(bytesOf("more")), TypeError);
    await assert.rejects(writer.close(), TypeError);
  });

  contractTest(options, "close() refuses a location taken meanwhile", async ({ io, root }) => {
    const writer = await io.openWriter(`${root}/f`);
    await writer.write(bytesOf("late"));
    await io.createIfAbsent(`${root}/f`, bytesOf("early"));
    await assertRejects(writer.close(), { kind: "already_exists" });
    await writer.abort();
    assert.equal(await readText(io, `${root}/f`), "early");
    assert.deepEqual(await io.listFolder(root), [{ name: "f", kind: "file" }]);
  });

  contractTest(options, "close() is final, abort() after it harmless", async ({ io, root }) => {
    const writer = await io.openWriter(`${root}/f`);
    await writer.write(bytesOf("kept"));
    await writer.close();
    await writer.abort();
    await assert.rejects(writer.close(), TypeError);
    assert.equal(await readText(io, `${root}/f`), "kept");
  });

  contractTest(options, "close() lets one of several writers win", async ({ io, root }) => {
    const writers = await Promise.all(
      Array.from({ length: 8 }, () => io.openWriter(`${root}/race`)),
    );
    await Promise.all(writers.map((writer, i) => writer.write(bytesOf(`rival ${i}`))));
    const results = await Promise.allSettled(writers.map((writer) => writer.close()));
    const winners = results.flatMap((r, i) => r.status === "fulfilled" ? [i] : []);
    assert.equal(winners.length, 1, Deno.inspect(results));
    assert.equal(await readText(io, `${root}/race`), `rival ${winners[0]}`);
  });
}
