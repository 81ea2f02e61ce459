import assert from "node:assert/strict";
import { sizeRulesFor } from "../../../../lib/iceberg/rewrite/file_size_rules.ts";
import {
  effectiveDeletes,
  isChosen,
  passesDeleteRule,
} from "../../../../lib/maintenance/plan/file_choice.ts";
import { deleteFile, plannedFile } from "./_files.ts";

const RULES = {
  sizes: sizeRulesFor(1_000),
  deleteFileThreshold: 2_147_483_647,
  deleteRatioThreshold: 0.3,
};

Deno.test("isChosen() takes files below the minimum and above the maximum", () => {
  const chosen = (size: number) => isChosen(plannedFile(size), RULES);
  assert.deepEqual([749, 750, 1_800, 1_801].map(chosen), [true, false, false, true]);
});

Deno.test("passesDeleteRule() counts delete files of every kind against the threshold", () => {
  const deletes = [deleteFile("position"), deleteFile("equality")];
  const file = plannedFile(1_000, { deletes });
  assert.equal(passesDeleteRule(file, { ...RULES, deleteFileThreshold: 2 }), true);
  assert.equal(passesDeleteRule(file, { ...RULES, deleteFileThreshold: 3 }), false);
});

Deno.test("passesDeleteRule() holds for every file where the threshold is 0, as in Spark", () => {
  assert.equal(passesDeleteRule(plannedFile(1_000), { ...RULES, deleteFileThreshold: 0 }), true);
});

Deno.test("passesDeleteRule() compares rows that deletes of this file alone mark", () => {
  const own = (rows: number) => deleteFile("position", { rows, of: "/t/file" });
  const passes = (...deletes: ReturnType<typeof own>[]) =>
    passesDeleteRule(plannedFile(1_000, { recordCount: 100, deletes }), RULES);
  assert.equal(passes(own(29)), false);
  assert.equal(passes(own(30)), true);
  assert.equal(passes(own(15), own(15)), true);
  assert.equal(passes(deleteFile("position", { rows: 99 })), false);
  assert.equal(passes(deleteFile("equality", { rows: 99 })), false);
});

Deno.test("passesDeleteRule() does not let more deletes than rows pass a ratio of 1 by mistake", () => {
  const deletes = [deleteFile("position", { rows: 500, of: "/t/file" })];
  const file = plannedFile(1_000, { recordCount: 100, deletes });
  assert.equal(passesDeleteRule(file, { ...RULES, deleteRatioThreshold: 1 }), true);
  const empty = plannedFile(1_000, { recordCount: 0, deletes });
  assert.equal(passesDeleteRule(empty, RULES), false);
});

Deno.test("effectiveDeletes() leaves out position deletes older than the file itself", () => {
  const older = deleteFile("position", { sequenceNumber: 4n });
  const same = deleteFile("position", { sequenceNumber: 5n });
  const equality = deleteFile("equality", { sequenceNumber: 4n });
  const deletes = [older, same, equality];
  assert.deepEqual(effectiveDeletes(plannedFile(1, { deletes, fileSequenceNumber: 5n })), [
    same,
    equality,
  ]);
  assert.deepEqual(
    effectiveDeletes(plannedFile(1, { deletes, fileSequenceNumber: null })),
    deletes,
  );
});
