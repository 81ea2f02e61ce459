/**
 * Local files, written without waiting for the disk. The server makes each file durable before the
 * next step, as it must; five hundred commits would take minutes on some disks, and sample rows that
 * a power cut takes can be had again.
 */
import { dirname } from "node:path";
import type { FileIo, FileStat, FileWriter } from "../../lib/iceberg/ports.ts";

/** Plain absolute paths only, of which nobody else writes any. Everything else is `files`' work. */
export function bulkFileIo(files: FileIo): FileIo {
  const folders = new Set<string>();
  const write = async (path: string, bytes: Uint8Array, options: Deno.WriteFileOptions) => {
    const folder = dirname(path);
    if (!folders.has(folder)) await Deno.mkdir(folder, { recursive: true });
    folders.add(folder);
    await Deno.writeFile(path, bytes, options);
  };
  const createIfAbsent = (location: string, bytes: Uint8Array) =>
    write(location, bytes, { createNew: true });
  return {
    read: (location, options) => files.read(location, options),
    stat: (location, signal) => files.stat(location, signal),
    listFolder: (location, signal) => files.listFolder(location, signal),
    listRecursive: (location, signal) => files.listRecursive(location, signal),
    createIfAbsent,
    put: (location, bytes) => write(location, bytes, {}),
    openWriter: (location) => Promise.resolve(bufferedWriter(location, createIfAbsent)),
    delete: (location) => files.delete(location),
  };
}

/** Collects a file in memory: those of samples are small. */
function bufferedWriter(
  location: string,
  create: (location: string, bytes: Uint8Array) => Promise<void>,
): FileWriter {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  return {
    location,
    write(chunk) {
      // The caller may use its buffer again.
      chunks.push(chunk.slice());
      return Promise.resolve();
    },
    async close(): Promise<FileStat> {
      const bytes = await new Blob(chunks).bytes();
      await create(location, bytes);
      return { location, sizeBytes: bytes.length, modifiedAtMs: null };
    },
    abort() {
      chunks.length = 0;
      return Promise.resolve();
    },
  };
}
