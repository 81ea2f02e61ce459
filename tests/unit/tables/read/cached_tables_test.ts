import assert from "node:assert/strict";
import type { FileIo } from "../../../../lib/iceberg/ports.ts";
import { currentSnapshot } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { CachedTables } from "../../../../lib/tables/read/cached_tables.ts";
import { dataFile, type MemoryTable, writeMemoryTable } from "../../../support/memory_table.ts";

/** Bytes of one bound: metrics of files outweigh everything else here. */
const BOUND_BYTES = 2_000;
const FILES = 20;

function wide(name: string) {
  const bound = new Uint8Array(BOUND_BYTES).fill(name.charCodeAt(0));
  return dataFile(name, {
    valueCounts: new Map([[3, 100]]),
    lowerBounds: new Map([[3, bound]]),
    upperBounds: new Map([[3, bound]]),
  });
}

async function wideTable(): Promise<MemoryTable> {
  return await writeMemoryTable([
    { files: Array.from({ length: FILES }, (_, i) => wide(`a${i}`)) },
    { files: [wide("b")] },
  ]);
}

/** Tables through a cache, the paths that were read, and a scan's look at all manifests. */
function scannerOf({ io, location }: MemoryTable, cacheBytes: number) {
  const reads: string[] = [];
  const read: FileIo["read"] = io.read.bind(io);
  io.read = async (path, options) => {
    reads.push(path);
    return await read(path, options);
  };
  const tables = new CachedTables({ openStorage: () => io, cacheBytes });
  const scan = async (columns?: ReadonlySet<"lowerBounds" | "columnSizes">) => {
    reads.length = 0;
    const loaded = await tables.load(location);
    const source = tables.manifests(loaded).scanSource();
    const snapshot = currentSnapshot(loaded.table.metadata);
    assert.ok(snapshot !== undefined);
    const entries = [];
    for (const manifest of await source.manifestsOf(snapshot)) {
      entries.push(...await source.entriesOf(manifest, columns === undefined ? {} : { columns }));
    }
    return entries;
  };
  return { tables, scan, reads };
}

Deno.test("a second scan reads nothing, and finds the same bounds", async () => {
  const { scan, reads } = scannerOf(await wideTable(), 10e6);
  const columns = new Set(["lowerBounds"] as const);
  const first = await scan(columns);
  assert.equal(first.length, FILES + 1);
  assert.equal(reads.length, 4, "metadata, manifest list, two manifests");
  const second = await scan(columns);
  assert.deepEqual(reads, []);
  for (const [i, { dataFile: { filePath, lowerBounds } }] of second.entries()) {
    assert.equal(filePath, first[i]?.dataFile.filePath);
    assert.equal(lowerBounds?.get(3)?.length, BOUND_BYTES);
  }
});

Deno.test("what is kept counts with the bounds that it keeps alive", async () => {
  const { scan, tables } = scannerOf(await wideTable(), 10e6);
  await scan(new Set(["lowerBounds"] as const));
  const { usedBytes } = tables.cache.stats();
  assert.ok(usedBytes > 2 * BOUND_BYTES * FILES, `${usedBytes} bytes`);
});

Deno.test("a manifest that does not fit the budget is read again", async () => {
  const { scan, reads, tables } = scannerOf(await wideTable(), BOUND_BYTES * FILES);
  for (let run = 0; run < 2; run++) assert.equal((await scan(new Set())).length, FILES + 1);
  assert.equal(reads.length, 1, "the large one of both");
  const { usedBytes, maxBytes } = tables.cache.stats();
  assert.ok(usedBytes > 0 && usedBytes <= maxBytes);
});

Deno.test("a scan that asks for more than metrics gets it, from the file", async () => {
  const { scan, reads } = scannerOf(await wideTable(), 10e6);
  await scan(new Set());
  await scan(new Set(["columnSizes"] as const));
  assert.equal(reads.length, 2, "both manifests");
});
