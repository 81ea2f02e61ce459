/** Tables whose metadata document is cut, swollen, cyclic or lying. */
import { gzipSync } from "node:zlib";
import { ALL, type HostileCase, NONE } from "./case.ts";
import { editMetadata, METADATA_FILE, putFile, raw, writeTableFolder } from "./table_folder.ts";

const MIB = 1024 * 1024;

/** A document instead of the metadata. */
function document(
  name: string,
  contents: (full: boolean) => Uint8Array | string,
  more: Partial<HostileCase> = {},
): HostileCase {
  return {
    name,
    fails: ALL,
    make: (folder, { full }) => putFile(folder, METADATA_FILE, contents(full)),
    ...more,
  };
}

/** A good document with one thing wrong. */
function edited(
  name: string,
  edit: (document: Record<string, unknown>) => void,
  more: Partial<HostileCase> = {},
): HostileCase {
  return {
    name,
    fails: ALL,
    async make(folder) {
      await writeTableFolder(folder);
      await editMetadata(folder, edit);
    },
    ...more,
  };
}

function snapshots(count: number, more: (id: number) => Record<string, unknown>): unknown[] {
  return Array.from({ length: count }, (_, i) => ({
    "snapshot-id": i + 1,
    "sequence-number": 1,
    "timestamp-ms": 1_700_000_000_000 + i,
    "manifest-list": `metadata/none-${i}.avro`,
    summary: { operation: "append" },
    ...more(i + 1),
  }));
}

/** A document whose types nest `depth` deep, written without recursion. */
function deepTypes(depth: number): string {
  const parts: string[] = [];
  for (let i = 0; i < depth; i++) {
    parts.push(`{"type":"struct","fields":[{"id":${i + 1},"name":"a","required":false,"type":`);
  }
  const text = `${parts.join("")}"int"${"}]}".repeat(depth)}`;
  return `{"format-version":2,"location":"/w/t","last-updated-ms":1,"last-column-id":1,` +
    `"last-sequence-number":0,"last-partition-id":999,"current-schema-id":0,"default-spec-id":0,` +
    `"table-uuid":"7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10","partition-specs":[{"spec-id":0,` +
    `"fields":[]}],"schemas":[{"schema-id":0,"type":"struct","fields":[{"id":0,"name":"r",` +
    `"required":false,"type":${text}}]}]}`;
}

function wideSchema(fields: number): (document: Record<string, unknown>) => void {
  return (document) => {
    document["schemas"] = [{
      "schema-id": 0,
      type: "struct",
      fields: Array.from({ length: fields }, (_, i) => ({
        id: i + 1,
        name: `c${i}`,
        required: false,
        type: "int",
      })),
    }];
  };
}

/** As many branches as snapshots, each with a long history that it wants to keep. */
function braided(count: number): (document: Record<string, unknown>) => void {
  return (document) => {
    document["snapshots"] = snapshots(
      count,
      (id) => id === 1 ? {} : { "parent-snapshot-id": id - 1 },
    );
    document["current-snapshot-id"] = count;
    document["snapshot-log"] = [];
    document["refs"] = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [i === 0 ? "main" : `b${i}`, {
        "snapshot-id": i === 0 ? count : i,
        type: "branch",
        "min-snapshots-to-keep": 1 + (i * 7_919) % count,
      }]),
    );
  };
}

/** See the module comment. */
export const METADATA_CASES: readonly HostileCase[] = [
  document("empty metadata", () => ""),
  document("metadata of zeros", () => new Uint8Array(4096)),
  document("metadata that is no JSON", () => "{'format-version': 2}"),
  document("metadata that is a list", () => "[]"),
  document("metadata that is not UTF-8", () => Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22)),
  document("metadata that is half gzip", () => gzipSync("{}").subarray(0, 12)),
  document("brackets without end", (full) => "[".repeat(full ? 20 * MIB : MIB)),
  document("objects in objects", (full) => '{"a":'.repeat(full ? 5 * MIB : MIB / 4)),
  document("a number of a million digits", () => `{"format-version":${"9".repeat(1e6)}}`),
  document("types nested ten thousand deep", () => deepTypes(10_000)),
  document("types nested as deep as JSON may be", () => deepTypes(80)),
  document(
    "a gzip bomb of blanks",
    (full) => gzipSync(new Uint8Array((full ? 600 : 140) * MIB).fill(32)),
    { slow: true },
  ),
  document(
    "a gzip bomb of empty objects",
    (full) => gzipSync(`[${"{},".repeat((full ? 120 : 5) * MIB / 3)}0]`),
  ),
  document("a gzip bomb of empty lists", () => gzipSync(`[${"[],".repeat(40 * MIB)}0]`), {
    slow: true,
  }),
  document("a gzip bomb of short texts", () => gzipSync(`[${'"ab",'.repeat(24 * MIB)}0]`), {
    slow: true,
  }),
  document(
    "a gzip bomb of one long text",
    (full) => gzipSync(`{"format-version":2,"location":"${"x".repeat((full ? 120 : 20) * MIB)}"}`),
  ),
  document("more metadata than is read", () => new Uint8Array(129 * MIB).fill(32), { slow: true }),
  edited("a schema of a million columns", wideSchema(1_000_000), { slow: true }),
  edited("a schema of a hundred thousand columns", wideSchema(100_000), {
    fails: NONE,
    slow: true,
  }),
  edited("a column comment of 50 MB", (doc) => {
    const schemas = doc["schemas"] as { fields: Record<string, unknown>[] }[];
    for (const field of schemas[0]?.fields ?? []) field["doc"] = "x".repeat(12 * MIB);
  }, { fails: ["schema"] }),
  edited("a property of 20 MB", (doc) => {
    doc["properties"] = { "write.target-file-size-bytes": "9".repeat(20 * MIB) };
  }, { fails: NONE }),
  edited("a target size beyond any file", (doc) => {
    doc["properties"] = { "write.target-file-size-bytes": "9007199254740991" };
  }, { fails: NONE }),
  edited("retention beyond any time", (doc) => {
    doc["properties"] = {
      "history.expire.max-snapshot-age-ms": "9223372036854775807",
      "history.expire.min-snapshots-to-keep": "9007199254740991",
    };
  }, { fails: NONE }),
  edited("a hundred thousand properties", (doc) => {
    doc["properties"] = Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`p${i}`, 1]));
  }),
  edited("snapshots that are their own ancestors", (doc) => {
    doc["snapshots"] = snapshots(3, (id) => ({ "parent-snapshot-id": id % 3 + 1 }));
    doc["current-snapshot-id"] = 1;
    doc["refs"] = {};
  }),
  edited("a snapshot that is its own parent", (doc) => {
    doc["snapshots"] = snapshots(1, () => ({ "parent-snapshot-id": 1 }));
    doc["current-snapshot-id"] = 1;
    doc["refs"] = {};
  }),
  edited("a long history under many branches", braided(2_000), { fails: ["files"] }),
  edited("a hundred thousand snapshots under as many branches", braided(100_000), {
    fails: ["files"],
    slow: true,
  }),
  edited("a summary of 40 MB", (doc) => {
    doc["snapshots"] = snapshots(3, () => ({ summary: { operation: "x".repeat(14 * MIB) } }));
    doc["current-snapshot-id"] = 1;
    doc["refs"] = {};
  }, { fails: ["files", "health"] }),
  edited("ids beyond 64 bits", (doc) => {
    doc["current-snapshot-id"] = raw("9223372036854775808");
  }),
  edited("a sequence number of 10^400", (doc) => {
    doc["last-sequence-number"] = raw(`1${"0".repeat(400)}`);
  }),
  edited("a time that no calendar has", (doc) => {
    for (const one of doc["snapshots"] as Record<string, unknown>[]) {
      one["timestamp-ms"] = 9_007_199_254_740_991;
    }
  }, { fails: ["snapshots", "health"] }),
  edited("a negative time", (doc) => {
    for (const one of doc["snapshots"] as Record<string, unknown>[]) {
      one["timestamp-ms"] = -9_007_199_254_740_991;
    }
  }, { fails: ["snapshots", "health"] }),
  edited("references to nothing", (doc) => {
    doc["refs"] = { main: { "snapshot-id": 42, type: "branch" } };
  }),
  edited("a current snapshot that is not there", (doc) => {
    doc["current-snapshot-id"] = 42;
    doc["refs"] = {};
  }),
  edited("two columns of one id", (doc) => {
    const schemas = doc["schemas"] as { fields: Record<string, unknown>[] }[];
    for (const field of schemas[0]?.fields ?? []) field["id"] = 1;
  }),
  edited("a schema that is not there", (doc) => void (doc["current-schema-id"] = 7)),
  edited("keys of the prototype", (doc) => {
    doc["properties"] = raw('{"__proto__":"a","constructor":"b"}');
  }, { fails: NONE }),
  edited("format version 2147483647", (doc) => void (doc["format-version"] = 2_147_483_647)),
  edited("a location that is a root", (doc) => void (doc["location"] = "/"), { fails: NONE }),
  edited("a location of 5 MB", (doc) => void (doc["location"] = "../".repeat(2 * MIB)), {
    fails: NONE,
  }),
  edited("a million statistics blobs", (doc) => {
    doc["statistics"] = [{
      "snapshot-id": 1,
      "statistics-path": "x",
      "file-size-in-bytes": -1,
      "file-footer-size-in-bytes": 1,
      "blob-metadata": [],
    }];
  }),
  {
    name: "metadata with two current versions, both bombs",
    fails: ALL,
    async make(folder) {
      const bomb = gzipSync(new Uint8Array(64 * MIB));
      await putFile(folder, "metadata/00001-a.gz.metadata.json", bomb);
      await putFile(folder, "metadata/00001-b.gz.metadata.json", bomb);
      await putFile(folder, "metadata/00001-c.gz.metadata.json", bomb.subarray(0, 1000));
    },
  },
  {
    name: "ten thousand references of long names",
    fails: NONE,
    async make(folder) {
      await writeTableFolder(folder);
      await editMetadata(folder, (doc) => {
        const [first] = doc["snapshots"] as Record<string, unknown>[];
        const refs = Array.from({ length: 10_000 }, (_, i) => [
          `${i}${"r".repeat(4_000)}`,
          { "snapshot-id": first?.["snapshot-id"], type: "tag" },
        ]);
        doc["refs"] = { ...doc["refs"] as Record<string, unknown>, ...Object.fromEntries(refs) };
      });
    },
  },
];
