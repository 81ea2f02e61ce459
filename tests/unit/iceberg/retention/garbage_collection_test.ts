import assert from "node:assert/strict";
import { mayDeleteFiles } from "../../../../lib/iceberg/retention/garbage_collection.ts";

Deno.test("mayDeleteFiles() takes everything but true for false, where anything is said", () => {
  const says = (text: string) => mayDeleteFiles({ properties: { "gc.enabled": text } });
  assert.deepEqual(["true", "TRUE"].map(says), [true, true]);
  assert.deepEqual(["false", "False", "no", "0", ""].map(says), [
    false,
    false,
    false,
    false,
    false,
  ]);
  assert.equal(mayDeleteFiles({ properties: {} }), true);
});
