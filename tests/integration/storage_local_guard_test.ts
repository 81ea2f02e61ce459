import assert from "node:assert/strict";
import { LocalFileIo } from "../../lib/storage/local_file_io.ts";
import { assertRejects, bytesOf, readText } from "../support/file_io_contract_subject.ts";

interface Warehouse extends AsyncDisposable {
  /** Holds `wh`, the root, and `outside`, which nothing may reach. */
  readonly base: string;
  readonly root: string;
  readonly io: LocalFileIo;
}

async function makeWarehouse(): Promise<Warehouse> {
  const base = await Deno.makeTempDir();
  await Deno.mkdir(`${base}/wh/t`, { recursive: true });
  await Deno.mkdir(`${base}/outside/sub`, { recursive: true });
  await Deno.writeTextFile(`${base}/outside/secret`, "secret");
  await Deno.mkdir(`${base}/wh-twin`);
  await Deno.writeTextFile(`${base}/wh-twin/secret`, "secret");
  return {
    base,
    root: `${base}/wh`,
    io: new LocalFileIo({ kind: "local", roots: [`${base}/wh`] }),
    [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }),
  };
}

const REFUSED = { kind: "forbidden", code: "location_outside_warehouse" } as const;

async function assertAllRefused(io: LocalFileIo, location: string): Promise<void> {
  await assertRejects(io.read(location), REFUSED);
  await assertRejects(io.stat(location), REFUSED);
  await assertRejects(io.createIfAbsent(location, bytesOf("x")), REFUSED);
  await assertRejects(io.put(location, bytesOf("x")), REFUSED);
  await assertRejects(io.openWriter(location), REFUSED);
  await assertRejects(io.delete(location), REFUSED);
}

Deno.test("LocalFileIo lets no path climb out of its root", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root, io } = warehouse;
  const escapes = [
    `${base}/outside/secret`,
    `${root}/../outside/secret`,
    `${root}/t/../../outside/secret`,
    `file://${root}/t/../../outside/secret`,
    `file:${root}/none/../../outside/secret`,
    `${root}-twin/secret`,
    `${base}`,
    "/etc/passwd",
    "/",
  ];
  for (const location of escapes) await assertAllRefused(io, location);
  assert.equal(await Deno.readTextFile(`${base}/outside/secret`), "secret");
});

Deno.test("LocalFileIo takes percent forms for the names they are", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root, io } = warehouse;
  for (const form of ["%2e%2e/outside/secret", "..%2foutside%2fsecret", "%2E%2E%2Foutside"]) {
    await assertRejects(io.read(`${root}/${form}`), { kind: "not_found" });
    await io.createIfAbsent(`${root}/${form}`, bytesOf("inside"));
    assert.equal(await Deno.readTextFile(`${root}/${form}`), "inside");
  }
  assert.deepEqual([...Deno.readDirSync(base)].map((e) => e.name).sort(), [
    "outside",
    "wh",
    "wh-twin",
  ]);
});

Deno.test("LocalFileIo follows no link out of its root", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root, io } = warehouse;
  await Deno.symlink(`${base}/outside`, `${root}/t/out`);
  await Deno.symlink(`${base}/outside/secret`, `${root}/t/file`);
  await Deno.symlink("../../outside", `${root}/t/relative`);
  await Deno.symlink(`${base}/outside/none`, `${root}/t/dangling`);

  for (const path of ["out/secret", "relative/secret", "out/new", "out/sub/new"]) {
    await assertAllRefused(io, `${root}/t/${path}`);
  }
  await assertRejects(io.read(`${root}/t/file`), REFUSED);
  await assertRejects(io.stat(`${root}/t/file`), REFUSED);
  await assertRejects(io.listFolder(`${root}/t/out`), REFUSED);
  await assertRejects(Array.fromAsync(io.listRecursive(`${root}/t/relative`)), REFUSED);
  assert.deepEqual(await io.listFolder(`${root}/t`), [], "Links that lead out are not shown");
  assert.deepEqual(await Array.fromAsync(io.listRecursive(root)), []);

  // Names are acted on, not what they point to.
  await assertRejects(io.createIfAbsent(`${root}/t/dangling`, bytesOf("x")), {
    kind: "already_exists",
  });
  await io.put(`${root}/t/file`, bytesOf("replaced the link"));
  await io.delete(`${root}/t/out`);
  assert.equal(await Deno.readTextFile(`${base}/outside/secret`), "secret");
  assert.deepEqual([...Deno.readDirSync(`${base}/outside`)].map((e) => e.name).sort(), [
    "secret",
    "sub",
  ]);
  assert.equal((await Deno.lstat(`${root}/t/file`)).isFile, true);
});

Deno.test("LocalFileIo follows links that stay inside", async () => {
  await using warehouse = await makeWarehouse();
  const { root, io } = warehouse;
  await io.createIfAbsent(`${root}/real/f`, bytesOf("x"));
  await Deno.symlink(`${root}/real`, `${root}/t/alias`);
  await Deno.symlink(`${root}/real/f`, `${root}/t/f`);
  await Deno.symlink(".", `${root}/t/loop`);
  assert.equal(await readText(io, `${root}/t/alias/f`), "x");
  assert.deepEqual(await io.listFolder(`${root}/t`), [
    { name: "alias", kind: "folder" },
    { name: "f", kind: "file" },
    { name: "loop", kind: "folder" },
  ]);
  const found = await Array.fromAsync(io.listRecursive(`${root}/t`));
  assert.deepEqual(
    found.map((stat) => stat.location),
    [`${root}/t/f`],
    "A walk goes through no link to a folder, so it ends",
  );
});

Deno.test("LocalFileIo takes a root that is a link, by either name", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root } = warehouse;
  await Deno.symlink(root, `${base}/link`);
  const io = new LocalFileIo({ kind: "local", roots: [`${base}/link/`] });
  await io.createIfAbsent(`${base}/link/t/f`, bytesOf("x"));
  assert.equal(await readText(io, `${root}/t/f`), "x");
  await assertRejects(io.read(`${base}/outside/secret`), REFUSED);
});

Deno.test("LocalFileIo makes a root that does not exist yet", async () => {
  await using warehouse = await makeWarehouse();
  const { base } = warehouse;
  const root = `${base}/made/later`;
  const io = new LocalFileIo({ kind: "local", roots: [root] });
  assert.deepEqual(await io.listFolder(root), []);
  await io.createIfAbsent(`${root}/t/f`, bytesOf("x"));
  assert.equal(await readText(io, `${root}/t/f`), "x");
  await assertRejects(io.read(`${base}/made/f`), REFUSED);
});

Deno.test("LocalFileIo opens no pipe, socket or device", async () => {
  await using warehouse = await makeWarehouse();
  const { root, io } = warehouse;
  const made = await new Deno.Command("mkfifo", { args: [`${root}/t/pipe`] }).output();
  assert.ok(made.success);
  using _socket = Deno.listen({ transport: "unix", path: `${root}/t/socket` });
  for (const name of ["pipe", "socket"]) {
    await assertRejects(io.read(`${root}/t/${name}`), {
      kind: "forbidden",
      code: "not_a_regular_file",
    });
    assert.equal(await io.stat(`${root}/t/${name}`), null);
    await assertRejects(io.createIfAbsent(`${root}/t/${name}`, bytesOf("x")), {
      kind: "already_exists",
    });
  }
  assert.deepEqual(await io.listFolder(`${root}/t`), []);
  const devices = new LocalFileIo({ kind: "local", roots: ["/dev"] });
  await assertRejects(devices.read("/dev/zero"), { kind: "forbidden" });
});

Deno.test("LocalFileIo tells of a path outside only its last two names", async () => {
  await using warehouse = await makeWarehouse();
  const { base, io } = warehouse;
  const error = await assertRejects(io.read(`${base}/outside/sub/x`), REFUSED);
  assert.match(error.message, /^Failed to read "sub\/x": /);
  assert.match(error.message, /DRLS_STORAGE_ROOTS/);
  assert.equal(error.message.includes(base), false);
});

Deno.test("LocalFileIo resolves a link afresh in a folder that it has just read from", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root, io } = warehouse;
  await Deno.writeTextFile(`${root}/t/plain`, "plain");
  assert.equal(await readText(io, `${root}/t/plain`), "plain");
  await Deno.symlink(`${base}/outside/secret`, `${root}/t/leads-out`);
  await assertRejects(io.read(`${root}/t/leads-out`), REFUSED);
  await Deno.mkdir(`${root}/other`);
  await Deno.writeTextFile(`${root}/other/linked`, "other");
  await Deno.writeTextFile(`${root}/other/plain`, "not this one");
  await Deno.symlink(`${root}/other/linked`, `${root}/t/linked`);
  assert.equal(await readText(io, `${root}/t/linked`), "other");
  assert.equal(await readText(io, `${root}/t/plain`), "plain");
});

Deno.test("LocalFileIo looks up a folder below one that became a link", async () => {
  await using warehouse = await makeWarehouse();
  const { base, root, io } = warehouse;
  await Deno.writeTextFile(`${root}/t/sub`, "a file");
  await Deno.writeTextFile(`${base}/outside/sub/deep`, "secret");
  assert.equal(await readText(io, `${root}/t/sub`), "a file");
  await Deno.rename(`${root}/t`, `${root}/was-t`);
  await Deno.symlink(`${base}/outside`, `${root}/t`);
  // A folder not read from before is looked up at once, also below the one that was swapped.
  await assertRejects(io.read(`${root}/t/sub/deep`), REFUSED);
});
