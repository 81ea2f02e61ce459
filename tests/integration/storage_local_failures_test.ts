import assert from "node:assert/strict";
import { localFailure } from "../../lib/storage/_local/failure.ts";
import { publishNoReplace } from "../../lib/storage/_local/publish.ts";
import { LocalFileIo } from "../../lib/storage/local_file_io.ts";
import { assertRejects, bytesOf, readText } from "../support/file_io_contract_subject.ts";

class SystemError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`${code}: os error at /secret/host/path`);
    this.code = code;
  }
}

async function withRoot(body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("localFailure() maps each system code to a kind, never showing the system's text", () => {
  const cases = [
    ["ENOENT", "not_found", "file_not_found"],
    ["EEXIST", "already_exists", "file_already_exists"],
    ["EACCES", "forbidden", "storage_access_denied"],
    ["EPERM", "forbidden", "storage_access_denied"],
    ["EROFS", "forbidden", "storage_read_only"],
    ["ENOSPC", "unavailable", "storage_full"],
    ["EDQUOT", "unavailable", "storage_full"],
    ["EMFILE", "unavailable", "storage_busy"],
    ["ENAMETOOLONG", "invalid", "location_invalid"],
    ["ELOOP", "invalid", "location_invalid"],
    ["EISDIR", "already_exists", "location_is_folder"],
    ["ENOTDIR", "unavailable", "parent_not_a_folder"],
    ["EIO", "unavailable", "storage_failed"],
    ["constructor", "unavailable", "storage_failed"],
  ] as const;
  for (const [systemCode, kind, code] of cases) {
    const error = localFailure(new SystemError(systemCode), {
      action: "create",
      location: "/secret/host/t/f",
    });
    assert.ok("kind" in error && "code" in error);
    assert.deepEqual([error.kind, error.code], [kind, code], systemCode);
    assert.doesNotMatch(error.message, /secret|os error/);
  }
  const mistake = new TypeError("ours");
  assert.equal(localFailure(mistake, { action: "read", location: "/f" }), mistake);
});

Deno.test("LocalFileIo reports names that the file system does not take", () =>
  withRoot(async (root) => {
    const io = new LocalFileIo({ kind: "local", roots: [root] });
    const long = `${root}/${"x".repeat(300)}`;
    const expected = { kind: "invalid", code: "location_invalid" } as const;
    await assertRejects(io.read(long), expected);
    await assertRejects(io.createIfAbsent(long, bytesOf("x")), expected);
    await assertRejects(io.put(long, bytesOf("x")), expected);
    assert.deepEqual(await io.listFolder(root), []);
    assert.deepEqual([...Deno.readDirSync(root)], [], "No temporary file is left");
  }));

Deno.test("LocalFileIo tells files from folders in each other's place", () =>
  withRoot(async (root) => {
    const io = new LocalFileIo({ kind: "local", roots: [root] });
    await io.createIfAbsent(`${root}/file`, bytesOf("x"));
    await io.createIfAbsent(`${root}/folder/f`, bytesOf("x"));
    assert.equal(await io.stat(`${root}/file/below`), null);
    for (const path of ["file/below", "file/far/below"]) {
      await assertRejects(io.createIfAbsent(`${root}/${path}`, bytesOf("x")), {
        kind: "unavailable",
        code: "parent_not_a_folder",
      });
    }
    await assertRejects(io.createIfAbsent(`${root}/folder`, bytesOf("x")), {
      kind: "already_exists",
    });
    await assertRejects(io.put(`${root}/folder`, bytesOf("x")), {
      kind: "already_exists",
      code: "location_is_folder",
    });
    await Deno.mkdir(`${root}/empty`);
    await io.delete(`${root}/empty`);
    assert.ok((await Deno.stat(`${root}/empty`)).isDirectory, "A folder is no file to delete");
    const names = [...Deno.readDirSync(root)].map((entry) => entry.name).sort();
    assert.deepEqual(names, ["empty", "file", "folder"]);
  }));

Deno.test("LocalFileIo reports links that form a loop", () =>
  withRoot(async (root) => {
    await Deno.symlink("b", `${root}/a`);
    await Deno.symlink("a", `${root}/b`);
    const io = new LocalFileIo({ kind: "local", roots: [root] });
    await assertRejects(io.read(`${root}/a`), { kind: "invalid" });
    assert.deepEqual(await io.listFolder(root), []);
  }));

Deno.test("LocalFileIo creates without hard links, one rival winning all the same", () =>
  withRoot(async (root) => {
    const link = () => Promise.reject(new SystemError("EPERM"));
    const io = new LocalFileIo({ kind: "local", roots: [root] }, { link });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => io.createIfAbsent(`${root}/f`, bytesOf(`rival ${i}`))),
    );
    const winners = results.flatMap((r, i) => r.status === "fulfilled" ? [i] : []);
    assert.equal(winners.length, 1, Deno.inspect(results));
    assert.equal(await readText(io, `${root}/f`), `rival ${winners[0]}`);
    assert.deepEqual([...Deno.readDirSync(root)].map((entry) => entry.name), ["f"]);
  }));

Deno.test("LocalFileIo takes back its claim where a create without links fails", () =>
  withRoot(async (root) => {
    await Deno.writeTextFile(`${root}/temporary`, "x");
    await Deno.mkdir(`${root}/folder`);
    const link = () => Promise.reject(new SystemError("ENOTSUP"));
    // A temporary file that is gone makes the rename fail after the claim.
    await assert.rejects(
      publishNoReplace({ temporary: `${root}/gone`, final: `${root}/final` }, link),
    );
    await assert.rejects(Deno.stat(`${root}/final`), Deno.errors.NotFound);
  }));

Deno.test("LocalFileIo trusts its own link over a repeated request's reply", () =>
  withRoot(async (root) => {
    // NFS: the link was made, the reply lost, and the repeat finds the name taken.
    const link = async (from: string, to: string) => {
      await Deno.link(from, to);
      throw new SystemError("EEXIST");
    };
    const io = new LocalFileIo({ kind: "local", roots: [root] }, { link });
    await io.createIfAbsent(`${root}/f`, bytesOf("mine"));
    assert.equal(await readText(io, `${root}/f`), "mine");

    const honest = new LocalFileIo({ kind: "local", roots: [root] });
    await assertRejects(honest.createIfAbsent(`${root}/f`, bytesOf("other")), {
      kind: "already_exists",
    });
  }));

Deno.test("LocalFileIo leaves no temporary file after a failed create", () =>
  withRoot(async (root) => {
    const link = () => Promise.reject(new SystemError("EIO"));
    const io = new LocalFileIo({ kind: "local", roots: [root] }, { link });
    await assertRejects(io.createIfAbsent(`${root}/f`, bytesOf("x")), {
      kind: "unavailable",
      code: "storage_failed",
    });
    assert.deepEqual([...Deno.readDirSync(root)], []);
  }));

Deno.test("LocalFileIo reports a full disk and leaves nothing behind", async () => {
  // A file system of 64 kB; needs the right to mount, which a container may lack.
  const root = await Deno.makeTempDir();
  const mounted = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=64k", "tmpfs", root],
    stderr: "null",
  }).output().catch(() => ({ success: false }));
  try {
    if (!mounted.success) {
      console.warn("storage_local_failures_test.ts: SKIPPED, a full disk takes the right to mount");
      return;
    }
    const io = new LocalFileIo({ kind: "local", roots: [root] });
    await io.createIfAbsent(`${root}/small`, bytesOf("x"));
    const full = { kind: "unavailable", code: "storage_full" } as const;
    await assertRejects(io.createIfAbsent(`${root}/large`, new Uint8Array(200_000)), full);
    await assertRejects(io.put(`${root}/large`, new Uint8Array(200_000)), full);
    assert.deepEqual([...Deno.readDirSync(root)].map((entry) => entry.name), ["small"]);
    await new Deno.Command("mount", { args: ["-o", "remount,ro", root] }).output();
    await assertRejects(io.createIfAbsent(`${root}/more`, bytesOf("x")), {
      kind: "forbidden",
      code: "storage_read_only",
    });
  } finally {
    if (mounted.success) await new Deno.Command("umount", { args: [root] }).output();
    await Deno.remove(root, { recursive: true });
  }
});
