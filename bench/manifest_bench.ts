/**
 * How fast manifests decode: 1,000 manifests of 100 data files, each file with metrics of 16
 * columns, written by our own writer and read back from disk into a cold process.
 *
 * `deno run --allow-all bench/manifest_bench.ts [manifests] [filesPerManifest] [columns] [codec]`
 */
import { join } from "node:path";
import type { DataFile, ManifestEntry } from "../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../lib/iceberg/manifest/manifest_file.ts";
import {
  ALL_DATA_FILE_COLUMNS,
  type DataFileColumn,
  NO_DATA_FILE_COLUMNS,
  readManifest,
} from "../lib/iceberg/manifest/read_manifest.ts";
import { readManifestList } from "../lib/iceberg/manifest/read_manifest_list.ts";
import { scanManifest } from "../lib/iceberg/manifest/scan_manifest.ts";
import { writeManifest } from "../lib/iceberg/manifest/write_manifest.ts";
import { writeManifestList } from "../lib/iceberg/manifest/write_manifest_list.ts";

const SNAPSHOT_ID = 5_512_390_481_202_741_117n;
const DAYS = 30;

const [manifests = 1_000, filesPerManifest = 100, columns = 16] = Deno.args.slice(0, 3).map(Number);
const codec = Deno.args[3] === "null" ? "null" : "deflate";

/** Numbers that repeat from run to run. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    yield state / 0x7fffffff;
  }
}

const numbers = randomNumbers(42);

function random(limit: number): number {
  return Math.floor(numbers.next().value * limit);
}

function metrics<V>(value: () => V): ReadonlyMap<number, V> {
  return new Map(Array.from({ length: columns }, (_, index) => [index + 1, value()]));
}

function bound(): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, random(2 ** 31), true);
  return bytes;
}

function dataFile(index: number): DataFile {
  const day = 19_700 + index % DAYS;
  return {
    content: "data",
    filePath: `s3://lake/warehouse/db/events/data/day=${day}/0000${index}-${random(1e9)}.parquet`,
    fileFormat: "parquet",
    specId: 0,
    partition: [day],
    recordCount: 100_000 + random(1e5),
    fileSizeInBytes: 20_000_000 + random(1e7),
    columnSizes: metrics(() => 100_000 + random(1e6)),
    valueCounts: metrics(() => 100_000 + random(1e5)),
    nullValueCounts: metrics(() => random(100)),
    nanValueCounts: metrics(() => 0),
    lowerBounds: metrics(bound),
    upperBounds: metrics(bound),
    keyMetadata: null,
    splitOffsets: [4],
    equalityIds: null,
    sortOrderId: 0,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
  };
}

function* entries(manifest: number): Generator<ManifestEntry> {
  for (let index = 0; index < filesPerManifest; index++) {
    yield {
      status: "added",
      snapshotId: SNAPSHOT_ID,
      sequenceNumber: null,
      fileSequenceNumber: null,
      dataFile: dataFile(manifest * filesPerManifest + index),
    };
  }
}

async function generate(folder: string): Promise<string> {
  const written: ManifestFile[] = [];
  const day = {
    id: 1000,
    name: "day",
    required: false,
    type: { kind: "date" },
    doc: null,
  } as const;
  for (let index = 0; index < manifests; index++) {
    const { bytes, manifest } = writeManifest(entries(index), {
      formatVersion: 2,
      content: "data",
      manifestPath: join(folder, `m${index}.avro`),
      snapshotId: SNAPSHOT_ID,
      schemaId: 0,
      schemaJson: '{"type":"struct","schema-id":0,"fields":[]}',
      specId: 0,
      partitionSpecJson: '[{"source-id":1,"field-id":1000,"name":"day","transform":"day"}]',
      partitionType: {
        kind: "struct",
        fields: [{ ...day, initialDefault: undefined, writeDefault: undefined }],
      },
      codec,
    });
    await Deno.writeFile(manifest.manifestPath, bytes);
    written.push(manifest);
  }
  const list = join(folder, "list.avro");
  const { bytes } = writeManifestList(written, {
    formatVersion: 2,
    snapshotId: SNAPSHOT_ID,
    parentSnapshotId: null,
    sequenceNumber: 1n,
  });
  await Deno.writeFile(list, bytes);
  return list;
}

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
    const list = await generate(folder);
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
