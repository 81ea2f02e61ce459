import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseCompactionOptions,
  type RawOptions,
} from "../../../../lib/maintenance/plan/compaction_options.ts";
import type { CompactionFile } from "../../../../lib/maintenance/plan/file_choice.ts";
import {
  CompactionPlanner,
  type CompactionPlannerOptions,
} from "../../../../lib/maintenance/plan/plan_compaction.ts";
import { deleteFile, plannedFile } from "./_files.ts";

const TARGET = 1_000_000;

function plan(
  files: readonly CompactionFile[],
  raw: RawOptions = {},
  more: Partial<CompactionPlannerOptions> = {},
) {
  const options = parseCompactionOptions(raw, { strategy: "binpack", defaultTargetBytes: TARGET });
  const planner = new CompactionPlanner({
    options,
    outputSpecId: 0,
    maxGroupBytes: null,
    ...more,
  });
  for (const file of files) planner.add(file);
  return planner.finish();
}

const files = (count: number, size: number, more = {}) =>
  Array.from({ length: count }, () => plannedFile(size, more));

const sizesOf = (result: ReturnType<typeof plan>) =>
  result.groups.map((group) => group.files.map(({ dataFile }) => dataFile.fileSizeInBytes));

Deno.test("CompactionPlanner makes one group of five small files", () => {
  const result = plan(files(5, 100));
  assert.deepEqual(sizesOf(result), [[100, 100, 100, 100, 100]]);
  assert.deepEqual(result.skipped, []);
  const [group] = result.groups;
  assert.equal(group?.index, 1);
  assert.equal(group?.inputBytes, 500);
  assert.equal(group?.outputs.expectedFiles, 1);
  assert.deepEqual(group?.partition, [20_000, "eu"]);
});

Deno.test("CompactionPlanner says that four small files are too few", () => {
  const result = plan(files(4, 100));
  assert.deepEqual(result.groups, []);
  assert.deepEqual(result.skipped, [{ reason: "below_min_input_files", files: 4, bytes: 400 }]);
});

Deno.test("CompactionPlanner says that a lone small file cannot be improved", () => {
  const result = plan([...files(1, 100), ...files(3, TARGET)]);
  assert.deepEqual(result.groups, []);
  assert.deepEqual(result.skipped, [
    { reason: "right_size", files: 3, bytes: 3 * TARGET },
    { reason: "lone_file", files: 1, bytes: 100 },
  ]);
});

Deno.test("CompactionPlanner never takes a lone small file for min-input-files 1", () => {
  assert.deepEqual(plan(files(1, 100), { "min-input-files": 1 }).groups, []);
});

Deno.test("CompactionPlanner takes two files that together pass the target", () => {
  assert.equal(plan(files(2, 600_000)).groups.length, 1);
  assert.equal(plan(files(2, 500_000)).groups.length, 0);
});

Deno.test("CompactionPlanner takes a lone file that is too large, to split it", () => {
  const [group] = plan(files(1, 4 * TARGET)).groups;
  assert.equal(group?.outputs.expectedFiles, 4);
});

Deno.test("CompactionPlanner takes a lone file with too many deletes", () => {
  const deletes = [deleteFile("position"), deleteFile("position")];
  const result = plan([plannedFile(TARGET, { deletes })], { "delete-file-threshold": 2 });
  assert.deepEqual(sizesOf(result), [[TARGET]]);
});

Deno.test("CompactionPlanner groups by partition", () => {
  const result = plan([
    ...files(5, 100, { partition: [1, "eu"] }),
    ...files(6, 100, { partition: [2, "eu"] }),
    ...files(4, 100, { partition: [3, "eu"] }),
  ]);
  assert.deepEqual(result.groups.map(({ files, partition }) => [files.length, partition]), [
    [5, [1, "eu"]],
    [6, [2, "eu"]],
  ]);
});

Deno.test("CompactionPlanner puts files of all older specs into one group", () => {
  const result = plan([
    ...files(2, 100, { specId: 1, partition: [1] }),
    ...files(3, 100, { specId: 2, partition: [] }),
    ...files(4, 100),
  ]);
  assert.deepEqual(result.groups.map(({ files, partition }) => [files.length, partition]), [
    [5, null],
  ]);
  assert.deepEqual(result.skipped, [{ reason: "below_min_input_files", files: 4, bytes: 400 }]);
});

Deno.test("CompactionPlanner finds files of an older output spec by partition", () => {
  const older = files(5, 100, { specId: 3, partition: [7] });
  const [group] = plan(older, { "output-spec-id": 3 }, { outputSpecId: 3 }).groups;
  assert.deepEqual(group?.partition, [7]);
});

Deno.test("CompactionPlanner takes everything for rewrite-all, right or not", () => {
  const result = plan([...files(1, TARGET), ...files(1, 1)], { "rewrite-all": true });
  assert.deepEqual(sizesOf(result), [[TARGET, 1]]);
});

Deno.test("CompactionPlanner leaves files it cannot read, and says so", () => {
  const result = plan([
    ...files(9, 100, { fileFormat: "orc" }),
    ...files(8, 100, { keyMetadata: new Uint8Array([1]) }),
  ], { "rewrite-all": true });
  assert.deepEqual(result.groups, []);
  assert.deepEqual(result.skipped, [
    { reason: "unsupported_format", files: 9, bytes: 900 },
    { reason: "encrypted", files: 8, bytes: 800 },
  ]);
});

Deno.test("CompactionPlanner bounds groups by option and by memory, whichever is less", () => {
  const raw = { "max-file-group-size-bytes": 1_000, "min-input-files": 2 };
  const all = files(10, 200);
  assert.deepEqual(plan(all, raw).groups.map(({ files }) => files.length), [5, 5]);
  const tight = plan(all, raw, { maxGroupBytes: 400 });
  assert.deepEqual(tight.groups.map(({ files }) => files.length), [2, 2, 2, 2, 2]);
  const wide = plan(all, raw, { maxGroupBytes: 4_000 });
  assert.deepEqual(wide.groups.map(({ files }) => files.length), [5, 5]);
});

Deno.test("CompactionPlanner bounds groups by their number of files", () => {
  const raw = { "max-file-group-input-files": 5 };
  assert.deepEqual(plan(files(10, 1), raw).groups.map(({ files }) => files.length), [5, 5]);
});

Deno.test("CompactionPlanner orders groups as rewrite-job-order says", () => {
  const all = [
    ...files(5, 500, { partition: [1] }),
    ...files(7, 100, { partition: [2] }),
    ...files(6, 300, { partition: [3] }),
  ];
  const order = (word: string) =>
    plan(all, { "rewrite-job-order": word }).groups.map(({ partition }) => partition?.[0]);
  assert.deepEqual(order("none"), [1, 2, 3]);
  assert.deepEqual(order("bytes-asc"), [2, 3, 1]);
  assert.deepEqual(order("bytes-desc"), [1, 3, 2]);
  assert.deepEqual(order("files-asc"), [1, 3, 2]);
  assert.deepEqual(order("files-desc"), [2, 3, 1]);
});

Deno.test("CompactionPlanner stops at max-files-to-rewrite and reports the rest", () => {
  const all = [...files(5, 100, { partition: [1] }), ...files(6, 100, { partition: [2] })];
  const result = plan(all, { "max-files-to-rewrite": 8 });
  assert.deepEqual(result.groups.map(({ files, inputBytes }) => [files.length, inputBytes]), [
    [5, 500],
    [3, 300],
  ]);
  assert.deepEqual(result.skipped, [{ reason: "over_max_files_to_rewrite", files: 3, bytes: 300 }]);
});

Deno.test("CompactionPlanner does not rewrite one small file because max-files-to-rewrite left one", () => {
  const all = [...files(5, 100, { partition: [1] }), ...files(6, 100, { partition: [2] })];
  const result = plan(all, { "max-files-to-rewrite": 6 });
  assert.deepEqual(result.groups.map(({ files }) => files.length), [5]);
  assert.deepEqual(result.skipped, [{ reason: "over_max_files_to_rewrite", files: 6, bytes: 600 }]);
});

Deno.test("CompactionPlanner does not choose rewritten files again for deletes they outlived", () => {
  // The rewritten file keeps data sequence number 4, to which a position delete of 4 still "applies".
  const deletes = [deleteFile("position", { sequenceNumber: 4n })];
  const raw = { "delete-file-threshold": 1 };
  const before = plan([plannedFile(TARGET, { deletes, fileSequenceNumber: 3n })], raw);
  assert.equal(before.groups.length, 1);
  const after = plan([plannedFile(TARGET, { deletes, fileSequenceNumber: 5n })], raw);
  assert.deepEqual(after.groups, []);
});

const someFiles = fc.array(
  fc.record({
    size: fc.oneof(
      fc.integer({ min: 1, max: 3 * TARGET }),
      fc.integer({ min: 1, max: TARGET / 50 }),
    ),
    partition: fc.integer({ min: 0, max: 3 }),
    specId: fc.constantFrom(0, 0, 0, 1),
    deletes: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 120 },
);

const someOptions = fc.record({
  "min-input-files": fc.integer({ min: 1, max: 8 }),
  "max-file-group-size-bytes": fc.integer({ min: 1_000, max: 20 * TARGET }),
  "max-file-group-input-files": fc.integer({ min: 1, max: 200 }),
  "delete-file-threshold": fc.integer({ min: 1, max: 3 }),
}, { requiredKeys: [] });

type Made = { size: number; partition: number; specId: number; deletes: number };

const make = ({ size, partition, specId, deletes }: Made) =>
  plannedFile(size, {
    specId,
    partition: [partition],
    deletes: Array.from({ length: deletes }, () => deleteFile("equality")),
  });

Deno.test("CompactionPlanner puts every file into exactly one group or the backlog", () => {
  fc.assert(fc.property(someFiles, someOptions, (made, raw) => {
    const all = made.map(make);
    const { groups, skipped } = plan(all, raw);
    const grouped = groups.flatMap((group) => group.files);
    assert.equal(new Set(grouped).size, grouped.length);
    assert(grouped.every((file) => all.includes(file)));
    const count = skipped.reduce((sum, { files }) => sum + files, grouped.length);
    assert.equal(count, all.length);
    const bytes = groups.reduce((sum, { inputBytes }) => sum + inputBytes, 0) +
      skipped.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal(bytes, made.reduce((sum, { size }) => sum + size, 0));
  }));
});

Deno.test("CompactionPlanner holds the bounds of groups and never mixes partitions", () => {
  fc.assert(fc.property(someFiles, someOptions, (made, raw) => {
    for (const { files, inputBytes, partition } of plan(made.map(make), raw).groups) {
      const { "max-file-group-size-bytes": maxBytes = Infinity } = raw;
      const { "max-file-group-input-files": maxFiles = Infinity } = raw;
      assert(files.length === 1 || inputBytes <= maxBytes);
      assert(files.length <= maxFiles);
      for (const { dataFile } of files) {
        if (partition === null) assert.notEqual(dataFile.specId, 0);
        else assert.deepEqual([dataFile.specId, dataFile.partition], [0, partition]);
      }
    }
  }));
});

/** What a table looks like once the plan was carried out: files filled up to where they roll. */
function carryOut(all: readonly CompactionFile[], done: ReturnType<typeof plan>) {
  const gone = new Set(done.groups.flatMap(({ files }) => files));
  const kept = all.filter((file) => !gone.has(file));
  const written = done.groups.flatMap(({ inputBytes, outputs, partition }) => {
    const full = Math.floor(inputBytes / outputs.rollBytes);
    const rest = inputBytes % outputs.rollBytes;
    const sizes = [
      ...Array.from({ length: full }, () => outputs.rollBytes),
      ...rest > 0 ? [rest] : [],
    ];
    return sizes.map((size) => plannedFile(size, { partition: partition ?? [0] }));
  });
  return [...kept, ...written];
}

Deno.test("CompactionPlanner converges: after a run with default options there is nothing to do", () => {
  fc.assert(fc.property(someFiles, (made) => {
    const all = made.map((file) => make({ ...file, specId: 0 }));
    const first = plan(all);
    assert.deepEqual(plan(carryOut(all, first)).groups, []);
  }));
});

Deno.test("CompactionPlanner comes to an end whatever the options, with less to do each time", () => {
  fc.assert(fc.property(someFiles, someOptions, (made, raw) => {
    let all: readonly CompactionFile[] = made.map(make);
    // Large files first, then files of the wrong size: each run leaves fewer, so there is a last one.
    const measure = () => {
      const sizes = all.map(({ dataFile }) => dataFile.fileSizeInBytes);
      const large = sizes.filter((size) => size > 1.8 * TARGET).length;
      const deletes = all.filter((file) => file.deletes.length > 0).length;
      return (large + deletes) * 1e6 + sizes.filter((size) => size < 0.75 * TARGET).length +
        all.filter(({ dataFile }) => dataFile.specId !== 0).length;
    };
    for (let before = measure();;) {
      const next = plan(all, raw);
      if (next.groups.length === 0) return;
      all = carryOut(all, next);
      const after = measure();
      assert(after < before, `${after} is not less than ${before}`);
      before = after;
    }
  }));
});
