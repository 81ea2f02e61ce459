import assert from "node:assert/strict";
import { InstanceLock } from "../../../lib/pipelines/_instance_lock.ts";

const LOCK = new URL("../../../lib/pipelines/_instance_lock.ts", import.meta.url).href;

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
    await InstanceLock.take(${JSON.stringify(folder)}, ${JSON.stringify(instance)});
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
    const own = await InstanceLock.take(folder, "own");
    const other = await InstanceLock.take(folder, "other");
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
    const own = await InstanceLock.take(folder, "own");
    const other = await InstanceLock.take(folder, "other");
    assert.deepEqual(
      [await own.isDead("own"), await own.isDead("other"), await own.isDead("stranger")],
      [false, false, false],
    );
    await other.release();
    assert.equal(await own.isDead("other"), false);
    await own.release();
  }));

Deno.test("locks of servers that died long ago are swept, and those of the living are not", () =>
  withFolder(async (folder) => {
    const old = await InstanceLock.take(folder, "old");
    const longAgo = new Date(Date.now() - 48 * 3_600_000);
    const dead = `${folder}/instances/dead.lock`;
    await Deno.writeTextFile(dead, "");
    await Deno.writeTextFile(`${folder}/instances/fresh.lock`, "");
    for (const path of [dead, `${folder}/instances/old.lock`]) {
      await Deno.utime(path, longAgo, longAgo);
    }
    const next = await InstanceLock.take(folder, "next");
    const names = (await Array.fromAsync(Deno.readDir(`${folder}/instances`)))
      .map(({ name }) => name).toSorted();
    assert.deepEqual(names, ["fresh.lock", "next.lock", "old.lock"]);
    await old.release();
    await next.release();
  }));
