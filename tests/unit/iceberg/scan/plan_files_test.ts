import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { parseWhere } from "../../../../lib/iceberg/expression/parse_where.ts";
import { mapOrdered } from "../../../../lib/iceberg/scan/_map_ordered.ts";
import { liveFiles } from "../../../../lib/iceberg/scan/live_files.ts";
import { planFiles, type PlanFilesOptions } from "../../../../lib/iceberg/scan/plan_files.ts";
import { encodeValue } from "../../../../lib/iceberg/spec/values.ts";
import {
  entry,
  file,
  type HeldManifest,
  manifest,
  MemorySource,
  SCHEMA,
  snapshot,
  table,
} from "./_files.ts";

const SNAPSHOT = snapshot(1n);

function long(value: bigint): Uint8Array {
  return encodeValue({ kind: "long" }, value);
}

/** A manifest of two files, `<name>.0` and `<name>.1`. */
function pair(name: string): HeldManifest {
  return manifest(name, [0, 1].map((i) => entry(file(`${name}.${i}`), 1n)));
}

function plan(
  held: readonly HeldManifest[],
  options: Partial<PlanFilesOptions> & { readonly where?: string } = {},
) {
  const source = new MemorySource({ 1: held });
  const { where, ...rest } = options;
  const filter = where === undefined ? {} : { filter: bind(parseWhere(where), SCHEMA) };
  const scan = planFiles({
    metadata: table(),
    snapshot: SNAPSHOT,
    manifests: source,
    ...filter,
    ...rest,
  });
  return { source, scan };
}

const TEN = Array.from({ length: 10 }, (_, i) => `m${i}`);

Deno.test("planFiles() reads nothing until it is iterated", async () => {
  const { source, scan } = plan([pair("a")]);
  assert.deepEqual(source.opened, []);
  const tasks = await Array.fromAsync(scan);
  assert.deepEqual(tasks.map((task) => task.dataFile.filePath), ["a.0", "a.1"]);
  assert.equal(tasks[0]?.residual.kind, "constant");
});

Deno.test("planFiles() keeps the order of manifests, whichever answers first", async () => {
  const { source, scan } = plan(TEN.map(pair), { concurrency: 3 });
  const names = (await Array.fromAsync(scan)).map((task) => task.dataFile.filePath);
  assert.deepEqual(names, TEN.flatMap((name) => [`${name}.0`, `${name}.1`]));
  assert.equal(source.mostUnderWay, 3);
});

Deno.test("planFiles() aborts what is under way when its consumer stops", async () => {
  const { source, scan } = plan(TEN.map(pair), { concurrency: 4 });
  for await (const task of scan) {
    assert.equal(task.dataFile.filePath, "m0.0");
    break;
  }
  assert.equal(source.underWay, 0);
  assert.ok(source.aborted > 0);
  assert.ok(source.opened.length <= 5);
});

Deno.test("planFiles() ends with the first failure, in order, and leaves nothing under way", async () => {
  const { source, scan } = plan(TEN.map(pair), { concurrency: 4 });
  source.broken.add("m3");
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const task of scan) seen.push(task.dataFile.filePath);
  }, { code: "unavailable" });
  assert.deepEqual(seen, TEN.slice(0, 3).flatMap((name) => [`${name}.0`, `${name}.1`]));
  assert.equal(source.underWay, 0);
});

Deno.test("planFiles() is cancelled between manifests, with the reason where it is ours", async () => {
  const controller = new AbortController();
  const { scan } = plan(TEN.map(pair), { signal: controller.signal, concurrency: 2 });
  const deadline = new AppError("deadline_exceeded", "deadline_exceeded", "Too late");
  await assert.rejects(async () => {
    for await (const task of scan) {
      if (task.dataFile.filePath === "m2.0") controller.abort(deadline);
    }
  }, (error) => error === deadline);
});

Deno.test("planFiles() lets timers run while it computes", async () => {
  const files = Array.from({ length: 3000 }, (_, i) => entry(file(`f${i}`), 1n));
  const held = Array.from({ length: 40 }, (_, i) => manifest(`m${i}`, files));
  const source = new MemorySource({ 1: held });
  // Answers without giving way, as a cache would.
  source.entriesOf = (of) => Promise.resolve(held.find((h) => h.manifest === of)?.entries ?? []);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  let busy = 0;
  for await (
    const task of planFiles({ metadata: table(), snapshot: SNAPSHOT, manifests: source })
  ) {
    // Work of the consumer counts too.
    for (let i = 0; i < 1000; i++) busy += task.dataFile.recordCount;
  }
  clearInterval(timer);
  assert.equal(busy, 120_000_000);
  assert.ok(ticks >= 3, `${ticks} ticks`);
});

Deno.test("planFiles() skips manifests without live files, and deleted entries", async () => {
  const gone = manifest("gone", [entry(file("gone"), 1n, { status: "deleted" })]);
  const mixed = manifest("mixed", [
    entry(file("dead"), 1n, { status: "deleted" }),
    entry(file("kept"), 1n, { status: "existing" }),
  ]);
  const uncounted = manifest("uncounted", [entry(file("u"), 1n)], {
    addedFilesCount: null,
    existingFilesCount: null,
  });
  const { source, scan } = plan([gone, mixed, uncounted]);
  const names = (await Array.fromAsync(scan)).map((task) => task.dataFile.filePath);
  assert.deepEqual(names, ["kept", "u"]);
  assert.deepEqual(source.opened, ["mixed", "uncounted"]);
  assert.deepEqual(scan.report().dataManifests, { total: 3, skipped: 1, scanned: 2 });
});

Deno.test("planFiles() counts what it prunes, and starts anew with each iteration", async () => {
  const bounded = (name: string, value: bigint) =>
    entry(
      file(name, {
        lowerBounds: new Map([[1, long(value)]]),
        upperBounds: new Map([[1, long(value)]]),
      }),
      1n,
    );
  const { scan } = plan([manifest("m", [bounded("one", 1n), bounded("two", 2n)])], {
    where: "id = 2",
  });
  for (let round = 0; round < 2; round++) {
    const names = (await Array.fromAsync(scan)).map((task) => task.dataFile.filePath);
    assert.deepEqual(names, ["two"]);
    assert.deepEqual(scan.report().dataFiles, { used: 1, skipped: 1 });
  }
});

Deno.test("planFiles() reads no delete manifest where no data manifest is left", async () => {
  const deletes = manifest("d", [entry(file("d", { content: "position_deletes" }), 2n)], {
    content: "deletes",
  });
  const { source, scan } = plan([deletes]);
  assert.deepEqual(await Array.fromAsync(scan), []);
  assert.deepEqual(source.opened, []);
  assert.deepEqual(scan.report().deleteManifests, { total: 1, skipped: 1, scanned: 0 });
  const never = plan([pair("a"), deletes], { where: "false" });
  assert.deepEqual(await Array.fromAsync(never.scan), []);
  assert.deepEqual(never.source.opened, []);
});

Deno.test("planFiles() with rows: all keeps every delete and no residual", async () => {
  const bounds = (value: bigint) => ({
    lowerBounds: new Map([[1, long(value)]]),
    upperBounds: new Map([[1, long(value + 5n)]]),
  });
  const data = manifest("m", [entry(file("data", bounds(1n)), 1n)]);
  const deletes = manifest("d", [
    entry(file("e", { content: "equality_deletes", equalityIds: [1], ...bounds(5n) }), 2n),
  ], { content: "deletes" });
  const matching = await Array.fromAsync(plan([data, deletes], { where: "id < 3" }).scan);
  assert.deepEqual(matching.map((task) => [task.deletes.length, task.residual.kind]), [
    [0, "predicate"],
  ]);
  const whole = plan([data, deletes], { where: "id < 3", rows: "all" });
  const all = await Array.fromAsync(whole.scan);
  assert.deepEqual(all.map((task) => [task.deletes.length, task.residual.kind]), [[1, "constant"]]);
});

Deno.test("planFiles() refuses a manifest of a spec that the table does not have", async () => {
  const { scan } = plan([manifest("m", [entry(file("f"), 1n)], { partitionSpecId: 9 })]);
  await assert.rejects(() => Array.fromAsync(scan), { code: "partition_spec_not_found" });
});

Deno.test("planFiles() takes a missing sequence number of a v1 entry for 0", async () => {
  const { scan } = plan([manifest("m", [entry(file("f"), 0n, { sequenceNumber: null })])]);
  assert.deepEqual((await Array.fromAsync(scan)).map((task) => task.sequenceNumber), [0n]);
});

Deno.test("liveFiles() narrows by content and keeps order", async () => {
  const deletes = manifest("d", [entry(file("d", { content: "position_deletes" }), 2n)], {
    content: "deletes",
  });
  const source = new MemorySource({ 1: [pair("a"), deletes, pair("b")] });
  const names = async (content?: "data" | "deletes") => {
    const live = liveFiles({
      snapshot: SNAPSHOT,
      manifests: source,
      ...(content === undefined ? {} : { content }),
    });
    return (await Array.fromAsync(live)).map(({ entry }) => entry.dataFile.filePath);
  };
  assert.deepEqual(await names(), ["a.0", "a.1", "d", "b.0", "b.1"]);
  assert.deepEqual(await names("deletes"), ["d"]);
  assert.deepEqual(await names("data"), ["a.0", "a.1", "b.0", "b.1"]);
});

Deno.test("mapOrdered() does nothing for no items, and refuses an aborted start", async () => {
  const work = () => Promise.resolve(1);
  assert.deepEqual(await Array.fromAsync(mapOrdered([], work, { concurrency: 2 })), []);
  const options = { concurrency: 2, signal: AbortSignal.abort() };
  await assert.rejects(() => Array.fromAsync(mapOrdered([1], work, options)), {
    kind: "cancelled",
  });
});
