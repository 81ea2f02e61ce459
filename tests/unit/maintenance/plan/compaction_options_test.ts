import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import {
  type CompactionStrategy,
  knownOptions,
  parseCompactionOptions,
  type RawOptions,
} from "../../../../lib/maintenance/plan/compaction_options.ts";

function parse(raw: RawOptions, strategy: CompactionStrategy = "binpack") {
  return parseCompactionOptions(raw, { strategy, defaultTargetBytes: 1_000 });
}

function issuesOf(raw: RawOptions, strategy: CompactionStrategy = "binpack") {
  try {
    parse(raw, strategy);
  } catch (error) {
    assert(error instanceof AppError);
    assert.equal(error.kind, "invalid");
    assert.equal(error.code, "compaction_options_invalid");
    assert.equal(error.message, error.issues[0]?.message);
    return error.issues;
  }
  assert.fail("was not refused");
}

Deno.test("parseCompactionOptions() gives rewrite_data_files' defaults for no options", () => {
  assert.deepEqual(parse({}), {
    strategy: "binpack",
    sizes: { targetBytes: 1_000, minBytes: 750, maxBytes: 1_800 },
    minInputFiles: 5,
    maxConcurrentFileGroupRewrites: 5,
    maxFileGroupSizeBytes: 107_374_182_400,
    maxFileGroupInputFiles: Number.MAX_SAFE_INTEGER,
    partialProgress: null,
    useStartingSequenceNumber: true,
    rewriteJobOrder: "none",
    rewriteAll: false,
    deleteFileThreshold: 2_147_483_647,
    deleteRatioThreshold: 0.3,
    outputSpecId: null,
    removeDanglingDeletes: false,
    maxFilesToRewrite: null,
    compressionFactor: 1,
    zOrder: { varLengthContribution: 8, maxOutputSize: 2_147_483_647 },
  });
});

Deno.test("parseCompactionOptions() takes every option as Spark's text", () => {
  const parsed = parse({
    "target-file-size-bytes": "2000",
    "min-file-size-bytes": "100",
    "max-file-size-bytes": "9000",
    "min-input-files": "2",
    "max-concurrent-file-group-rewrites": "3",
    "max-file-group-size-bytes": "50000",
    "max-file-group-input-files": "40",
    "partial-progress.enabled": "TRUE",
    "partial-progress.max-commits": "4",
    "partial-progress.max-failed-commits": "0",
    "use-starting-sequence-number": "false",
    "rewrite-job-order": "BYTES-DESC",
    "rewrite-all": "true",
    "delete-file-threshold": "0",
    "delete-ratio-threshold": "1.0",
    "output-spec-id": "7",
    "remove-dangling-deletes": "true",
    "max-files-to-rewrite": "12",
    "compression-factor": "1.5",
    "shuffle-partitions-per-file": "2",
    "var-length-contribution": "16",
    "max-output-size": "64",
  }, "zorder");
  assert.deepEqual(parsed, {
    strategy: "zorder",
    sizes: { targetBytes: 2_000, minBytes: 100, maxBytes: 9_000 },
    minInputFiles: 2,
    maxConcurrentFileGroupRewrites: 3,
    maxFileGroupSizeBytes: 50_000,
    maxFileGroupInputFiles: 40,
    partialProgress: { maxCommits: 4, maxFailedCommits: 0 },
    useStartingSequenceNumber: false,
    rewriteJobOrder: "bytes-desc",
    rewriteAll: true,
    deleteFileThreshold: 0,
    deleteRatioThreshold: 1,
    outputSpecId: 7,
    removeDanglingDeletes: true,
    maxFilesToRewrite: 12,
    compressionFactor: 1.5,
    zOrder: { varLengthContribution: 16, maxOutputSize: 64 },
  });
});

Deno.test("parseCompactionOptions() takes JSON numbers and booleans for texts", () => {
  const parsed = parse({
    "min-input-files": 3,
    "rewrite-all": true,
    "delete-ratio-threshold": 0.5,
  });
  assert.equal(parsed.minInputFiles, 3);
  assert.equal(parsed.rewriteAll, true);
  assert.equal(parsed.deleteRatioThreshold, 0.5);
});

Deno.test("parseCompactionOptions() derives minimum and maximum from a target of its own", () => {
  const { sizes } = parse({ "target-file-size-bytes": 333 });
  assert.deepEqual(sizes, { targetBytes: 333, minBytes: 249, maxBytes: 599 });
});

Deno.test("parseCompactionOptions() can take a target of one byte", () => {
  const { sizes } = parse({ "target-file-size-bytes": 1 });
  assert.deepEqual(sizes, { targetBytes: 1, minBytes: 0, maxBytes: 2 });
});

Deno.test("parseCompactionOptions() lets commits fail as often as there may be commits", () => {
  const raw = { "partial-progress.enabled": true, "partial-progress.max-commits": 3 };
  assert.deepEqual(parse(raw).partialProgress, { maxCommits: 3, maxFailedCommits: 3 });
});

Deno.test("parseCompactionOptions() refuses an unknown option by name and lists the known ones", () => {
  const issues = issuesOf({ "target-file-size": 1, "min-input-file": 2 });
  assert.deepEqual(issues.map(({ path }) => path), [
    "options.target-file-size",
    "options.min-input-file",
  ]);
  assert.match(
    issues[0]?.message ?? "",
    /Cannot use option "target-file-size" with strategy binpack/,
  );
  assert.match(issues[0]?.message ?? "", /known are .*target-file-size-bytes/);
});

Deno.test("parseCompactionOptions() knows an option only with the strategies it does something for", () => {
  assert.deepEqual(issuesOf({ "compression-factor": 2 })[0]?.path, "options.compression-factor");
  assert.equal(parse({ "compression-factor": 2 }, "sort").compressionFactor, 2);
  assert.equal(issuesOf({ "max-output-size": 2 }, "sort")[0]?.path, "options.max-output-size");
  assert.equal(parse({ "max-output-size": 2 }, "zorder").zOrder.maxOutputSize, 2);
});

Deno.test("parseCompactionOptions() does not take names of Object's own members for options", () => {
  assert.equal(issuesOf({ constructor: "x" })[0]?.path, "options.constructor");
  assert.equal(parse({}).rewriteAll, false);
});

const REFUSED: readonly (readonly [name: string, value: string | number | boolean])[] = [
  ["target-file-size-bytes", 0],
  ["target-file-size-bytes", "12 MB"],
  ["target-file-size-bytes", ""],
  ["target-file-size-bytes", 2 ** 51],
  ["min-file-size-bytes", -1],
  ["min-file-size-bytes", 1_000],
  ["max-file-size-bytes", 1_000],
  ["min-input-files", 0],
  ["min-input-files", 1.5],
  ["max-concurrent-file-group-rewrites", 0],
  ["max-file-group-size-bytes", 0],
  ["max-file-group-input-files", 0],
  ["partial-progress.enabled", "yes"],
  ["partial-progress.max-commits", 0],
  ["partial-progress.max-failed-commits", -1],
  ["use-starting-sequence-number", 1],
  ["rewrite-job-order", "size"],
  ["rewrite-all", "maybe"],
  ["delete-file-threshold", -1],
  ["delete-ratio-threshold", 0],
  ["delete-ratio-threshold", 1.01],
  ["delete-ratio-threshold", "NaN"],
  ["delete-ratio-threshold", ""],
  ["output-spec-id", -1],
  ["remove-dangling-deletes", ""],
  ["max-files-to-rewrite", 0],
];

for (const [name, value] of REFUSED) {
  Deno.test(`parseCompactionOptions() refuses ${name} = ${JSON.stringify(value)}`, () => {
    const issues = issuesOf({ [name]: value });
    assert.deepEqual(issues.map(({ path }) => path), [`options.${name}`]);
    assert.match(issues[0]?.message ?? "", /^Cannot /);
  });
}

Deno.test("parseCompactionOptions() names every wrong option at once", () => {
  const issues = issuesOf({ "min-input-files": 0, "rewrite-all": "x", nonsense: 1 });
  assert.deepEqual(issues.map(({ path }) => path).sort(), [
    "options.min-input-files",
    "options.nonsense",
    "options.rewrite-all",
  ]);
});

Deno.test("knownOptions() is sorted and grows from binpack to zorder", () => {
  const [binpack, sort, zorder] = (["binpack", "sort", "zorder"] as const).map(knownOptions);
  assert.equal(binpack?.length, 18);
  assert.equal(sort?.length, 20);
  assert.equal(zorder?.length, 22);
  assert.deepEqual(zorder, zorder?.toSorted());
});
