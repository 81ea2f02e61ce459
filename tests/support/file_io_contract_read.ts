/** Contract of `FileIo.read` and `FileIo.stat`. */
import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import {
  assertRejects,
  bytesOf,
  contractTest,
  type FileIoContractOptions,
  readText,
} from "./file_io_contract_subject.ts";

/** Registers the contract of reading. */
export function registerReadContract(options: FileIoContractOptions): void {
  registerWholeReads(options);
  registerRangedReads(options);
  registerAborts(options);
}

function registerWholeReads(options: FileIoContractOptions): void {
  contractTest(options, "read() returns what was created", async ({ io, root }) => {
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    await io.createIfAbsent(`${root}/a/b/file.bin`, bytes);
    assert.deepEqual(await io.read(`${root}/a/b/file.bin`), bytes);
  });

  contractTest(options, "read() returns an empty file", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/empty`, new Uint8Array());
    assert.equal((await io.read(`${root}/empty`)).length, 0);
    assert.equal((await io.stat(`${root}/empty`))?.sizeBytes, 0);
  });

  contractTest(options, "read() rejects where there is no file", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/folder/file`, bytesOf("x"));
    for (const location of [`${root}/none`, `${root}/none/deeper`, `${root}/folder`]) {
      const error = await assertRejects(io.read(location), {
        kind: "not_found",
        code: "file_not_found",
      });
      assert.match(error.message, /^Failed to read "[^"]+": /);
    }
  });

  contractTest(options, "read() keeps a caller's maxBytes", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/f`, bytesOf("0123456789"));
    assert.equal((await io.read(`${root}/f`, { maxBytes: 10 })).length, 10);
    await assertRejects(io.read(`${root}/f`, { maxBytes: 9 }), {
      kind: "too_large",
      code: "file_too_large",
    });
    const range = { offset: 2, length: 3 };
    assert.equal((await io.read(`${root}/f`, { maxBytes: 3, range })).length, 3);
    await assertRejects(io.read(`${root}/f`, { maxBytes: 2, range }), { kind: "too_large" });
  });

  contractTest(options, "stat() tells size and time, or null", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/folder/f`, bytesOf("12345"));
    const stat = await io.stat(`${root}/folder/f`);
    assert.equal(stat?.location, `${root}/folder/f`);
    assert.equal(stat.sizeBytes, 5);
    assert.ok(Math.abs((stat.modifiedAtMs ?? 0) - Date.now()) < 60_000, Deno.inspect(stat));
    assert.equal(await io.stat(`${root}/folder`), null);
    assert.equal(await io.stat(`${root}/none/f`), null);
  });
}

function registerRangedReads(options: FileIoContractOptions): void {
  contractTest(options, "read() returns exactly the range", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/f`, bytesOf("0123456789"));
    const read = async (offset: number, length: number) =>
      new TextDecoder().decode(await io.read(`${root}/f`, { range: { offset, length } }));
    assert.equal(await read(0, 1), "0");
    assert.equal(await read(3, 4), "3456");
    assert.equal(await read(9, 1), "9");
    assert.equal(await read(0, 10), "0123456789");
    assert.equal(await read(4, 0), "");
    assert.equal(await read(10, 0), "");
  });

  contractTest(options, "read() rejects a range past the end", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/f`, bytesOf("0123456789"));
    for (const range of [[0, 11], [9, 2], [10, 1], [11, 0], [500, 5]] as const) {
      const [offset, length] = range;
      await assertRejects(io.read(`${root}/f`, { range: { offset, length } }), {
        kind: "corrupt_data",
        code: "range_out_of_bounds",
      });
    }
    await assertRejects(io.read(`${root}/none`, { range: { offset: 0, length: 0 } }), {
      kind: "not_found",
    });
  });

  contractTest(options, "read() calls a senseless range a mistake", async ({ io, root }) => {
    for (const [offset, length] of [[-1, 1], [0, -1], [0.5, 1], [0, NaN], [2 ** 53, 1]] as const) {
      await assert.rejects(io.read(`${root}/f`, { range: { offset, length } }), RangeError);
    }
    await assert.rejects(io.read(`${root}/f`, { maxBytes: -1 }), RangeError);
  });
}

function registerAborts(options: FileIoContractOptions): void {
  contractTest(options, "calls end at once under a signal that fired", async ({ io, root }) => {
    await io.createIfAbsent(`${root}/f`, bytesOf("x"));
    const signal = AbortSignal.abort();
    const expected = { kind: "cancelled", code: "cancelled" } as const;
    await assertRejects(io.read(`${root}/f`, { signal }), expected);
    await assertRejects(io.stat(`${root}/f`, signal), expected);
    await assertRejects(io.listFolder(root, signal), expected);
    await assertRejects(Array.fromAsync(io.listRecursive(root, signal)), expected);
    assert.equal(await readText(io, `${root}/f`), "x");
  });

  contractTest(options, "calls pass a signal's own reason on", async ({ io, root }) => {
    const reason = new AppError("deadline_exceeded", "job_deadline", "Job ran out of time");
    const error = await assertRejects(
      io.read(`${root}/f`, { signal: AbortSignal.abort(reason) }),
      { kind: "deadline_exceeded" },
    );
    assert.equal(error, reason);
    const timedOut = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    await assertRejects(io.stat(`${root}/f`, timedOut), { kind: "deadline_exceeded" });
  });
}
