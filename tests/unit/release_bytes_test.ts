import assert from "node:assert/strict";
import { releaseBytes } from "../../lib/release_bytes.ts";

Deno.test("releaseBytes() empties every view of a buffer, and bears being called again", () => {
  const bytes = new Uint8Array(100);
  const part = bytes.subarray(10, 20);
  const other = new Uint8Array(5);
  releaseBytes(part, bytes, other);
  assert.deepEqual([bytes.length, part.length, other.length], [0, 0, 0]);
  releaseBytes(bytes);
});

Deno.test("releaseBytes() leaves shared memory alone", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  releaseBytes(shared);
  assert.equal(shared.length, 4);
});
