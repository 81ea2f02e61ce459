import assert from "node:assert/strict";
import { createLog } from "../../../lib/log.ts";
import {
  type Checkpoint,
  CheckpointFile,
  CheckpointWriter,
  normalizeCheckpoint,
  streamKey,
} from "../../../lib/pipelines/_checkpoint.ts";
import { NO_TOTALS } from "../../../lib/pipelines/contract/offset.ts";
import type { S3StorageSpec } from "../../../lib/storage/mod.ts";
import { rejectsWith } from "../../support/rejects.ts";
import { S3Fake } from "../../support/s3_fake.ts";

const { signal } = new AbortController();
const NOWHERE = { warehouse: null, storage: { local: null, s3: null } };

function checkpointOf(batchId: number): Checkpoint {
  const position = { snapshot_id: "8744736658442914487", files_read: 3, scan_all_files: false };
  return {
    version: 1,
    pipeline_id: "p1",
    source_table: "db.events",
    source_uuid: "u1",
    sink_table: "db.output",
    sink_uuid: null,
    position,
    offset: {
      version: 1,
      checkpoint: "/anywhere",
      source: "db.events",
      source_uuid: "u1",
      source_schema_id: 0,
      rows: "",
      position,
      batch_id: batchId,
      epoch: 1,
      totals: NO_TOTALS,
    },
    updated_at: "2026-01-01T00:00:00.000Z",
  };
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-checkpoint-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a checkpoint comes back as it was written, and people can read it", () =>
  withFolder(async (folder) => {
    const file = new CheckpointFile(`${folder}/c`, { roots: [folder], ...NOWHERE });
    assert.equal(await file.read(signal), null);
    for (const batch of [1, 2]) await file.write(checkpointOf(batch));
    assert.deepEqual(await file.read(signal), checkpointOf(2));
    const text = await Deno.readTextFile(`${folder}/c/drls-checkpoint.json`);
    assert.match(text, /\n {2}"source_table": "db.events",\n/);
    const names = (await Array.fromAsync(Deno.readDir(`${folder}/c`))).map(({ name }) => name);
    assert.deepEqual(names, ["drls-checkpoint.json"]);
  }));

Deno.test("a file that drls does not write is no checkpoint", () =>
  withFolder(async (folder) => {
    const file = new CheckpointFile(folder, { roots: [folder], ...NOWHERE });
    const valid = JSON.stringify(checkpointOf(1));
    const texts = [
      "",
      "not JSON",
      "[]",
      "{}",
      valid.slice(0, -2),
      valid.replace('"version":1', '"version":2'),
      valid.replace("8744736658442914487", "87447366x"),
      valid.replace('"files_read":3', '"files_read":-3'),
    ];
    for (const text of texts) {
      await Deno.writeTextFile(`${folder}/drls-checkpoint.json`, text);
      const expected = { kind: "corrupt_data", code: "checkpoint_invalid" } as const;
      await rejectsWith(file.read(signal), expected);
    }
    await Deno.writeTextFile(`${folder}/drls-checkpoint.json`, " ".repeat(1024 * 1024 + 1));
    await rejectsWith(file.read(signal), { kind: "too_large", code: "file_too_large" });
  }));

Deno.test("a checkpoint lies below a root, by whatever links", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/inside`);
    await Deno.mkdir(`${folder}/outside`);
    await Deno.symlink(`${folder}/outside`, `${folder}/inside/link`);
    const places = { roots: [`${folder}/inside`], ...NOWHERE };
    for (const location of [`${folder}/outside`, `${folder}/inside/link`, "/etc"]) {
      const file = new CheckpointFile(location, places);
      const expected = { kind: "invalid", code: "checkpoint_location_invalid" } as const;
      const error = await rejectsWith(file.write(checkpointOf(1)), expected);
      assert.match(error.issues[0]?.message ?? "", /DRLS_CHECKPOINT_ROOTS/);
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/outside`)), []);
  }));

Deno.test("normalizeCheckpoint() has one spelling for each place", () => {
  const cases = [
    ["/a/b", "/a/b"],
    [" /a/b// ", "/a/b"],
    ["file:/a/b", "/a/b"],
    ["file:///a/b/", "/a/b"],
    ["s3://lake/c/", "s3://lake/c"],
    ["s3a://lake/c", "s3://lake/c"],
    ["s3n://lake/c", "s3://lake/c"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(normalizeCheckpoint(text), expected, text);
  assert.equal(streamKey("/a/b").length, 24);
  assert.notEqual(streamKey("/a/b"), streamKey("/a/c"));
});

Deno.test("normalizeCheckpoint() rejects what is no place", () => {
  for (const text of ["", " ", "a/b", "./a", "file:a"]) {
    assert.throws(() => normalizeCheckpoint(text), { kind: "invalid" }, text);
  }
});

Deno.test("the writer writes the newest state, and what it cannot write is in the log", () =>
  withFolder(async (folder) => {
    const lines: string[] = [];
    const log = createLog({ level: "debug", sink: (line) => lines.push(line) });
    const writer = new CheckpointWriter(`${folder}/c`, { checkpointRoots: [folder], log });
    for (let batch = 1; batch <= 100; batch++) writer.save(NOWHERE, checkpointOf(batch));
    await writer.written();
    const file = new CheckpointFile(`${folder}/c`, { roots: [folder], ...NOWHERE });
    assert.equal((await file.read(signal))?.offset?.batch_id, 100);
    assert.deepEqual(lines, []);
    const outside = new CheckpointWriter("/etc/drls", { checkpointRoots: [folder], log });
    outside.save(NOWHERE, checkpointOf(1));
    await outside.written();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /Cannot write the checkpoint/);
  }));

Deno.test("what is saved at the very end of a write is written too", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/c`, "");
    const log = createLog({
      level: "debug",
      // The first write fails; then, and before anybody knows that it is over, the next one is there.
      sink() {
        Deno.removeSync(`${folder}/c`);
        queueMicrotask(() => writer.save(NOWHERE, checkpointOf(2)));
      },
    });
    const writer = new CheckpointWriter(`${folder}/c`, { checkpointRoots: [folder], log });
    writer.save(NOWHERE, checkpointOf(1));
    await writer.written();
    const file = new CheckpointFile(`${folder}/c`, { roots: [folder], ...NOWHERE });
    assert.equal((await file.read(signal))?.offset?.batch_id, 2);
  }));

const INVALID = { kind: "invalid", code: "checkpoint_location_invalid" } as const;

Deno.test("a place that nothing can be written to is an error of its field", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.mkdir(`${folder}/odd/drls-checkpoint.json`, { recursive: true });
    const cases = [
      [`${folder}/file/c`, /is a file, not a folder/],
      [`${folder}/odd`, /a folder is there/],
      [`${folder}/${"x".repeat(300)}`, /too long/],
      ["s3://lake/c", /DRLS_STORAGE_ROOTS is in S3.*hands out for a table/],
      ["ftp://lake/c", /absolute path/],
    ] as const;
    for (const [location, message] of cases) {
      const file = new CheckpointFile(location, { roots: [folder], ...NOWHERE });
      const error = await rejectsWith(file.write(checkpointOf(1)), INVALID);
      assert.deepEqual(error.issues.map(({ path }) => path), ["checkpoint_location"]);
      assert.match(error.issues[0]?.message ?? "", message);
    }
  }));

/** The fake's store, as a catalog describes its own. */
function storeOf(s3: S3Fake, roots: readonly string[] | null): S3StorageSpec {
  return {
    kind: "s3",
    endpoint: s3.proxy.origin,
    region: "us-east-1",
    pathStyle: true,
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "SECRET", sessionToken: null },
    roots,
  };
}

Deno.test("a checkpoint in S3 lies below a root or the warehouse, whatever the credentials allow", async () => {
  await using s3 = await S3Fake.start();
  const written = async (
    location: string,
    { roots, warehouse, bound }: {
      readonly roots: readonly string[];
      readonly warehouse: string | null;
      readonly bound: readonly string[] | null;
    },
  ) => {
    const storage = { local: null, s3: storeOf(s3, bound) };
    const file = new CheckpointFile(location, { roots, warehouse, storage });
    await file.write(checkpointOf(1));
    return (await file.read(signal))?.offset?.batch_id;
  };
  const bounds = { roots: ["/tmp", "s3a://bucket/c/"], warehouse: "s3://bucket/lake" };
  // Of rest catalogs only the credentials bound where tables lie.
  for (const bound of [null, ["s3://bucket/lake"]]) {
    const places = { ...bounds, bound };
    assert.equal(await written("s3://bucket/c/one", places), 1);
    assert.equal(await written("s3://bucket/lake/_checkpoints/one", places), 1);
    for (const location of ["s3://bucket/another", "s3://bucket/cc"]) {
      const error = await rejectsWith(written(location, places), INVALID);
      assert.match(error.issues[0]?.message ?? "", /DRLS_CHECKPOINT_ROOTS/);
    }
  }
  const named = { roots: ["/tmp"], warehouse: "prod", bound: null };
  await rejectsWith(written("s3://bucket/c/one", named), INVALID);
  s3.intercept(({ method }) =>
    method === "PUT"
      ? new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 })
      : null
  );
  const denied = await rejectsWith(
    written("s3://bucket/c/one", { ...bounds, bound: null }),
    INVALID,
  );
  assert.match(denied.issues[0]?.message ?? "", /denie|permi|access/i);
});
