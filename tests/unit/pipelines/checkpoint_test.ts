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
import { rejectsWith } from "../../support/rejects.ts";

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
