/**
 * How fast manifests decode: 1,000 manifests of 100 data files, each file with metrics of 16
 * columns, written by our own writer and read back from disk into a cold process.
 *
 * `deno run --allow-all bench/manifest_bench.ts [manifests] [filesPerManifest] [columns] [codec]`
 */
import { join } from "node:path";
import type { ManifestEntry } from "../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../lib/iceberg/manifest/manifest_file.ts";
import {
  ALL_DATA_FILE_COLUMNS,
  type DataFileColumn,
  NO_DATA_FILE_COLUMNS,
  readManifest,
} from "../lib/iceberg/manifest/read_manifest.ts";
import { readManifestList } from "../lib/iceberg/manifest/read_manifest_list.ts";
import { scanManifest } from "../lib/iceberg/manifest/scan_manifest.ts";
import { writeLargeTable } from "./support/large_warehouse.ts";

const [manifests = 1_000, filesPerManifest = 100, columns = 16] = Deno.args.slice(0, 3).map(Number);
const codec = Deno.args[3] === "null" ? "null" : "deflate";

interface Loaded {
  readonly manifest: ManifestFile;
  readonly bytes: Uint8Array;
}

function load(list: string): readonly Loaded[] {
  return readManifestList(Deno.readFileSync(list), { location: list })
    .map((manifest) => ({ manifest, bytes: Deno.readFileSync(manifest.manifestPath) }));
}

function scan(loaded: readonly Loaded[]): string {
  let files = 0;
  let rows = 0;
  let bytesTotal = 0;
  const perPartition = new Map<unknown, number>();
  for (const { manifest, bytes } of loaded) {
    const steps = scanManifest(bytes, (file) => {
      files++;
      rows += file.recordCount;
      bytesTotal += file.fileSizeInBytes;
      perPartition.set(file.partition, (perPartition.get(file.partition) ?? 0) + 1);
    }, { location: manifest.manifestPath });
    for (const _ of steps);
  }
  return `${files} files, ${rows} rows, ${bytesTotal} bytes, ${perPartition.size} partitions`;
}

function read(loaded: readonly Loaded[], projected: ReadonlySet<DataFileColumn>): string {
  const all: (readonly ManifestEntry[])[] = [];
  for (const { manifest, bytes } of loaded) {
    all.push(...readManifest(bytes, { manifest, columns: projected }));
  }
  const count = all.reduce((sum, part) => sum + part.length, 0);
  return `${count} entries, heap ${Math.round(Deno.memoryUsage().heapUsed / 1e6)} MB`;
}

/** One column's metrics of each file, the way that pruning looks at them. */
function prune(loaded: readonly Loaded[]): string {
  let found = 0;
  const projected = new Set<DataFileColumn>(["lowerBounds", "upperBounds", "nullValueCounts"]);
  for (const { manifest, bytes } of loaded) {
    for (const part of readManifest(bytes, { manifest, columns: projected })) {
      for (const { dataFile } of part) {
        const { lowerBounds, upperBounds, nullValueCounts } = dataFile;
        if (lowerBounds?.get(7) && upperBounds?.get(7) && nullValueCounts?.has(7)) found++;
      }
    }
  }
  return `${found} files with bounds`;
}

function time<T>(name: string, run: () => T): T {
  const start = performance.now();
  const result = run();
  const elapsedMs = performance.now() - start;
  const files = manifests * filesPerManifest;
  const rate = Math.round(files / elapsedMs * 1000).toLocaleString("en");
  console.log(
    `${name.padEnd(34)} ${elapsedMs.toFixed(0).padStart(6)} ms  ${rate.padStart(12)} files/s` +
      (typeof result === "string" ? `  ${result}` : ""),
  );
  return result;
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  try {
    const options = { manifests, filesPerManifest, columns, snapshots: 1, codec } as const;
    await writeLargeTable(folder, options);
    const list = join(folder, "metadata", "snap.avro");
    const start = performance.now();
    const loaded = time("read files from disk", () => load(list));
    time("scan, cold", () => scan(loaded));
    console.log(`cold total ${(performance.now() - start).toFixed(0)} ms`);
    for (const round of ["2nd", "3rd"]) {
      time(`scan, ${round} round`, () => scan(loaded));
      time(`read without metrics, ${round} round`, () => read(loaded, NO_DATA_FILE_COLUMNS));
      time(`read with metrics, ${round} round`, () => read(loaded, ALL_DATA_FILE_COLUMNS));
      time(`prune on one column, ${round} round`, () => prune(loaded));
    }
    const bytes = loaded.reduce((sum, { bytes }) => sum + bytes.length, 0);
    console.log(`${(bytes / 1e6).toFixed(1)} MB of manifests, codec ${codec}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
