import assert from "node:assert/strict";
import { LocalFileIo } from "../../lib/storage/local_file_io.ts";
import { isTemporaryName } from "../../lib/storage/_temporary_name.ts";
import { assertRejects, bytesOf, readText } from "../support/file_io_contract_subject.ts";
import type { RivalOrder } from "../support/storage/create_rival.worker.ts";

const WORKERS = 4;
const RIVALS_PER_WORKER = 25;
const RACES = 5;

Deno.test("createIfAbsent() lets one of 100 rivals in four isolates win, in each of 5 races", async () => {
  const root = await Deno.makeTempDir();
  const url = new URL("../support/storage/create_rival.worker.ts", import.meta.url);
  const workers = Array.from({ length: WORKERS }, () =>
    new Worker(url, {
      type: "module",
      // What an isolate of the server gets: the warehouse and nothing else.
      deno: { permissions: { read: [root], write: [root], import: true } },
    }));
  try {
    for (let race = 0; race < RACES; race++) {
      const location = `${root}/t/metadata/v${race}.metadata.json`;
      const outcomes = (await Promise.all(workers.map((worker, w) =>
        ask(worker, {
          root,
          location,
          names: Array.from({ length: RIVALS_PER_WORKER }, (_, i) => `rival ${w}/${i}`),
        })
      ))).flat();
      assert.equal(outcomes.length, WORKERS * RIVALS_PER_WORKER);
      const winners = outcomes.filter((outcome) => outcome !== "already_exists");
      assert.equal(winners.length, 1, Deno.inspect(outcomes));
      assert.equal(await Deno.readTextFile(location), winners[0]);
    }
    const names = [...Deno.readDirSync(`${root}/t/metadata`)].map((entry) => entry.name);
    assert.equal(names.length, RACES, "The losers leave nothing behind");
  } finally {
    for (const worker of workers) worker.terminate();
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("openWriter() killed half-way leaves nothing at the file's name", async () => {
  const root = await Deno.makeTempDir();
  const location = `${root}/t/data/large.parquet`;
  const script = new URL("../support/storage/slow_writer.ts", import.meta.url);
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      `--allow-read=${root}`,
      `--allow-write=${root}`,
      script.href,
      root,
      location,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const reader = process.stdout.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /writing/);
    process.kill("SIGKILL");
    assert.equal((await process.status).signal, "SIGKILL");
    await reader.cancel();

    const io = new LocalFileIo({ kind: "local", roots: [root] });
    assert.equal(await io.stat(location), null);
    await assertRejects(io.read(location), { kind: "not_found" });
    assert.deepEqual(await io.listFolder(`${root}/t/data`), []);
    assert.deepEqual(await Array.fromAsync(io.listRecursive(root)), []);
    const left = [...Deno.readDirSync(`${root}/t/data`)].map((entry) => entry.name);
    assert.equal(left.length, 1);
    assert.ok(left.every(isTemporaryName), `${left} can be told from real files`);

    await io.createIfAbsent(location, bytesOf("next try"));
    assert.equal(await readText(io, location), "next try");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("LocalFileIo says which permission its isolate lacks", async () => {
  const root = await Deno.makeTempDir();
  const url = new URL("../support/storage/create_rival.worker.ts", import.meta.url);
  const worker = new Worker(url, {
    type: "module",
    deno: { permissions: { read: false, write: false, import: true } },
  });
  try {
    assert.deepEqual(await ask(worker, { root, location: `${root}/f`, names: ["x"] }), [
      "forbidden",
    ]);
  } finally {
    worker.terminate();
    await Deno.remove(root, { recursive: true });
  }
});

async function ask(worker: Worker, order: RivalOrder): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(order);
  return await promise;
}
