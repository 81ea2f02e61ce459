import assert from "node:assert/strict";
import { createLog } from "../../../lib/log.ts";
import { InstanceLock } from "../../../lib/pipelines/_instance_lock.ts";

const LOCK = new URL("../../../lib/pipelines/_instance_lock.ts", import.meta.url).href;

const lines: string[] = [];
const log = createLog({ level: "debug", sink: (line) => lines.push(line) });

function take(folder: string, instance: string): Promise<InstanceLock> {
  return InstanceLock.take(folder, { instance, log });
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-lock-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A server in a process of its own that holds its lock until it ends. */
async function spawnHolder(folder: string, instance: string) {
  const code = `const { InstanceLock } = await import(${JSON.stringify(LOCK)});
    await InstanceLock.take(${JSON.stringify(folder)}, { instance: ${JSON.stringify(instance)} });
    console.log("held");
    setInterval(() => {}, 60_000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

Deno.test("a server is dead once its process was killed, for all who ask and as often as they do", () =>
  withFolder(async (folder) => {
    const own = await take(folder, "own");
    const other = await take(folder, "other");
    const child = await spawnHolder(folder, "child");
    assert.equal(await own.isDead("child"), false);
    child.kill("SIGKILL");
    await child.status;
    await child.stdout.cancel();
    for (const lock of [own, own, other]) assert.equal(await lock.isDead("child"), true);
    await own.release();
    await other.release();
  }));

Deno.test("who lives is not dead, nor who was never here or has left in order", () =>
  withFolder(async (folder) => {
    const own = await take(folder, "own");
    const other = await take(folder, "other");
    assert.deepEqual(
      [await own.isDead("own"), await own.isDead("other"), await own.isDead("stranger")],
      [false, false, false],
    );
    await other.release();
    assert.equal(await own.isDead("other"), false);
    await own.release();
  }));

/** Files of the locks' folder that were last touched two days ago. */
async function age(folder: string, names: readonly string[]): Promise<void> {
  const longAgo = new Date(Date.now() - 48 * 3_600_000);
  for (const name of names) await Deno.utime(`${folder}/instances/${name}`, longAgo, longAgo);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${folder}/instances`));
  return entries.map(({ name }) => name).toSorted();
}

Deno.test("locks of servers that died long ago are swept, and those of the living are not", () =>
  withFolder(async (folder) => {
    const [held, dead, fresh, own] = [1, 2, 3, 4].map((n) =>
      `0000000${n}-0000-4000-8000-000000000000`
    ) as [string, string, string, string];
    const living = await take(folder, held);
    for (const id of [dead, fresh]) await Deno.writeTextFile(`${folder}/instances/${id}.lock`, "");
    await age(folder, [`${held}.lock`, `${dead}.lock`]);
    const next = await take(folder, own);
    assert.deepEqual(await namesIn(folder), [held, fresh, own].map((id) => `${id}.lock`));
    await living.release();
    await next.release();
  }));

Deno.test("what else lies among the locks neither goes away nor keeps a server from starting", () =>
  withFolder(async (folder) => {
    const id = crypto.randomUUID();
    const names = ["checkpoint", "notes.lock", `${id}.lock`];
    for (const name of ["checkpoint", `${id}.lock`]) {
      await Deno.mkdir(`${folder}/instances/${name}`, { recursive: true });
    }
    await Deno.writeTextFile(`${folder}/instances/notes.lock`, "");
    await age(folder, names);
    lines.length = 0;
    const own = await take(folder, "own");
    assert.deepEqual(await namesIn(folder), [...names, "own.lock"].toSorted());
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", new RegExp(`Cannot look at the lock.*${id}`));
    await own.release();
  }));
