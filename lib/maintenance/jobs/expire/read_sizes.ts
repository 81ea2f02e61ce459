/** Remembers how large files were that were read whole: manifest lists, whose sizes no one records. */
import type { FileIo, ReadOptions } from "../../../iceberg/ports.ts";

/** A store for reading, and the sizes of what was read. */
export interface SizedReads {
  readonly io: FileIo;
  /** Bytes; null where it was not read. */
  sizeOf(location: string): number | null;
}

/** Reads through `io`, with an eye on sizes of files that `matters` names. */
export function withReadSizes(io: FileIo, matters: (location: string) => boolean): SizedReads {
  const sizes = new Map<string, number>();
  return {
    sizeOf: (location) => sizes.get(location) ?? null,
    io: {
      async read(location: string, options?: ReadOptions) {
        const bytes = await io.read(location, options);
        if (options?.range === undefined && matters(location)) sizes.set(location, bytes.length);
        return bytes;
      },
      stat: (location, signal) => io.stat(location, signal),
      listFolder: (location, signal) => io.listFolder(location, signal),
      listRecursive: (location, signal) => io.listRecursive(location, signal),
      createIfAbsent: (location, bytes) => io.createIfAbsent(location, bytes),
      put: (location, bytes) => io.put(location, bytes),
      openWriter: (location) => io.openWriter(location),
      delete: (location) => io.delete(location),
    },
  };
}
