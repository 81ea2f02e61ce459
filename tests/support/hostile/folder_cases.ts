/** Tables whose folder lies: hints, links, pipes, folders in place of files, far too many files. */
import { ALL, type HostileCase, MANIFESTS, NONE } from "./case.ts";
import { editMetadata, METADATA_FILE, putFile, writeTableFolder } from "./table_folder.ts";

async function makePipe(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  if (!success) throw new Error(`Cannot make the pipe ${path}`);
}

/** A good table whose hint says this. */
function hint(name: string, text: string | Uint8Array): HostileCase {
  return {
    name,
    fails: NONE,
    async make(folder) {
      await writeTableFolder(folder);
      await putFile(folder, "metadata/version-hint.text", text);
    },
  };
}

/** A good table whose manifest list lies elsewhere. */
function listAt(
  name: string,
  place: (folder: string) => string | Promise<string>,
): HostileCase {
  return {
    name,
    fails: MANIFESTS,
    async make(folder) {
      await writeTableFolder(folder);
      const location = await place(folder);
      await editMetadata(folder, (document) => {
        for (const one of document["snapshots"] as Record<string, unknown>[]) {
          one["manifest-list"] = location;
        }
      });
    },
  };
}

/** See the module comment. */
export const FOLDER_CASES: readonly HostileCase[] = [
  hint("a hint far ahead", "999999"),
  hint("a hint beyond 64 bits", "99999999999999999999999"),
  hint("a hint of 19 nines", "9999999999999999999"),
  hint("a negative hint", "-1"),
  hint("a hint of a megabyte", new Uint8Array(1024 * 1024).fill(0x31)),
  hint("a hint of bytes", Uint8Array.of(0xff, 0xfe, 0, 1)),
  hint("a hint that climbs", "../../../../etc/passwd"),
  hint("an empty hint", ""),
  {
    name: "a hint that is a pipe",
    fails: ALL,
    async make(folder) {
      await writeTableFolder(folder);
      await makePipe(`${folder}/metadata/version-hint.text`);
    },
  },
  {
    name: "a hint that is a folder",
    fails: NONE,
    async make(folder) {
      await writeTableFolder(folder);
      await Deno.mkdir(`${folder}/metadata/version-hint.text`);
    },
  },
  {
    name: "metadata that is a pipe",
    fails: ALL,
    async make(folder) {
      await putFile(folder, "metadata/version-hint.text", "1");
      await makePipe(`${folder}/${METADATA_FILE}`);
    },
  },
  {
    name: "metadata that is a folder",
    fails: ALL,
    make: (folder) => Deno.mkdir(`${folder}/${METADATA_FILE}`, { recursive: true }),
  },
  {
    name: "metadata behind a link out of the warehouse",
    fails: ALL,
    async make(folder) {
      await putFile(folder, "metadata/version-hint.text", "1");
      await Deno.symlink("/etc/passwd", `${folder}/${METADATA_FILE}`);
    },
  },
  {
    name: "metadata behind links in a circle",
    fails: ALL,
    async make(folder) {
      await putFile(folder, "metadata/version-hint.text", "1");
      await Deno.symlink(`${folder}/metadata/v2.metadata.json`, `${folder}/${METADATA_FILE}`);
      await Deno.symlink(`${folder}/${METADATA_FILE}`, `${folder}/metadata/v2.metadata.json`);
    },
  },
  {
    name: "a metadata folder that is a file",
    fails: ALL,
    make: (folder) => putFile(folder, "metadata", "no folder"),
  },
  {
    name: "a metadata folder that links to itself",
    fails: ALL,
    async make(folder) {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.symlink(`${folder}/metadata`, `${folder}/metadata`);
    },
  },
  {
    name: "a metadata folder of very many files",
    fails: NONE,
    async make(folder, { full }) {
      await writeTableFolder(folder);
      const names = Array.from({ length: full ? 100_000 : 3_000 }, (_, i) => i);
      for (const i of names) {
        Deno.writeFileSync(`${folder}/metadata/0-${i}.metadata.json`, new Uint8Array());
      }
    },
  },
  {
    name: "a namespace that links to the warehouse",
    fails: ALL,
    async make(folder) {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.symlink("../..", `${folder}/up`);
    },
  },
  listAt("a manifest list outside of the warehouse", () => "/etc/passwd"),
  listAt("a manifest list that climbs out", (folder) => `${folder}/../../../../../etc/passwd`),
  listAt("a manifest list that is missing", (folder) => `${folder}/metadata/none.avro`),
  listAt("a manifest list that is a folder", (folder) => `${folder}/metadata`),
  listAt("a manifest list below a file", (folder) => `${folder}/${METADATA_FILE}/snap.avro`),
  listAt("a manifest list that is the metadata", (folder) => `${folder}/${METADATA_FILE}`),
  listAt("a manifest list without a name", () => ""),
  listAt("a manifest list at a relative place", () => "snap.avro"),
  listAt("a manifest list of another host", () => "file://host.example/etc/passwd"),
  listAt("a manifest list in a bucket", () => "s3://bucket/key.avro"),
  listAt("a manifest list on the web", () => "http://127.0.0.1:9/list.avro"),
  listAt("a manifest list with a NUL in its name", (folder) => `${folder}/metadata/a\0b.avro`),
  listAt("a manifest list with a name of a megabyte", (folder) => `${folder}/${"n".repeat(1e6)}`),
  listAt(
    "a manifest list with a name of many folders",
    (folder) => `${folder}/${"n/".repeat(1e5)}`,
  ),
  listAt("a manifest list that is a pipe", async (folder) => {
    await makePipe(`${folder}/metadata/pipe.avro`);
    return `${folder}/metadata/pipe.avro`;
  }),
  listAt("a manifest list that is a device", async (folder) => {
    await Deno.symlink("/dev/zero", `${folder}/metadata/zero.avro`);
    return `${folder}/metadata/zero.avro`;
  }),
  listAt("a manifest list of nothing", async (folder) => {
    await putFile(folder, "metadata/empty.avro", "");
    return `${folder}/metadata/empty.avro`;
  }),
  listAt("a manifest list of a sparse gigabyte", async (folder) => {
    const path = `${folder}/metadata/sparse.avro`;
    await putFile(folder, "metadata/sparse.avro", "Obj\x01");
    await Deno.truncate(path, 1024 ** 3);
    return path;
  }),
  listAt("a manifest list of 200 sparse megabytes", async (folder) => {
    const path = `${folder}/metadata/sparse.avro`;
    await putFile(folder, "metadata/sparse.avro", "Obj\x01");
    await Deno.truncate(path, 200 * 1024 ** 2);
    return path;
  }),
];
