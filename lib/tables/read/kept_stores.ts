/** Keeps opened stores: one that is opened anew has forgotten its real roots and what it can do. */
import type { FileIo } from "../../iceberg/ports.ts";
import type { StorageSpec } from "../../storage/mod.ts";

/** Stores kept; credentials that a catalog vends make a new one with every renewal. */
const MAX_STORES = 16;

/** Opens a spec's stores. */
export type OpenStorage = (spec: StorageSpec) => FileIo;

/** As `open`, but equal specs get the same `FileIo` while it is among the newest. */
export function keepStores(open: OpenStorage): OpenStorage {
  const kept = new Map<string, FileIo>();
  return (spec) => {
    const key = JSON.stringify(spec);
    const io = kept.get(key) ?? open(spec);
    kept.delete(key);
    kept.set(key, io);
    const [oldest] = kept.keys();
    if (kept.size > MAX_STORES && oldest !== undefined) kept.delete(oldest);
    return io;
  };
}
