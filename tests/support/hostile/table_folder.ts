/** A small real table on disk, to be damaged. */
import { parseJson } from "../../../lib/json.ts";
import type { TableMetadata } from "../../../lib/iceberg/spec/table_metadata.ts";
import { type Commit, dataFile, TABLE_LOCATION, writeMemoryTable } from "../memory_table.ts";

/** The metadata file of {@linkcode writeTableFolder}'s table. */
export const METADATA_FILE = "metadata/v1.metadata.json";
/** Its manifest list. */
export const LIST_FILE = "metadata/snap-9007199254740993.avro";
/** The data manifest in that list. */
export const MANIFEST_FILE = "metadata/9007199254740993-data.avro";

/** Writes a table of one snapshot into `folder`, as if it had been copied there. */
export async function writeTableFolder(
  folder: string,
  commit: Commit = { files: [dataFile("a"), dataFile("b")] },
  overrides: Partial<TableMetadata> = {},
): Promise<void> {
  const { io } = await writeMemoryTable([commit], overrides);
  for await (const { location } of io.listRecursive(TABLE_LOCATION)) {
    await putFile(folder, location.slice(TABLE_LOCATION.length + 1), await io.read(location));
  }
}

/** Writes one file below `folder`. */
export async function putFile(
  folder: string,
  name: string,
  contents: Uint8Array | string,
): Promise<void> {
  const path = `${folder}/${name}`;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof contents === "string") await Deno.writeTextFile(path, contents);
  else await Deno.writeFile(path, contents);
}

/** Changes the metadata document; `raw` texts in it are written without quotes. */
export async function editMetadata(
  folder: string,
  edit: (document: Record<string, unknown>) => void,
): Promise<void> {
  const path = `${folder}/${METADATA_FILE}`;
  const text = await Deno.readTextFile(path);
  // A copy with ordinary prototypes, and bigints where a double would round.
  const document = structuredClone(parseJson(text)) as Record<string, unknown>;
  edit(document);
  await Deno.writeTextFile(path, printRaw(document));
}

/** A number as a text of its own, also where no double holds it. */
export function raw(text: string): string {
  return `@raw ${text} raw@`;
}

/** JSON, with {@linkcode raw} texts bare. */
export function printRaw(value: unknown): string {
  const bare = (_: string, one: unknown) => typeof one === "bigint" ? raw(String(one)) : one;
  return JSON.stringify(value, bare).replaceAll(
    /"@raw (.*?) raw@"/g,
    (_, text) => JSON.parse(`"${text}"`),
  );
}

/** Copies a folder of files. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.isDirectory) await copyFolder(`${from}/${entry.name}`, `${to}/${entry.name}`);
    else await Deno.writeFile(`${to}/${entry.name}`, await Deno.readFile(`${from}/${entry.name}`));
  }
}
