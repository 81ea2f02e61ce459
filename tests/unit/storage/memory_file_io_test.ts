import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { MemoryFileIo } from "../../../lib/storage/memory_file_io.ts";
import { registerFileIoContract } from "../../support/file_io_contract.ts";
import { assertRejects, bytesOf, readText } from "../../support/file_io_contract_subject.ts";

registerFileIoContract({
  name: "MemoryFileIo",
  open: () =>
    Promise.resolve({
      io: new MemoryFileIo({ pause: interleave }),
      root: "memory://store/root",
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  outside: null,
  propertyRuns: 200,
});

Deno.test("MemoryFileIo takes equal forms of a location as one file", async () => {
  const io = new MemoryFileIo();
  await io.createIfAbsent("s3a://bucket/t/f", bytesOf("one"));
  assert.equal(await readText(io, "s3://bucket/t/f"), "one");
  await assertRejects(io.createIfAbsent("s3n://bucket/t/f", bytesOf("two")), {
    kind: "already_exists",
  });
  await io.createIfAbsent("file:///w/t/f", bytesOf("local"));
  assert.equal(await readText(io, "/w/t/f"), "local");
  assert.deepEqual(await io.listFolder("file:/w"), [{ name: "t", kind: "folder" }]);
});

Deno.test("MemoryFileIo counts uploads and reads", async () => {
  const io = new MemoryFileIo();
  await io.createIfAbsent("/w/a.avro", bytesOf("a"));
  await io.put("/w/hint", bytesOf("1"));
  const writer = await io.openWriter("/w/b.parquet");
  await writer.write(bytesOf("b"));
  await writer.close();
  await (await io.openWriter("/w/never")).abort();
  await assertRejects(io.createIfAbsent("/w/a.avro", bytesOf("x")), { kind: "already_exists" });
  await io.read("/w/a.avro");

  assert.equal(io.countUploads(), 4);
  assert.equal(io.countUploads((location) => location.endsWith(".parquet")), 1);
  assert.equal(io.countReads(), 1);
  assert.deepEqual(io.locations(), ["/w/a.avro", "/w/b.parquet", "/w/hint"]);
  assert.deepEqual(io.calls.at(-1), { operation: "read", location: "/w/a.avro" });
});

Deno.test("MemoryFileIo fails before or after the effect, as told", async () => {
  const io = new MemoryFileIo();
  const error = () => new AppError("commit_state_unknown", "lost_reply", "Reply was lost");
  io.injectFault({ operation: "createIfAbsent", when: "before", error });
  await assertRejects(io.createIfAbsent("/w/f", bytesOf("x")), { kind: "commit_state_unknown" });
  assert.equal(await io.stat("/w/f"), null);

  io.injectFault({ operation: "createIfAbsent", when: "after", error });
  await assertRejects(io.createIfAbsent("/w/f", bytesOf("x")), { kind: "commit_state_unknown" });
  assert.equal(await readText(io, "/w/f"), "x");
  await assertRejects(io.createIfAbsent("/w/f", bytesOf("x")), { kind: "already_exists" });
});

Deno.test("MemoryFileIo spends a fault only on what it matches, and only so often", async () => {
  const io = new MemoryFileIo();
  io.injectFault({
    operation: "put",
    when: "before",
    error: () => new AppError("unavailable", "storage_failed", "Store is down"),
    matches: (location) => location.endsWith(".bad"),
    times: 2,
  });
  await io.put("/w/good", bytesOf("x"));
  await assertRejects(io.put("/w/1.bad", bytesOf("x")), { kind: "unavailable" });
  await assertRejects(io.put("/w/2.bad", bytesOf("x")), { kind: "unavailable" });
  await io.put("/w/3.bad", bytesOf("x"));
  assert.deepEqual(io.locations(), ["/w/3.bad", "/w/good"]);
});

Deno.test("MemoryFileIo hands out copies of its bytes", async () => {
  const io = new MemoryFileIo();
  const bytes = bytesOf("keep");
  await io.createIfAbsent("/w/f", bytes);
  bytes.fill(0);
  (await io.read("/w/f")).fill(0);
  assert.equal(await readText(io, "/w/f"), "keep");
});

/** Gives every other task a turn, so that rivals really interleave. */
async function interleave(): Promise<void> {
  for (let i = 0; i < 3; i++) await Promise.resolve();
}
